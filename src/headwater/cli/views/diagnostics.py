"""Diagnostics for a person: what is wrong, the line it stands on, and what to do."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Final

import click

from headwater.cli.views.text import clean, count, width
from headwater.diagnostics import Diagnostic, Severity, Where

_MOST_ALIKE: Final = 4
_TAB: Final = "    "
_LONGEST_LINE: Final = 110
_MOST_BYTES: Final = 1 << 16
_PASSWORD: Final = re.compile(r"(?<=://)[^\s:/@]*:([^\s@/]+)(?=@)")
_WHOLE: Final = r"""(?!['"]?\$\{[^{}]*\}['"]?\s*(?:[,})\]#]|$))"""
"""What follows is not one reference and nothing else."""
_SECRET: Final = re.compile(
    rf"""\bsecret['"]?\s*[:=]\s*{_WHOLE}(?:"((?:[^"\\]|\\.)*)"?|'((?:[^']|'')*)'?|(\[[^\]]*|[^\s'"][^,}}]*))"""
)
_COLORS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def render(found: Iterable[Diagnostic], project: Path | None, *, warnings: bool = True) -> Iterator[str]:
    """Give the lines for all diagnostics: sorted by place, errors last so that they stay in sight."""
    root = _root(project)
    ordered = sorted(found, key=lambda d: (d.severity is Severity.ERROR, d.where is None, d.where or Where(""), d.code))
    wanted = [each for each in ordered if warnings or each.severity is Severity.ERROR]
    for _, alike in groupby(wanted, key=lambda d: (d.code, d.where or d.message, d.hint, d.length)):
        yield from _together(list(alike), root)


def _together(alike: list[Diagnostic], root: Path | None) -> Iterator[str]:
    """Give the lines for all that is wrong in one way at one place; the place is shown once."""
    for diagnostic in alike[:_MOST_ALIKE]:
        first, *others = diagnostic.message.split("\n")
        title = click.style(f"{diagnostic.severity}[{diagnostic.code}]", fg=_COLORS[diagnostic.severity], bold=True)
        yield f"{title}: {click.style(clean(first), bold=True)}"
        yield from (f"  {clean(line)}" for line in others)
    if len(alike) > _MOST_ALIKE:
        yield f"… and {count(len(alike) - _MOST_ALIKE)} more like it"
    yield from _place(alike[0], root)


def _place(diagnostic: Diagnostic, root: Path | None) -> Iterator[str]:
    where, color = diagnostic.where, _COLORS[diagnostic.severity]
    margin = " " * len(str(where.line)) if where and where.line else " "
    if where and where.file:
        yield f"{margin} {_blue('┌─')} {clean(str(where))}"
        yield from _frame(where, diagnostic.length, root, color)
    for line in diagnostic.hint.split("\n") if diagnostic.hint else ():
        yield f"{margin} {_blue('=')} {clean(line)}"


def tally(found: Iterable[Diagnostic]) -> str:
    """Count mistakes and remarks: `2 errors, 1 warning`."""
    kinds = [each.severity for each in found]
    parts = [count(kinds.count(s), str(s)) for s in (Severity.ERROR, Severity.WARNING) if s in kinds]
    return ", ".join(parts) or "no mistakes"


def _frame(where: Where, length: int, root: Path | None, color: str) -> Iterator[str]:
    text = _line_of(where, root)
    if text is None:
        return
    before, marked, after = _cut(text, where.column, length)
    number = str(where.line)
    yield f"{_blue(f'{number} │')} {before}{marked}{after}".rstrip()
    if where.column:
        yield f"{' ' * len(number)} {_blue('│')} {' ' * width(before)}{_carets(marked, color)}"


def _carets(marked: str, color: str) -> str:
    return click.style("^" * max(1, width(marked)), fg=color, bold=True)


def _cut(text: str, column: int, length: int) -> tuple[str, str, str]:
    """Split a line around what is marked, and keep of a long one only what stands near it."""
    start = max(0, column - 1)
    marked = text[start : start + min(max(1, length), _LONGEST_LINE)]
    before, after = text[:start], text[start + len(marked) :]
    if len(text) > _LONGEST_LINE:
        room = max(20, (_LONGEST_LINE - len(marked)) // 2)
        before = "…" + before[-room:] if len(before) > room else before
        after = after[:room] + "…" if len(after) > room else after
    return _shown(before), _shown(marked), _shown(after)


def _shown(text: str) -> str:
    return clean(text.replace("\t", _TAB))


def _line_of(where: Where, root: Path | None) -> str | None:
    """Read the line, with secrets and passwords in addresses covered; None if it cannot be shown."""
    if root is None or not where.line:
        return None
    try:
        with (root / where.file).open("rb") as file:
            line = next(islice(iter(lambda: file.readline(_MOST_BYTES), b""), where.line - 1, None), None)
    except (OSError, ValueError):
        return None
    if line is None:
        return None
    text = line.decode("utf-8-sig" if where.line == 1 else "utf-8", "replace").rstrip("\r\n")
    for pattern in (_PASSWORD, _SECRET):
        text = pattern.sub(_covered, text)
    return text


def _covered(found: re.Match[str]) -> str:
    start, end = (edge - found.start() for edge in found.span(found.lastindex or 0))
    return found[0][:start] + "*" * (end - start) + found[0][end:]


def _root(project: Path | None) -> Path | None:
    if project is None:
        return None
    from headwater.app.settings import find_root
    from headwater.diagnostics import HeadwaterError

    try:
        return find_root(project.absolute())
    except (HeadwaterError, OSError):
        return None


def _blue(text: str) -> str:
    return click.style(text, fg="blue")
