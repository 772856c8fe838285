"""Parts of a block sent to where others lie, so that they are joined there and not at the place that asks."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from headwater.placement import aggregating
from headwater.placement.costing import Costing
from headwater.placement.cutting import Needs, outputs_of
from headwater.placement.distributing import Block, Distribution, Group, Spread, positions_of, region
from headwater.placement.joining import Apart, Mask, Search, Sites
from headwater.placement.making import all_of, leaf, number_of, renaming, side_by_side
from headwater.placement.rewriting import Rewriter, all_parts, tables
from headwater.placement.writing import Writer
from headwater.sql.traversal import conjuncts, looks_out
from headwater.sql.tree import (
    Expr,
    Join,
    Leaf,
    Limits,
    Nested,
    Output,
    Ref,
    Select,
    Table,
    Tree,
    Unclear,
    leaves,
)

_HOLE: Final = Table("", (), ())
"""Stands in FROM for what will be received."""


@dataclass(frozen=True, slots=True)
class Part:
    """Sources that are joined where they lie and sent."""

    items: tuple[Tree, ...]
    spread: Spread
    conditions: list[Expr]

    @property
    def positions(self) -> frozenset[int]:
        """Where its sources stand in FROM."""
        return frozenset(leaf.position for item in self.items for leaf in leaves(item))

    @property
    def position(self) -> int:
        """Where its rows stand in FROM once they are received."""
        return min(self.positions)

    def hole(self) -> Leaf:
        """What stands in its place until then."""
        return Leaf(self.position, _HOLE)


@dataclass(slots=True)
class Moving:
    """Sends parts of blocks."""

    distribution: Distribution
    writer: Writer
    costing: Costing
    at: str

    def senders(self, spread: Spread) -> tuple[str, ...]:
        """Give the sites that send rows: all of them, or one that has them all."""
        if not spread.whole:
            return tuple(sorted(spread.sites))
        return (self.at,) if self.at in spread.sites else (min(spread.sites),)

    def filled(self, rest: Select, parts: list[Part], to: Iterable[str], *, distinct: bool = False) -> Select:
        """Send parts, and read of what was received wherever the rest of the block speaks of them.

        ``distinct``: equal rows are sent once.
        """
        columns: dict[tuple[object, ...], Ref] = {}
        received: dict[int, Table] = {}
        for part in parts:
            needs = Needs(part.positions)
            needs.query(rest, 0)
            found = needs.found()
            received[part.position] = table = self._send(part, list(found.values()), frozenset(to), distinct=distinct)
            columns |= {known: Ref(0, part.position, table, at) for at, known in enumerate(found)}
        made = renaming(columns).query(rest)
        assert isinstance(made, Select)  # noqa: S101 - as before
        return replace(made, tree=None if made.tree is None else _put(made.tree, received))

    def _send(self, part: Part, wanted: list[Expr], to: Sites, *, distinct: bool, because: str = "rows") -> Table:
        tree = side_by_side(sorted(part.items, key=first_position))
        limits = Limits(distinct=distinct)
        select = Select(tree=tree, outputs=outputs_of(wanted), where=all_of(part.conditions), limits=limits)
        table = self.writer.exchange(select, self.senders(part.spread), tuple(sorted(to)), because)
        rows = self.costing.rows(part.items, part.conditions)
        self.costing.sent[table] = rows
        self.distribution.received[table] = self.distribution.received.get(table, frozenset()) | to
        return table

    def keys(self, column: Ref, offered: Group, target: Group, compared: Expr) -> Table | None:
        """Send the keys in a column of one group to where another lies, if that spares more than it costs."""
        sites = None if target.spread is None else target.spread.sites
        if offered.spread is None or sites is None or not offered.items:
            return None
        count = min(
            self.costing.rows(offered.items, offered.conditions), self.costing.distinct(column.source, column.index)
        )
        rows = self.rows(target)
        values = self.costing.distinct(compared.source, compared.index) if isinstance(compared, Ref) else rows
        if count * len(sites) + 2 * rows * min(count / values, 1.0) > rows:
            return None
        part, _ = self.part_of(offered, offered.spread)
        to = sites if target.spread is None or not target.spread.whole else frozenset(self.senders(target.spread))
        try:
            return self._send(part, [column], to, distinct=True, because="keys of what rows are compared with")
        except Unclear:
            return None

    def rows(self, group: Group) -> float:
        """Expect so many rows of a group, whatever the queries around its block say."""
        return self.costing.rows(group.items, [each for each in group.conditions if not speaks_out(each)])

    def part_of(self, group: Group, spread: Spread) -> tuple[Part, list[Expr]]:
        """Give what a group sends, and the conditions that must be judged elsewhere."""
        mine = [each for each in group.conditions if not speaks_out(each)]
        return Part(group.items, spread, mine), [each for each in group.conditions if each not in mine]

    def sent_on(self, select: Select, positions: frozenset[int], to: Sites) -> Select:
        """Send the group of a block that has these positions to other sites. Raises Unclear if there is none."""
        block = self.distribution.block(select)
        group = next((each for each in block.groups if each.positions <= positions and each.spread), None)
        if group is None or group.spread is None or any(_is_lateral(item) for item in group.items):
            raise Unclear("a part that does not lie together")
        part, rest = self.part_of(group, group.spread)
        items = [item for each in block.groups if each is not group for item in each.items]
        others = [each for other in block.groups if other is not group for each in other.conditions]
        tree = side_by_side(sorted([*items, part.hole()], key=first_position))
        left = replace(select, tree=tree, where=all_of([*block.rest, *others, *rest]))
        return self.filled(left, [part], to)

    def together(self, select: Select) -> Select | None:
        """Give a block whose sources lie together at some sites, if that is cheaper than to gather them all."""
        block = self.distribution.block(select)
        if len(block.groups) < 2 or any(each.spread is None for each in block.groups):  # noqa: PLR2004 - several
            return None
        moves = self._search(select, block).best()
        if not moves:
            return None
        for move in moves:
            positions = frozenset(at for number in move.groups for at in block.groups[number].positions)
            select = self.sent_on(select, positions, move.to)
        return self.with_nested(select)

    def with_nested(self, select: Select) -> Select:
        """Send what nested queries read to where the block runs, where that is little."""
        spreads = [each.spread for each in self.distribution.block(select).groups]
        if len(spreads) != 1 or spreads[0] is None:
            return select
        spread = spreads[0]
        rows = self.costing.rows(region(select.tree)[0], list(conjuncts(select.where)))

        def swap(expr: Expr, _depth: int) -> Expr | None:
            if not isinstance(expr, Nested) or not isinstance(expr.query, Select):
                return None
            return Nested(expr.kind, self.brought(expr.query, spread.sites, rows), expr.parts)

        made = Rewriter(swap, lambda each, _: each).query(select)
        assert isinstance(made, Select)  # noqa: S101 - as before
        return made

    def brought(self, select: Select, sites: Sites, rows: float) -> Select:
        """Send the groups of a block that do not lie at some sites there, as far as they have fewer rows."""
        for _ in range(len(self.distribution.block(select).groups)):
            block = self.distribution.block(select)
            for group in block.groups:
                spread = group.spread
                if spread is None or (spread.whole and sites <= spread.sites) or not group.items:
                    continue
                if not spread.whole and spread.sites == sites:
                    continue
                if self.rows(group) * len(sites) <= rows and self._may(group, sites):
                    select = self.sent_on(select, group.positions, sites)
                    break
        return select

    def _may(self, group: Group, sites: Sites) -> bool:
        read = [table for item in group.items for table in tables(Select(item, ()))]
        return all(self.writer.may_go(table, site) for table in read for site in sites)

    def _search(self, select: Select, block: Block) -> Search:
        groups = block.groups
        places = {at: 1 << number for number, group in enumerate(groups) for at in group.positions}
        _, conditions = region(select.tree)
        conditions += list(conjuncts(select.where))
        judged = [(_mask(positions_of(each), places), each, _refs(each)) for each in conditions]
        outside = [ref for each in _behind(select) for ref in _refs(each)]
        rows: dict[Mask, float] = {}

        def rows_of(mask: Mask) -> float:
            if mask not in rows:
                items = [item for at, each in enumerate(groups) if mask >> at & 1 for item in each.items]
                rows[mask] = self.costing.rows(items, [each for of, each, _ in judged if of and of & mask == of])
            return rows[mask]

        def bytes_of(mask: Mask) -> float:
            needed = [*outside, *(ref for of, _, refs in judged if of & ~mask for ref in refs)]
            mine = {(ref.position, ref.index): ref for ref in needed if places.get(ref.position, 0) & mask}
            return rows_of(mask) * self.costing.width(mine.values())

        def result(place: Sites) -> float:
            everything = rows_of((1 << len(groups)) - 1)
            if select.aggregated and aggregating.is_foldable(select):
                everything = min(everything, self.costing.folded(select, everything) * len(place))
            if len(place) == 1 and (first := _first(select)) is not None:
                everything = min(everything, first)
            return everything * self.costing.width({(r.position, r.index): r for r in outside}.values())

        return Search(
            groups=tuple(Apart(each.spread.sites, each.spread.whole) for each in groups if each.spread is not None),
            at=self.at,
            bytes=bytes_of,
            touch=lambda one, other: any(of & one and of & other and not of & ~(one | other) for of, _, _ in judged),
            may=lambda mask, to: all(self._may(each, to) for at, each in enumerate(groups) if mask >> at & 1),
            result=result,
        )


def _first(select: Select) -> float | None:
    counts = [number_of(each.parts[0]) for each in select.limits.limit if each.kind == "limit"]
    return float(counts[0]) if counts and counts[0] is not None else None


def _behind(select: Select) -> list[Expr]:
    behind = [each for each in (select.having, select.qualify) if each is not None]
    limits = select.limits
    return [*(each.value for each in select.outputs), *select.groups, *behind, *limits.on, *limits.order]


def _refs(expr: Expr) -> list[Ref]:
    return [part for part, depth in all_parts(expr) if isinstance(part, Ref) and part.depth == depth]


def _mask(positions: Iterable[int], places: dict[int, Mask]) -> Mask:
    mask = 0
    for at in positions:
        mask |= places.get(at, 0)
    return mask


def _is_lateral(item: Tree) -> bool:
    return looks_out(Select(item, ()))


def speaks_out(expr: Expr) -> bool:
    """Whether an expression speaks of a query around its block."""
    return looks_out(Select(None, (Output(None, expr),)))


def first_position(tree: Tree) -> int:
    """Give the position of the first source in a part of FROM."""
    return min(leaf.position for leaf in leaves(tree))


def _put(tree: Tree, received: dict[int, Table]) -> Tree:
    if isinstance(tree, Join):
        return replace(tree, left=_put(tree.left, received), right=_put(tree.right, received))
    return leaf(tree.position, received[tree.position]) if tree.source is _HOLE else tree
