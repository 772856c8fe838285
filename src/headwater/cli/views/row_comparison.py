"""How the rows of a table differ between two environments: schema, counts, columns, and some of the rows."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.rows import cell
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count

if TYPE_CHECKING:
    from headwater.app.compared_sides import Point
    from headwater.app.comparing_rows import ColumnChange, RowDifference
    from headwater.run.row_differences import Compared, Sample

_SIGNS: Final = {"+": "green", "-": "red", "~": "yellow"}


def document(found: "RowDifference") -> dict[str, object]:
    """Give everything that was found."""
    answer = found.answer
    return {
        "node": found.node,
        "same": found.is_same,
        "a": _point(found.a) | {"version": found.version_a, "rows": found.rows_a, "slots": found.slots_a},
        "b": _point(found.b) | {"version": found.version_b, "rows": found.rows_b, "slots": found.slots_b},
        "slots": {"shared": found.shared, "read": found.read},
        "schema": {
            "added": [{"column": c.name, "type": c.type_b} for c in found.schema if not c.type_a],
            "removed": [{"column": c.name, "type": c.type_a} for c in found.schema if not c.type_b],
            "changed": [
                {"column": c.name, "a": c.type_a, "b": c.type_b} for c in found.schema if c.type_a and c.type_b
            ],
        },
        "key": list(found.key),
        "key_is_checked": found.is_key_checked,
        "repeated_keys": answer.repeated_keys if answer else None,
        "only_a": answer.only_a if answer else 0,
        "only_b": answer.only_b if answer else 0,
        "differing": answer.differing if answer else 0 if found.key else None,
        "columns": [
            {"column": name, "differing": differing, "match": _match(found, differing)}
            for name, differing in _by_column(found)
        ],
        "masked": [column.name for column in found.columns if column.is_masked],
        "sample": {
            "only_a": list(_rows(found.columns, answer.sample_a)) if answer else [],
            "only_b": list(_rows(found.columns, answer.sample_b)) if answer else [],
            "differing": list(_pairs(found.columns, answer.sample_pairs)) if answer else [],
        },
    }


def _point(point: "Point") -> dict[str, object]:
    return {"environment": point.environment, "release": point.release}


def _by_column(found: "RowDifference") -> list[tuple[str, int]]:
    """Give in how many pairs each column that is no key differs; none without a key."""
    others = [column.name for column in found.columns if not column.is_key]
    if not found.key:
        return []
    return list(zip(others, found.answer.by_column if found.answer else [0] * len(others), strict=True))


def _match(found: "RowDifference", differing: int) -> float | None:
    """Percent of the rows in both, shared ones included, that agree in a column; cut, so that 100 means all."""
    if not found.in_both:
        return None
    return (found.in_both - differing) * 1_000_000 // found.in_both / 10_000


def _values(sample: "Sample | None") -> list[Sequence[Any]]:
    if sample is None:
        return []
    from headwater.app.reading import Result
    from headwater.cli.views.arrow import rows_of

    types = dict(zip(sample.table.column_names, sample.types, strict=True))
    return list(rows_of(Result(sample.table, types)).rows)


def _rows(columns: "Sequence[Compared]", sample: "Sample | None") -> Iterator[dict[str, Any]]:
    for row in _values(sample):
        yield {column.name: value for column, value in zip(columns, row, strict=True)}


def _pairs(columns: "Sequence[Compared]", sample: "Sample | None") -> Iterator[dict[str, Any]]:
    """Give the key of each pair, and the columns that differ with both values."""
    keys = [column.name for column in columns if column.is_key]
    others = [column.name for column in columns if not column.is_key]
    for row in _values(sample):
        values = iter(row[len(keys) :])
        triples = zip(others, *[values] * 3, strict=True)
        changed = {name: {"a": a, "b": b} for name, a, b, same in triples if not same}
        yield {"key": dict(zip(keys, row, strict=False)), "columns": changed}


def lines(found: "RowDifference", page: Page) -> Iterator[str]:
    """Say what differs, from what is large to what is small."""
    a, b = _names(found)
    yield f"{click.style(clean(found.node), bold=True)} from {a} to {b}:"
    if found.slots_a or found.slots_b:
        yield (
            f"  shared: {found.shared:,} of {count(found.slots_a, 'slot')} in {a} and {found.slots_b:,} in {b},"
            f" not read ({count(found.shared_rows, 'row')})"
        )
    yield f"  rows: {found.rows_a:,} in {a}, {found.rows_b:,} in {b}"
    yield from map(_schema_line, found.schema)
    if found.is_same:
        yield click.style("✓", fg="green") + " the same rows"
        return
    yield from _totals(found, a, b)
    yield from _columns(found, page)
    yield from _samples(found, a, b, page)


def _names(found: "RowDifference") -> tuple[str, str]:
    if found.a.environment != found.b.environment:
        return clean(found.a.environment), clean(found.b.environment)
    return str(found.a.release), str(found.b.release)


def _schema_line(change: "ColumnChange") -> str:
    sign = "~" if change.type_a and change.type_b else "-" if change.type_a else "+"
    types = " → ".join(each for each in (change.type_a, change.type_b) if each)
    return click.style(f"  {sign} column {clean(change.name)} {clean(types)}", fg=_SIGNS[sign])


def _totals(found: "RowDifference", a: str, b: str) -> Iterator[str]:
    answer = found.answer
    if answer is None:
        return
    parts = [f"{count(answer.only_a, 'row')} only in {a}", f"{answer.only_b:,} only in {b}"]
    if answer.differing is not None:
        parts.append(f"{answer.differing:,} in both that differ")
    yield f"  {', '.join(parts)}" + (f" (by {clean(', '.join(found.key))})" if found.key else " (whole rows: no key)")
    if answer.repeated_keys:
        twice = f"{count(answer.repeated_keys, 'key')} more than once"
        yield f"  the key does not identify rows: {twice}; rows of one key are paired in order"


def _columns(found: "RowDifference", page: Page) -> Iterator[str]:
    rows = [(name, f"{differing:,}", _percent(_match(found, differing))) for name, differing in _by_column(found)]
    if rows and found.answer and found.answer.differing:
        yield from table(("column", "differing", "match"), rows, right=[1, 2], columns=page.columns)


def _percent(match: float | None) -> str:
    return "-" if match is None else f"{match:.4f}".rstrip("0").rstrip(".") + " %"


def _samples(found: "RowDifference", a: str, b: str, page: Page) -> Iterator[str]:
    answer = found.answer
    if answer is None:
        return
    names = [column.name for column in found.columns]
    for title, sample in ((f"only in {a}", answer.sample_a), (f"only in {b}", answer.sample_b)):
        if values := _values(sample):
            yield click.style(f"{title}:", bold=True)
            yield from table(names, ([cell(each) for each in row] for row in values), columns=page.columns)
    rows = [
        (*map(cell, pair["key"].values()), name, cell(both["a"]), cell(both["b"]))
        for pair in _pairs(found.columns, answer.sample_pairs)
        for name, both in pair["columns"].items()
    ]
    if rows:
        yield click.style("differing:", bold=True)
        yield from table((*found.key, "column", a, b), rows, columns=page.columns)
    if any(column.is_masked for column in found.columns) and (rows or answer.only_a or answer.only_b):
        yield click.style("  personal data is masked; `--show-pii` shows it", dim=True)


ROWS: "Final[View[RowDifference]]" = View(document, lines)
