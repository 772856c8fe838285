"""Rows that cannot matter stay where they are: keys that a part of a query is compared with, computed where it lies."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from headwater.placement.distributing import (
    Distribution,
    Key,
    Spread,
    place_of,
    positions_of,
    region,
)
from headwater.placement.making import all_of, side_by_side
from headwater.sql.traversal import conjuncts, equalities, looks_out
from headwater.sql.tree import (
    Derived,
    Expr,
    Leaf,
    Nested,
    Output,
    Query,
    Ref,
    Select,
    SetOperation,
    Term,
    Tree,
    leaves,
    walk,
)


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A column of a block: rows elsewhere matter only if they equal it in a row that the block lets through."""

    select: Select
    place: Key
    hints: tuple["Hint", ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Hint:
    """An expression of a block, and what its values must be among for a row to matter."""

    expr: Expr
    offer: Offer


@dataclass(slots=True)
class Reducing:
    """Finds keys for parts of queries."""

    distribution: Distribution

    def hinted(self, select: Select, hints: Iterable[Hint]) -> Select:
        """Give a block that leaves out rows which cannot matter, where that can be judged for nothing."""
        extra: list[Expr] = []
        for group in self.distribution.block(select).groups:
            if group.spread is None:
                continue
            extra += [
                among(hint.expr, keys)
                for hint in hints
                if positions_of(hint.expr) <= group.positions and (keys := self.keys(hint.offer, group.spread))
            ]
        return replace(select, where=all_of([*conjuncts(select.where), *extra])) if extra else select

    def keys(self, offer: Offer, target: Spread) -> Select | None:
        """Give a query for values of an offered column, from relations that are whole where the target lies.

        None if there is none, or none that leaves anything out.
        """
        items, conditions = region(offer.select.tree)
        conditions += [each for each in conjuncts(offer.select.where) if not _looks_out(each)]
        near = [item for item in items if self._is_near(item, target)]
        for place in self._equal(offer, conditions):
            start = next((item for item in near if place[0] in _positions(item)), None)
            if start is None:
                continue
            chosen = _connected(start, near, conditions)
            positions = frozenset(at for item in chosen for at in _positions(item))
            found = [each for each in conditions if positions_of(each) <= positions and self._holds(each, target)]
            found += [
                among(hint.expr, keys)
                for hint in offer.hints
                if positions_of(hint.expr) <= positions and (keys := self.keys(hint.offer, target))
            ]
            if any(not _is_link(each) for each in found) or self._is_reduced(chosen):
                source = next(leaf.source for item in chosen for leaf in leaves(item) if leaf.position == place[0])
                output = Output("key", Ref(0, place[0], source, place[1]))
                return Select(side_by_side(chosen), (output,), where=all_of(found))
        return None

    def _is_reduced(self, items: list[Tree]) -> bool:
        return any(leaf.source in self.distribution.received for item in items for leaf in leaves(item))

    def _is_near(self, item: Tree, target: Spread) -> bool:
        spread = self.distribution.tree(item)
        lateral = any(isinstance(each.source, Derived) and looks_out(each.source.query) for each in leaves(item))
        return spread is not None and spread.whole and target.sites <= spread.sites and not lateral

    def _holds(self, condition: Expr, target: Spread) -> bool:
        if not positions_of(condition):
            return False
        found = self.distribution.narrowed(Spread(target.sites, whole=True), condition, positive=True)
        return found is not None and found.sites == target.sites

    def _equal(self, offer: Offer, conditions: list[Expr]) -> Iterator[Key]:
        """The offered column, and those of the same type that it is compared with."""
        yield offer.place
        sources = {leaf.position: leaf.source for leaf in leaves(offer.select.tree)}
        mine = self.distribution.family(sources[offer.place[0]], offer.place[1])
        for one, two in (pair for each in conditions for pair in equalities(each)):
            for a, b in ((one, two), (two, one)):
                other = place_of(b)
                if place_of(a) == offer.place and other is not None:
                    family = self.distribution.family(sources[other[0]], other[1])
                    if mine is not None and mine == family:
                        yield other

    def for_nested(
        self, nested: Nested, select: Select, hints: tuple[Hint, ...], *, positive: bool
    ) -> tuple[Hint, ...]:
        """Say what matters in a query nested in a block: what it is compared with there."""
        query = nested.query
        if isinstance(query, SetOperation):
            return ()
        found = [
            Hint(a, Offer(select, place, hints))
            for one, two in _compared(query)
            for a, b in ((one, two), (two, one))
            if (place := place_of(b, 1)) is not None and positions_of(a) and not _looks_out(a)
        ]
        place = place_of(nested.parts[0]) if nested.kind == "any =" else None
        inner = _through(query, 0)
        if positive and place is not None and inner is not None:
            found.append(Hint(inner, Offer(select, place, hints)))
        return tuple(each for each in found if _has(select, each.offer.place))

    def for_derived(self, position: int, query: Query, select: Select, hints: tuple[Hint, ...]) -> tuple[Hint, ...]:
        """Say what matters in a query in FROM of a block: what its columns are compared with there."""
        if isinstance(query, SetOperation):
            return ()
        _, conditions = region(select.tree)
        found = []
        for condition in (*conditions, *conjuncts(select.where)):
            for one, two in equalities(condition):
                for a, b in ((one, two), (two, one)):
                    mine, other = place_of(a), place_of(b)
                    if mine is not None and other is not None and mine[0] == position != other[0]:
                        inner = _through(query, mine[1])
                        if inner is not None:
                            found.append(Hint(inner, Offer(select, other, hints)))
        return tuple(found)


def among(expr: Expr, keys: Select) -> Nested:
    """Give the condition that an expression is one of the keys."""
    return Nested("any =", keys, (expr,))


def _has(select: Select, place: Key) -> bool:
    items, _ = region(select.tree)
    return any(place[0] in _positions(item) for item in items if isinstance(item, Leaf))


def _compared(select: Select) -> Iterator[tuple[Expr, Expr]]:
    _, conditions = region(select.tree)
    for condition in (*conditions, *conjuncts(select.where)):
        yield from equalities(condition)


def _through(query: Query, index: int) -> Ref | None:
    """Give the column that an output is, if leaving rows out by it leaves out just the rows of the output."""
    if isinstance(query, SetOperation) or query.limits.limit or query.limits.on or query.qualify or query.unnests:
        return None
    value = query.outputs[index].value
    if not isinstance(value, Ref) or value.depth:
        return None
    windows = any(
        isinstance(part, Term) and part.kind.startswith("window:")
        for each in query.outputs
        for part in walk(each.value)
    )
    is_group = len(query.groups) > 0 and place_of(value) in {place_of(each) for each in query.groups}
    is_plain = query.group_sets in ("", str([list(range(len(query.groups)))]))
    if windows or (query.aggregated and not (is_group and is_plain)):
        return None
    items, _ = region(query.tree)
    return value if any(value.position in _positions(item) for item in items if isinstance(item, Leaf)) else None


def _looks_out(expr: Expr) -> bool:
    return looks_out(Select(None, (Output(None, expr),)))


def _positions(item: Tree) -> frozenset[int]:
    return frozenset(leaf.position for leaf in leaves(item))


def _connected(start: Tree, items: list[Tree], conditions: list[Expr]) -> list[Tree]:
    """The items that conditions join to one of them, in their order."""
    chosen = [start]
    grew = True
    while grew:
        grew = False
        here = frozenset(at for item in chosen for at in _positions(item))
        for item in items:
            mine = _positions(item)
            joins = (positions_of(each) for each in conditions)
            if item not in chosen and any(each & here and each & mine and each <= here | mine for each in joins):
                chosen.append(item)
                grew = True
                break
    return sorted(chosen, key=lambda item: min(_positions(item)))


def _is_link(condition: Expr) -> bool:
    """Whether a condition only joins two columns."""
    return any(place_of(a) is not None and place_of(b) is not None for a, b in equalities(condition))
