"""Where a column's values come from, what decides about its rows, and who uses it: from sources to the last reader."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from headwater.diagnostics import Invalid, suggest
from headwater.graph.values import ColumnRef, Graph, Node

Role = Literal["value", "control", "rows"]
_ROWS = ""
"""Stands for a node's rows without any of its columns, while edges are followed upwards."""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """``upper`` is read by ``lower``: as a value of it, or to decide which rows exist (``lower`` is then its node).

    Role ``rows``: only which rows ``upper`` has matters, as in ``SELECT count(*)``; both are then nodes.
    """

    upper: ColumnRef
    lower: ColumnRef
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """All edges on the way to a column and from it, directly and indirectly."""

    column: ColumnRef
    upstream: tuple[Edge, ...]
    downstream: tuple[Edge, ...]

    @property
    def sources(self) -> tuple[ColumnRef, ...]:
        """Columns at the upper end: those of sources."""
        lower = {edge.lower for edge in self.upstream}
        return tuple(sorted({edge.upper for edge in self.upstream} - lower))


def trace(graph: Graph, node: str, column: str | None = None) -> Lineage:
    """Trace a column, or (without one) all of a node; raises Invalid if there is no such thing."""
    nodes = {each.name: each for each in graph.nodes}
    start = _start(nodes, node, column)
    edges = list(_edges(nodes))
    return Lineage(
        column=(start[0], start[1]),
        upstream=tuple(sorted(_reached(start, edges, down=False))),
        downstream=tuple(sorted(_reached(start, edges, down=True))),
    )


def _start(nodes: Mapping[str, Node], name: str, column: str | None) -> ColumnRef:
    node = next((each for each in nodes.values() if each.name.casefold() == name.casefold()), None)
    if node is None:
        raise Invalid.of("HW0251", f"there is no node `{name}`", hint=suggest(name, nodes))
    if column is None:
        return node.name, "*"
    known = [each.name for each in node.columns]
    found = next((each for each in known if each.casefold() == column.casefold()), None)
    if found is None:
        raise Invalid.of("HW0251", f"`{node.name}` has no column `{column}`", hint=suggest(column, known))
    return node.name, found


def _edges(nodes: Mapping[str, Node]) -> Iterator[Edge]:
    for node in nodes.values():
        for column in node.columns:
            for upper in column.values:
                yield Edge(upper, (node.name, column.name), "value")
        for upper in node.controls:
            yield Edge(upper, (node.name, "*"), "control")
        yield from _by_rows_only(node)


def _by_rows_only(node: Node) -> Iterator[Edge]:
    """Edges from inputs that no column of the node names."""
    named = {upper[0] for column in node.columns for upper in column.values} | {upper[0] for upper in node.controls}
    for each in node.inputs:
        if each.node not in named:
            yield from (Edge((each.node, column), (node.name, "*"), "control") for column in each.columns)
            if not each.columns:
                yield Edge((each.node, "*"), (node.name, "*"), "rows")


def _reached(start: ColumnRef, edges: list[Edge], *, down: bool) -> set[Edge]:
    """What controls the rows of a node (``*``) controls each of its columns, and is read with each of them."""
    near_of: dict[str, list[Edge]] = {}
    for edge in edges:
        near_of.setdefault((edge.upper if down else edge.lower)[0], []).append(edge)
    found: set[Edge] = set()
    seen: set[ColumnRef] = set()
    pending = [start]
    while pending:
        at = pending.pop()
        if at in seen:
            continue
        seen.add(at)
        for edge in near_of.get(at[0], ()):
            near, far = (edge.upper, edge.lower) if down else (edge.lower, edge.upper)
            is_rows = edge.role == "rows"
            if near == at or (at[1] == "*") or (near[1] == "*" and not (is_rows and down)):
                found.add(edge)
                pending.append((far[0], _ROWS) if is_rows and not down else far)
    return found
