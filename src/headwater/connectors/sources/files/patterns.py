"""Which files belong to a source: a glob with a site and a time in it, turned into a listing and intervals."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final
from zoneinfo import ZoneInfo

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_DIRECTIVES: Final = {
    "Y": (r"\d{4}", "year"),
    "m": (r"\d{2}", "month"),
    "d": (r"\d{2}", "day"),
    "j": (r"\d{3}", "day"),
    "H": (r"\d{2}", "hour"),
    "M": (r"\d{2}", "minute"),
    "S": (r"\d{2}", "second"),
}
_UNITS: Final = ("year", "month", "day", "hour", "minute", "second")
_STEPS: Final = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
_REMOTE: Final = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]+://")
_MAGIC: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path as written, its strftime parts in order, the finest unit among them, and the zone of its times."""

    text: str
    times: tuple[str, ...] = ()
    unit: str = ""
    timezone: str = "UTC"


def parse_pattern(text: str, timezone: str) -> tuple[Pattern, str]:
    """Read a path; gives the pattern and what is wrong with it ("" if nothing)."""
    if scheme := _REMOTE.match(text):
        return Pattern(text), f"`{scheme[0]}…` is not a path here: only files of this machine are read so far"
    times = []
    for inner in _PLACEHOLDER.findall(text):
        name, _, form = inner.partition(":")
        if inner != "site" and (name != "time" or not form):
            return Pattern(text), f"`{{{inner}}}` in a path means nothing: there are {{site}} and {{time:%Y-%m-%d}}"
        times += [form] if name == "time" else []
    rest = _PLACEHOLDER.sub("", text)
    if not text.strip() or "{" in rest or "}" in rest or "\0" in text:
        return Pattern(text), f"`{text}` is not a path"
    directives = re.findall(r"%(.)", "".join(times))
    unknown = [d for d in directives if d not in _DIRECTIVES]
    if unknown:
        return Pattern(
            text
        ), f"`%{unknown[0]}` is not known in a path: there are {', '.join('%' + d for d in _DIRECTIVES)}"
    if times and not _is_whole(directives):
        return Pattern(text), "the time in a path must be whole: %Y, then %m (or %j), %d, %H, %M, %S without a gap"
    unit = max((_DIRECTIVES[d][1] for d in directives), key=_UNITS.index, default="")
    return Pattern(text, tuple(times), unit, timezone), ""


def _is_whole(directives: list[str]) -> bool:
    units = {_DIRECTIVES[d][1] for d in directives} | ({"month"} if "j" in directives else set())
    finest = max((_UNITS.index(u) for u in units), default=-1)
    return finest >= 0 and units == set(_UNITS[: finest + 1]) and len(set(directives)) == len(directives)


def list_files(pattern: Pattern, root: str, site: str) -> Iterator[str]:
    """List what the pattern matches at a site, relative to the root where it lies below it; no order is promised."""
    glob = _PLACEHOLDER.sub(lambda m: _plain(site) if m[1] == "site" else _time_glob(m[1]), pattern.text)
    parts = PurePosixPath(glob).parts
    if not _MAGIC.search(glob):
        if os.path.isfile(os.path.join(root, glob)):
            yield glob
        return
    start = parts[0] if PurePosixPath(glob).is_absolute() else ""
    yield from _walk(root, start, parts[1:] if start else parts)


def _plain(site: str) -> str:
    return _MAGIC.sub(lambda m: f"[{m[0]}]", site)


def _time_glob(inner: str) -> str:
    return re.sub(r"%.", "*", inner.partition(":")[2])


def _walk(root: str, at: str, parts: tuple[str, ...]) -> Iterator[str]:
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _deep(root, at, rest or ("*",))
        return
    if not _MAGIC.search(part):
        below = os.path.join(at, part)
        if rest:
            yield from _walk(root, below, rest)
        elif os.path.isfile(os.path.join(root, below)):
            yield below
        return
    matches = _matcher(part)
    for entry in _entries(root, at):
        if matches(entry.name) and (not entry.name.startswith(".") or part.startswith(".")):
            below = os.path.join(at, entry.name)
            if rest and entry.is_dir():
                yield from _walk(root, below, rest)
            elif not rest and entry.is_file():
                yield below


def _deep(root: str, at: str, rest: tuple[str, ...]) -> Iterator[str]:
    yield from _walk(root, at, rest)
    for entry in _entries(root, at):
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield from _deep(root, os.path.join(at, entry.name), rest)


def _entries(root: str, at: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(os.path.join(root, at)) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


@lru_cache(maxsize=256)
def _compiled(part: str) -> re.Pattern[str]:
    import fnmatch

    return re.compile(fnmatch.translate(part))


def _matcher(part: str) -> Callable[[str], object]:
    return _compiled(part).match


@lru_cache(maxsize=64)
def _shape(pattern: Pattern, site: str) -> re.Pattern[str]:
    """The pattern as a regular expression whose groups are the times."""
    out, at = [], 0
    for found in _PLACEHOLDER.finditer(pattern.text):
        out.append(_glob_as_regex(pattern.text[at : found.start()]))
        out.append(re.escape(site) if found[1] == "site" else _time_as_regex(found[1].partition(":")[2]))
        at = found.end()
    return re.compile("".join([*out, _glob_as_regex(pattern.text[at:])]), re.DOTALL)


def _time_as_regex(form: str) -> str:
    pieces = re.split(r"%(.)", form)
    return "(" + "".join(_DIRECTIVES[p][0] if n % 2 else re.escape(p) for n, p in enumerate(pieces)) + ")"


def _glob_as_regex(text: str) -> str:
    out = []
    for piece in re.findall(r"\*\*/|\*|\?|\[!?\]?[^\]]*\]|.", text, re.DOTALL):
        if piece == "**/":
            out.append(r"(?:[^/]+/)*")
        elif piece in {"*", "?"}:
            out.append("[^/]*" if piece == "*" else "[^/]")
        elif len(piece) > 1:
            out.append("[^" + piece[2:] if piece.startswith("[!") else piece)
        else:
            out.append(re.escape(piece))
    return "".join(out)


def interval_of(pattern: Pattern, path: str, site: str) -> tuple[datetime, datetime] | None:
    """Give the interval that a path declares, in UTC; None if its text is no time.

    >>> pattern, _ = parse_pattern("{time:%Y-%m}/*.csv", "UTC")
    >>> [str(at.date()) for at in interval_of(pattern, "2013-12/a.csv", "hub")]
    ['2013-12-01', '2014-01-01']
    """
    match = _shape(pattern, site).fullmatch(path)
    if not match:
        return None
    try:
        start = datetime.strptime("\x1f".join(match.groups()), "\x1f".join(pattern.times))  # noqa: DTZ007 - zone below
    except ValueError:
        return None
    zone = ZoneInfo(pattern.timezone)
    return start.replace(tzinfo=zone).astimezone(UTC), _next(start, pattern.unit, zone)


def _next(start: datetime, unit: str, zone: ZoneInfo) -> datetime:
    if unit == "year":
        end = start.replace(year=start.year + 1)
    elif unit == "month":
        end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    elif unit == "day":
        end = start + _STEPS[unit]
    else:  # hours and less are counted on the clock that does not jump
        return start.replace(tzinfo=zone).astimezone(UTC) + _STEPS[unit]
    return end.replace(tzinfo=zone).astimezone(UTC)
