"""Forward changes: new logic for a table whose rows stay; readers see the new addresses from that point only."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from headwater.diagnostics import Diagnostic, error
from headwater.graph.values import Column, Node
from headwater.spec.addresses import Version, address
from headwater.spec.nodes import Model

_WIDER: Final[Mapping[str, frozenset[str]]] = {
    "TINYINT": frozenset({"SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE"}),
    "SMALLINT": frozenset({"INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE"}),
    "INTEGER": frozenset({"BIGINT", "HUGEINT", "DOUBLE"}),
    "BIGINT": frozenset({"HUGEINT"}),
    "UTINYINT": frozenset({"USMALLINT", "UINTEGER", "UBIGINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE"}),
    "USMALLINT": frozenset({"UINTEGER", "UBIGINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE"}),
    "UINTEGER": frozenset({"UBIGINT", "BIGINT", "HUGEINT", "DOUBLE"}),
    "UBIGINT": frozenset({"HUGEINT"}),
    "FLOAT": frozenset({"DOUBLE"}),
    "DATE": frozenset({"TIMESTAMP"}),
}
"""Type → types that hold every value of it exactly."""
_DECIMAL: Final = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def is_wider(old: str, new: str) -> bool:
    """Whether a type holds every value of another one exactly.

    >>> is_wider("INTEGER", "BIGINT"), is_wider("BIGINT", "DOUBLE"), is_wider("DECIMAL(10,2)", "DECIMAL(12,4)")
    (True, False, True)
    """
    if old == new or new in _WIDER.get(old, ()):
        return True
    before, after = _DECIMAL.fullmatch(old), _DECIMAL.fullmatch(new)
    if before is None or after is None:
        return False
    (width, scale), (wider, finer) = map(int, before.groups()), map(int, after.groups())
    return finer >= scale and wider - finer >= width - scale


def carried(node: Node, model: Model, before: Node | None) -> tuple[Node, list[Diagnostic]]:
    """Give a node its table: that which the environment has of it, where the change goes forward.

    Readers then see what they saw of it: the addresses of the table's columns; only new columns have new ones.
    """
    if before is None or not goes_forward(model) or (before.version, before.table) == (node.version, node.version):
        return node, []
    wrong = list(_wrong(node, model, before))
    if wrong:
        return node, wrong
    table = before.table or before.version
    known = {column.name: column.address for column in before.columns}
    columns = tuple(replace(each, address=known.get(each.name) or _added(table, each)) for each in node.columns)
    return replace(node, table=table, rows_address=before.rows_address, columns=columns), []


def _added(table: Version, column: Column) -> str:
    """A column that older rows of this table lack is not that of a table which has had it from the beginning."""
    return address("added", table, column.address)


def goes_forward(model: Model) -> bool:
    """Whether the table of a model outlives a change of its logic: where it says so, and where its past is gone."""
    if model.on_change is not None:
        return model.on_change == "forward"
    return model.chain is not None and model.chain.role == "links"


def _wrong(node: Node, model: Model, before: Node) -> Iterator[Diagnostic]:
    where = model.at.of("on_change")
    shape = (node.kind, node.time and (node.time.column, node.time.timezone, node.time.every), _key(node))
    was = (before.kind, before.time and (before.time.column, before.time.timezone, before.time.every), _key(before))
    if shape != was:
        message = f"{_named(node)} cannot go forward: its kind, key, time or slots are others now"
        yield error("HW0271", message, where, hint=_hint(model))
    types = {column.name: column.type for column in node.columns}
    for column in before.columns:
        new = types.get(column.name)
        if new is None:
            message = f"{_named(node)} cannot go forward without its column `{column.name}`"
            yield error("HW0270", message, where, hint=_hint(model))
        elif not is_wider(column.type, new) or (node.time and column.name == node.time.column and new != column.type):
            yield _narrowed(node, model, column, new)


def _narrowed(node: Node, model: Model, column: Column, new: str) -> Diagnostic:
    message = (
        f"{_named(node)} cannot go forward: rows of `{column.name}` are {column.type}, and {new} does not hold"
        " all of them exactly"
    )
    hint = f"CAST({column.name} AS {column.type}) keeps the type; {_hint(model)}"
    return error("HW0270", message, model.at.of("on_change"), hint=hint)


def _key(node: Node) -> tuple[str, ...]:
    """The key, and of a fold what it makes of one: rows of a merge say nothing of when they were valid."""
    part = node.chain
    return (*part.key, *((part.kind,) if part.role == "fold" else ())) if part else ()


def _named(node: Node) -> str:
    return f"`{node.name.partition('@')[0]}`"


def _hint(model: Model) -> str:
    if model.chain is not None and model.chain.role == "links":
        return "its past cannot be computed again: `on_change: rebuild` begins anew, without it; a new name keeps both"
    return "a forward change may add columns and widen types; `on_change: rebuild` computes all slots again"
