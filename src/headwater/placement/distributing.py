"""How the rows of each part of a query lie over the sites, if every site computes that part from its own rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from headwater.placement.rewriting import all_parts, key, tables
from headwater.placement.values import Occurrence
from headwater.sql.traversal import conjuncts, equalities, expressions, looks_out
from headwater.sql.tree import (
    Derived,
    Expr,
    Generated,
    Leaf,
    Nested,
    Query,
    Ref,
    Select,
    SetOperation,
    Table,
    Term,
    Tree,
    leaves,
    walk,
)

Key = tuple[int, int]
"""A column of a block: position in FROM, index; of a query: (0, index of the output)."""
_INNER: Final = ("inner regular", "inner cross")
_KEPT_LEFT: Final = ("left regular", "semi regular", "anti regular")


@dataclass(frozen=True, slots=True)
class Spread:
    """Rows at sites: all of them at each (``whole``), or cut between them, the union of all being the result."""

    sites: frozenset[str]
    whole: bool
    keys: Mapping[Key, frozenset[str]] = field(default_factory=dict)
    """Of rows that are cut: columns no value of which lies at two sites → partitions that say where."""


@dataclass(slots=True, eq=False)
class Group:
    """Sources of a block that can be joined where they lie; ``spread``: None if it does not lie anywhere as it is."""

    items: tuple[Tree, ...]
    spread: Spread | None
    conditions: list[Expr] = field(default_factory=list)
    """Conjuncts over these sources alone that hold where they lie."""

    @property
    def positions(self) -> frozenset[int]:
        """Where its sources stand in FROM."""
        return frozenset(leaf.position for item in self.items for leaf in leaves(item))


@dataclass(frozen=True, slots=True)
class Block:
    """A SELECT's sources in groups, and the conjuncts that need more than one of them."""

    groups: tuple[Group, ...]
    rest: tuple[Expr, ...]

    @property
    def spread(self) -> Spread | None:
        """How its rows lie after FROM and WHERE; None: they must be brought together first."""
        if len(self.groups) != 1 or self.rest:
            return None
        return self.groups[0].spread


class Distribution:
    """Looks at queries over relations of which it is known where they lie."""

    def __init__(self, occurrences: Mapping[Table, Occurrence], at: str) -> None:
        self._occurrences = occurrences
        self._at = at
        sites = {site for each in occurrences.values() for site in each.sites}
        self.everywhere: Final = frozenset(sites | {at})
        self.received: dict[Table, frozenset[str]] = {}
        """What was sent to sites → the sites."""
        self._queries: dict[int, tuple[Query, Spread | None]] = {}
        self._blocks: dict[int, tuple[Query, Block]] = {}

    def query(self, query: Query) -> Spread | None:
        """Say how the result of a query lies if each site runs it over its own rows; None: that is not its result."""
        found = self._queries.get(id(query))
        if found is None:
            found = query, self._query(query)
            self._queries[id(query)] = found
        return found[1]

    def _query(self, query: Query) -> Spread | None:
        if isinstance(query, SetOperation):
            return self._set_operation(query)
        rows = self.block(query).spread
        if rows is None or query.sample or not is_steady(expressions(query)):
            return None
        for expr in _behind_where(query):
            rows = self.narrowed(rows, expr, positive=False)
            if rows is None:
                return None
        if not rows.whole and not _is_complete(query, rows):
            return None
        places = {at: place_of(each.value) for at, each in enumerate(query.outputs)}
        keys = {(0, at): rows.keys[place] for at, place in places.items() if place is not None and place in rows.keys}
        return Spread(rows.sites, rows.whole, keys)

    def _set_operation(self, query: SetOperation) -> Spread | None:
        left, right = self.query(query.left), self.query(query.right)
        if left is None or right is None or left.whole != right.whole:
            return None
        if left.whole:
            sites = left.sites & right.sites
            return Spread(sites, whole=True) if sites else None
        keys = {at: left.keys[at] & right.keys[at] for at in left.keys.keys() & right.keys.keys()}
        keys = {at: found for at, found in keys.items() if found}
        is_local = query.kind == "union all" or keys
        return (
            Spread(left.sites, False, keys)
            if left.sites == right.sites and is_local and not query.limits.cuts
            else None
        )

    def block(self, select: Select) -> Block:
        """Group the sources of a SELECT."""
        found = self._blocks.get(id(select))
        if found is None:
            found = select, self._block(select)
            self._blocks[id(select)] = found
        return found[1]

    def _block(self, select: Select) -> Block:
        items, conditions = region(select.tree)
        conditions += list(conjuncts(select.where))
        groups = [Group((item,), self.tree(item)) for item in items]
        if not groups:
            groups = [Group((), Spread(self.everywhere, whole=True))]
        groups = self.merged(groups, conditions)
        return Block(tuple(groups), tuple(self.assigned(groups, conditions)))

    def merged(self, groups: list[Group], conditions: list[Expr]) -> list[Group]:
        """Join groups for as long as two of them can be joined where they lie; those that are compared come first."""
        for must_touch in (True, False):
            together = self._together(groups, conditions, must_touch=must_touch)
            if must_touch or len(together) == 1:
                groups = together
        return groups

    def _together(self, groups: list[Group], conditions: list[Expr], *, must_touch: bool) -> list[Group]:
        groups = list(groups)
        at = 0
        while at < len(groups):
            for other in range(at + 1, len(groups)):
                one, two = groups[at], groups[other]
                if must_touch and not touches(one, two, conditions):
                    continue
                spread = joined(one.spread, two.spread, [pair for each in conditions for pair in equalities(each)])
                if spread is not None:
                    groups[at] = Group((*one.items, *two.items), spread)
                    del groups[other]
                    at = -1
                    break
            at += 1
        return groups

    def assigned(self, groups: list[Group], conditions: Iterable[Expr]) -> Iterator[Expr]:
        """Give each conjunct to the group that it is about; give back those that none can judge alone."""
        for condition in conditions:
            positions = positions_of(condition)
            group = next((each for each in groups if positions <= each.positions and each.spread is not None), None)
            narrowed = None
            if group is not None and group.spread is not None and is_steady([condition]):
                narrowed = self.narrowed(group.spread, condition, positive=True)
            if group is None or narrowed is None or (not positions and len(groups) > 1):
                yield condition
            else:
                group.spread = narrowed
                group.conditions.append(condition)

    def narrowed(self, rows: Spread, expr: Expr, *, positive: bool) -> Spread | None:
        """Say where rows lie for which an expression can be computed; ``positive``: it is a conjunct of WHERE."""
        for part in walk(expr):
            if isinstance(part, Nested):
                found = self._nested(rows, part, positive=positive and part is expr)
                if found is None:
                    return None
                rows = found
        return rows

    def _nested(self, rows: Spread, nested: Nested, *, positive: bool) -> Spread | None:
        inner = self.query(nested.query)
        if inner is not None and inner.whole:
            if rows.whole:
                sites = rows.sites & inner.sites
                return Spread(sites, True, rows.keys) if sites else None
            return rows if rows.sites <= inner.sites else None
        if rows.whole:
            return None
        if inner is not None and positive and nested.kind == "any =" and inner.sites == rows.sites:
            place = place_of(nested.parts[0])
            if place is not None and rows.keys.get(place, frozenset()) & inner.keys.get((0, 0), frozenset()):
                return rows
        return rows if self._follows(rows, nested.query) else None

    def _follows(self, rows: Spread, query: Query) -> bool:
        """Whether all rows that a nested query sees for a row lie where that row lies."""
        if not isinstance(query, Select) or query.sample or not is_steady(expressions(query)):
            return False
        inner = self.block(query).spread
        if inner is None or inner.whole or inner.sites != rows.sites:
            return False
        if any(self.narrowed(inner, each, positive=False) is None for each in _behind_where(query)):
            return False
        _, conditions = region(query.tree)
        pairs = [pair for each in (*conditions, *conjuncts(query.where)) for pair in equalities(each)]
        return any(
            inner.keys.get(place_of(a) or (-1, 0), frozenset()) & rows.keys.get(place_of(b, 1) or (-1, 0), frozenset())
            for one, two in pairs
            for a, b in ((one, two), (two, one))
        )

    def tree(self, tree: Tree) -> Spread | None:
        """Say how the rows of a part of FROM lie."""
        if isinstance(tree, Leaf):
            return None if tree.sample else self._leaf(tree)
        if tree.sample or (tree.condition is not None and not is_steady([tree.condition])):
            return None
        if tree.kind in _INNER:
            block = self.block(Select(tree, ()))
            return block.spread
        left, right = self.tree(tree.left), self.tree(tree.right)
        pairs = list(equalities(tree.condition))
        spread = joined(left, right, pairs, kept=_kept_sides(tree.kind))
        if spread is None or tree.condition is None:
            return spread
        return self.narrowed(spread, tree.condition, positive=False)

    def family(self, source: object, index: int) -> str | None:
        """Give a word that columns share whose equal values are the same value; None: unknown."""
        found = self._occurrences.get(source) if isinstance(source, Table) else None
        return None if found is None else found.family(found.table.own[index])

    def _leaf(self, leaf: Leaf) -> Spread | None:
        source = leaf.source
        if isinstance(source, Generated):
            return Spread(self.everywhere, whole=True) if is_steady([source.rows]) else None
        if isinstance(source, Derived):
            spread = self.query(source.query)
            if spread is None or (looks_out(source.query) and not spread.whole):
                return None
            return Spread(
                spread.sites, spread.whole, {(leaf.position, at): found for (_, at), found in spread.keys.items()}
            )
        found = self._occurrences.get(source)
        if found is None:
            return Spread(self.received.get(source, frozenset({self._at})), whole=True)
        sites = frozenset(found.sites)
        if found.located.replicated or len(sites) == 1:
            return Spread(sites, whole=True)
        keys = {
            (leaf.position, source.own.index(column)): frozenset({f"{partition} {found.family(column)}"})
            for column, partition in found.located.partition.items()
            if column in source.own and found.is_raw
        }
        return Spread(sites, False, keys)


def joined(
    left: Spread | None, right: Spread | None, pairs: list[tuple[Expr, Expr]], kept: str = "inner"
) -> Spread | None:
    """Say how a join lies, if it can be made where its sides lie; ``kept``: the sides whose rows all stay."""
    if left is None or right is None or kept == "unknown":
        return None
    if left.whole and right.whole:
        sites = left.sites & right.sites
        return Spread(sites, whole=True) if sites else None
    if right.whole:
        return left if kept in ("inner", "left") and left.sites <= right.sites else None
    if left.whole:
        return right if kept in ("inner", "right") and right.sites <= left.sites else None
    if left.sites != right.sites or not _meet(left, right, pairs):
        return None
    keys = {"inner": {**left.keys, **right.keys}, "left": left.keys, "right": right.keys}.get(kept, {})
    return Spread(left.sites, False, keys)


def _meet(left: Spread, right: Spread, pairs: list[tuple[Expr, Expr]]) -> bool:
    """Whether rows that belong together lie together."""
    nothing: frozenset[str] = frozenset()
    return any(
        left.keys.get(place_of(a) or (-1, 0), nothing) & right.keys.get(place_of(b) or (-1, 0), nothing)
        for one, two in pairs
        for a, b in ((one, two), (two, one))
    )


def _kept_sides(kind: str) -> str:
    if kind in _KEPT_LEFT:
        return "left"
    return {"right regular": "right", "full regular": "both", "outer regular": "both"}.get(kind, "unknown")


def region(tree: Tree | None) -> tuple[list[Tree], list[Expr]]:
    """Give the parts of FROM that inner joins hold together, and the conjuncts between them."""
    if tree is None:
        return [], []
    if isinstance(tree, Leaf) or tree.kind not in _INNER or tree.sample:
        return [tree], []
    left, of_left = region(tree.left)
    right, of_right = region(tree.right)
    return left + right, of_left + of_right + list(conjuncts(tree.condition))


def place_of(expr: Expr, depth: int = 0) -> Key | None:
    """Give the column that an expression is, if it is nothing but a column of the block ``depth`` further out."""
    return (expr.position, expr.index) if isinstance(expr, Ref) and expr.depth == depth else None


def positions_of(expr: Expr) -> frozenset[int]:
    """Give the positions of the sources of its block that an expression looks at, from nested queries too."""
    return frozenset(part.position for part, depth in all_parts(expr) if isinstance(part, Ref) and part.depth == depth)


def touches(one: Group, two: Group, conditions: Iterable[Expr]) -> bool:
    """Whether a conjunct speaks of both groups."""
    return any(positions & one.positions and positions & two.positions for positions in map(positions_of, conditions))


def is_steady(exprs: Iterable[Expr]) -> bool:
    """Whether expressions give the same wherever and however often they are computed."""
    return not any(
        isinstance(part, Term) and part.kind.startswith(("volatile:", "clock:"))
        for expr in exprs
        for part, _ in all_parts(expr)
    )


def _behind_where(select: Select) -> Iterator[Expr]:
    yield from (output.value for output in select.outputs)
    yield from (each for each in (select.having, select.qualify) if each is not None)
    yield from (*select.groups, *select.limits.on, *select.limits.order, *select.limits.limit)


def _is_complete(select: Select, rows: Spread) -> bool:
    """Whether folding, windows and cuts of rows see at one site all that they must see together."""
    if select.limits.limit:
        return False
    if select.aggregated and not (_holds_key(select.groups, rows) and is_plain(select)):
        return False
    for expr in _behind_where(select):
        for part in walk(expr):
            if isinstance(part, Term) and part.kind.startswith("window:") and not _holds_key(part.parts[1].parts, rows):  # type: ignore[union-attr]
                return False
    if not select.limits.distinct:
        return True
    return _holds_key(select.limits.on or tuple(output.value for output in select.outputs), rows)


def is_plain(select: Select) -> bool:
    """Whether rows are grouped by all of its groups at once (no ROLLUP, CUBE, GROUPING SETS)."""
    return select.group_sets in ("", "all", str([list(range(len(select.groups)))]))


def _holds_key(exprs: Iterable[Expr], rows: Spread) -> bool:
    return any(place_of(each) in rows.keys for each in exprs)


def reads(query: Query) -> set[str]:
    """Give the relations that a query reads."""
    return {table.node for table in tables(query)}


def group_keys(select: Select) -> set[tuple[object, ...]]:
    """Give what a SELECT groups by, as hashable values."""
    return {key(each) for each in select.groups}
