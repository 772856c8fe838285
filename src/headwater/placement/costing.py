"""How many rows and bytes to expect, from counts per relation and site that the policy model allows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Final

from headwater.placement.distributing import Key, place_of
from headwater.placement.values import Occurrence
from headwater.sql.traversal import conjuncts
from headwater.sql.tree import Derived, Expr, Leaf, Nested, Query, Ref, Select, Source, Table, Term, Tree, leaves

_UNKNOWN_ROWS: Final = 1000.0
_SELECTED: Final = {
    "=": 0.1,
    "<>": 0.9,
    "is not null": 0.95,
    "is null": 0.05,
    "between": 0.2,
    "not in": 0.9,
    "function:~~": 0.05,
}
_ELSE_SELECTED: Final = 0.3
_FEW: Final = 0.05
"""Share of groups that pass HAVING."""
_WIDTHS: Final = {"BOOLEAN": 0.2, "DATE": 1.5, "VARCHAR": 9.0, "DOUBLE": 8.0, "FLOAT": 4.0}
_WIDTH: Final = 3.5
"""Bytes of a value as zstd Parquet, as TPC-H has them."""


@dataclass(slots=True)
class Costing:
    """Estimates over relations of which a little is known."""

    occurrences: Mapping[Table, Occurrence]
    sent: dict[Table, float] = field(default_factory=dict)
    """Rows expected of what was sent."""

    def rows_of(self, source: Source) -> float:
        """Expect so many rows of a source."""
        if isinstance(source, Derived):
            return self.result(source.query)
        if not isinstance(source, Table):
            return _UNKNOWN_ROWS / 100
        if source in self.sent:
            return self.sent[source]
        found = self.occurrences.get(source)
        counts = [each.rows for each in found.located.held.values()] if found is not None else []
        if not any(counts):
            return _UNKNOWN_ROWS
        return float(max(counts) if found is not None and found.located.replicated else sum(counts))

    def distinct(self, source: Source, index: int) -> float:
        """Expect so many different values in a column."""
        found = self.occurrences.get(source) if isinstance(source, Table) else None
        name = source.own[index] if isinstance(source, Table) else ""
        counts = [each.distinct.get(name, 0) for each in found.located.held.values()] if found is not None else []
        return float(max(counts)) if any(counts) else max(self.rows_of(source), 1.0)

    def rows(self, items: Iterable[Tree], conditions: Iterable[Expr]) -> float:
        """Expect so many rows of sources that are joined."""
        sources = {leaf.position: leaf.source for item in items for leaf in leaves(item)}
        rows = 1.0
        for source in sources.values():
            rows *= max(self.rows_of(source), 1.0)
        links: dict[frozenset[int], float] = {}
        for condition in conditions:
            ends = _ends(condition, sources)
            if len(ends) == 2:  # noqa: PLR2004 - two sources compared
                links[ends] = links.get(ends, 1.0) * self._share(condition, sources)
            else:
                rows *= self._share(condition, sources)
        for ends, share in links.items():
            # Columns of one key are no independent conditions: a row has at least one partner at the smaller side.
            rows *= max(share, 1.0 / max(min(self.rows_of(sources[at]) for at in ends), 1.0))
        return max(rows, 1.0)

    def _share(self, condition: Expr, sources: Mapping[int, Source]) -> float:
        """The share of rows that pass a condition."""
        if isinstance(condition, Nested):
            return self._among(condition, sources)
        if not isinstance(condition, Term):
            return _ELSE_SELECTED
        if condition.kind == "or":
            return min(sum(self._share(each, sources) for each in condition.parts), 1.0)
        if condition.kind == "and":
            return prod(self._share(each, sources) for each in condition.parts)
        if condition.kind == "not":
            return 1.0 - min(self._share(condition.parts[0], sources), 0.5)
        return self._compared(condition, sources)

    def _compared(self, condition: Term, sources: Mapping[int, Source]) -> float:
        counts = [self.distinct(sources[at[0]], at[1]) for part in condition.parts if (at := _known(part, sources))]
        if condition.kind == "=" and counts:
            return 1.0 / max(*counts, 1.0)
        if condition.kind == "in" and counts:
            return min((len(condition.parts) - 1) / counts[0], 1.0)
        return _SELECTED.get(condition.kind, _ELSE_SELECTED)

    def _among(self, nested: Nested, sources: Mapping[int, Source]) -> float:
        at = _known(nested.parts[0], sources) if nested.kind == "any =" else None
        if at is None:
            return _ELSE_SELECTED
        return min(self.result(nested.query) / self.distinct(sources[at[0]], at[1]), 1.0)

    def result(self, query: Query) -> float:
        """Expect so many rows of a query."""
        if not isinstance(query, Select):
            return self.result(query.left) + self.result(query.right)
        items = [] if query.tree is None else list(_parts(query.tree))
        rows = self.rows(items, [*_conditions(query.tree), *conjuncts(query.where)])
        return self.folded(query, rows)

    def folded(self, query: Select, rows: float) -> float:
        """Expect so many rows once they are grouped."""
        if query.aggregated:
            sources = {leaf.position: leaf.source for leaf in leaves(query.tree)}
            groups = 1.0
            for each in query.groups:
                at = _known(each, sources)
                groups *= self.distinct(sources[at[0]], at[1]) if at is not None else 25.0
            rows = min(rows, groups) * (_FEW if query.having is not None else 1.0)
        return max(rows, 1.0)

    def width(self, refs: Iterable[Ref]) -> float:
        """Expect so many bytes of a row with these columns."""
        return sum(self._width(ref.source, ref.index) for ref in refs) or 1.0

    def _width(self, source: Source, index: int) -> float:
        found = self.occurrences.get(source) if isinstance(source, Table) else None
        if found is None:
            return _WIDTH
        return _WIDTHS.get(dict(found.columns).get(found.table.own[index], ""), _WIDTH)


def _ends(condition: Expr, sources: Mapping[int, Source]) -> frozenset[int]:
    if not isinstance(condition, Term) or condition.kind != "=":
        return frozenset()
    return frozenset(at[0] for part in condition.parts if (at := _known(part, sources)))


def _known(expr: Expr, sources: Mapping[int, Source]) -> Key | None:
    at = place_of(expr)
    return at if at is not None and at[0] in sources else None


def _parts(tree: Tree) -> Iterable[Leaf]:
    return leaves(tree)


def _conditions(tree: Tree | None) -> list[Expr]:
    if tree is None or isinstance(tree, Leaf):
        return []
    return [*conjuncts(tree.condition), *_conditions(tree.left), *_conditions(tree.right)]
