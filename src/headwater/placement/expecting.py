"""What is expected of an exchange before it is made, from what sites tell of their relations."""

from collections.abc import Mapping
from math import prod
from typing import Final

from headwater.placement.costing import Costing
from headwater.placement.making import number_of
from headwater.placement.rewriting import tables
from headwater.placement.values import EXCHANGES, Estimate, Occurrence
from headwater.sql.tree import Query, Ref, Select, SetOperation, Table

_VALUE: Final = 5.0
"""Bytes of a computed value as zstd Parquet."""
_FILE: Final = 250.0
_COLUMN: Final = 110.0
"""Bytes that a Parquet file has anyhow, and for each of its columns."""


def expected(
    query: Query, senders: int, occurrences: Mapping[Table, Occurrence], costing: Costing, *, is_partial: bool
) -> Estimate:
    """Expect so much of what a query gives at all its senders together; ``is_partial``: each folds its own rows."""
    if not any(_is_known(table, occurrences, costing) for table in tables(query)):
        return Estimate()
    rows = _rows(query, senders, costing, is_partial=is_partial)
    outputs = query.outputs
    width = sum(_width(each.value, occurrences, costing) for each in outputs)
    return Estimate(rows=rows, bytes=rows * width + senders * (_FILE + _COLUMN * len(outputs)))


def _is_known(table: Table, occurrences: Mapping[Table, Occurrence], costing: Costing) -> bool:
    if table in costing.sent:
        return True
    found = occurrences.get(table)
    if found is None:
        return False
    counts = [each.rows for each in found.located.held.values()]
    return any(counts) if found.located.replicated else bool(counts) and all(counts)


def _rows(query: Query, senders: int, costing: Costing, *, is_partial: bool) -> float:
    rows = costing.result(query)
    if isinstance(query, SetOperation):
        return rows
    if is_partial:
        rows *= senders
    if query.limits.distinct and not query.limits.on:
        rows = min(rows, _different(query, costing))
    counts = [number_of(each.parts[0]) for each in query.limits.limit if each.kind == "limit"]
    return min(rows, float(counts[0] * senders)) if counts and counts[0] is not None else rows


def _different(select: Select, costing: Costing) -> float:
    values = [each.value for each in select.outputs]
    return prod(costing.distinct(each.source, each.index) if isinstance(each, Ref) else 25.0 for each in values)


def _width(value: object, occurrences: Mapping[Table, Occurrence], costing: Costing) -> float:
    """Bytes of a value: what the whole column has at its sites, or what such values have elsewhere."""
    if not isinstance(value, Ref):
        return _VALUE
    source = value.source
    if isinstance(source, Table) and not source.node.startswith(f"{EXCHANGES}."):
        found = occurrences.get(source)
        held = list(found.located.held.values()) if found is not None else []
        rows = sum(each.rows for each in held)
        size = sum(each.sizes.get(source.own[value.index], 0) for each in held)
        if rows and size:
            return size / rows
    return costing.width((value,))
