"""Rows of a query or table: a table for a person, CSV, or an array of objects."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from headwater.cli.pages import Page
from headwater.cli.views.encoding import encode, plain
from headwater.cli.views.tables import table
from headwater.cli.views.text import count

_WIDEST_CELL: Final = 200
_SPECIAL: Final = frozenset('",\r\n')


@dataclass(frozen=True, slots=True)
class Rows:
    """Column names and rows; ``has_more``: there are more than these."""

    names: tuple[str, ...]
    rows: Iterable[Sequence[Any]]
    has_more: bool = False


def objects(found: Rows) -> Iterator[Mapping[str, Any]]:
    """Give each row as a map; of columns with one name, the later ones get a number."""
    names = distinct(found.names)
    return (dict(zip(names, row, strict=True)) for row in found.rows)


def distinct(names: Iterable[str]) -> list[str]:
    """Number names that occur twice, so that no value is lost.

    >>> distinct(["n", "n", "n_1", "n"])
    ['n', 'n_1', 'n_1_1', 'n_2']
    """
    taken: set[str] = set()
    given = []
    for name in names:
        free, number = name, 0
        while free in taken:
            number += 1
            free = f"{name}_{number}"
        taken.add(free)
        given.append(free)
    return given


def as_table(found: Rows, page: Page) -> Iterator[str]:
    """Give the lines of a table, and how many rows there are."""
    rows = list(found.rows)
    numbers = [i for i in range(len(found.names)) if _is_numeric(row[i] for row in rows)]
    body = ([cell(value) for value in row] for row in rows)
    yield from table(found.names, body, right=numbers, columns=page.columns)
    yield f"({count(len(rows), 'row')}{' shown; `--limit` shows more' if found.has_more else ''})"


def as_csv(found: Rows) -> Iterator[str]:
    """Give the lines of a CSV with a header; NULL is an empty cell, an empty text is quoted."""
    yield _csv_line(found.names)
    for row in found.rows:
        yield _csv_line(row)


def _csv_line(cells: Sequence[Any]) -> str:
    return ",".join("" if cell is None else _quoted(_flat(cell)) for cell in cells)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if not text or _SPECIAL & set(text) else text


def cell(value: Any) -> str:
    """Write a value as a cell of a table."""
    if value is None:
        return "NULL"
    text = _flat(value)
    return text if len(text) <= _WIDEST_CELL else text[: _WIDEST_CELL - 1] + "…"


def _flat(value: Any) -> str:
    if isinstance(value, (dict, list, tuple)):
        return "".join(encode({"": value}))[5:-1]  # a list inside a map stays on one line
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return plain(value)


def _is_numeric(values: Iterable[Any]) -> bool:
    found = [value for value in values if value is not None]
    return bool(found) and all(isinstance(v, (int, float, Decimal)) and not isinstance(v, bool) for v in found)
