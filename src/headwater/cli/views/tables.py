"""Tables for a person: columns as wide as they need, cut only where a terminal ends."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import click

from headwater.cli.views.text import clean, fit, pad, width

_GAP: Final = "  "
_LEAST: Final = 6


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = (), columns: int | None = None
) -> Iterator[str]:
    """Give the lines; ``right`` numbers the columns that hold numbers, ``columns`` is the terminal's width."""
    body = [[clean(cell) for cell in row] for row in rows]
    names = [clean(name) for name in header]
    widths = [max(map(width, cells)) for cells in zip(names, *body, strict=True)]
    if columns is not None:
        widths = _shrunk(widths, columns)
    numbers = frozenset(right)
    yield click.style(_line(names, widths, numbers), bold=True)
    for row in body:
        yield _line(row, widths, numbers)


def _line(cells: Sequence[str], widths: Sequence[int], numbers: frozenset[int]) -> str:
    padded = (pad(fit(cell, widths[i]), widths[i], right=i in numbers) for i, cell in enumerate(cells))
    return _GAP.join(padded).rstrip()


def _shrunk(widths: list[int], columns: int) -> list[int]:
    """Take from the widest column until the table fits, but leave each recognisable."""
    widths = list(widths)
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - columns
    while excess > 0 and max(widths, default=0) > _LEAST:
        widest = max(range(len(widths)), key=lambda i: widths[i])
        second = max((w for i, w in enumerate(widths) if i != widest), default=0)
        take = min(excess, max(1, widths[widest] - max(second, _LEAST)))
        widths[widest] -= take
        excess -= take
    return widths
