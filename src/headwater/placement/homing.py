"""Brings a query home: parts that lie at sites become exchanges, and what is left runs over what they send."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from headwater.placement import aggregating
from headwater.placement.cutting import label
from headwater.placement.distributing import Distribution, Group, Spread, positions_of, region
from headwater.placement.making import ONE, all_of, leaf, number_of, renaming, side_by_side, whole_number
from headwater.placement.moving import Moving, Part, first_position
from headwater.placement.reducing import Hint, Reducing, among
from headwater.placement.rewriting import Rewriter, key
from headwater.placement.writing import PARTIAL, Writer
from headwater.sql.traversal import conjuncts, looks_out, selects
from headwater.sql.tree import (
    Derived,
    Expr,
    Join,
    Limits,
    Nested,
    Output,
    Query,
    Ref,
    Select,
    SetOperation,
    Source,
    Term,
    Tree,
    Unclear,
    leaves,
)


@dataclass(slots=True)
class Homing:
    """Brings the parts of one query to the place that asks."""

    distribution: Distribution
    writer: Writer
    moving: Moving
    at: str
    explained: list[str] = field(default_factory=list)
    _done: dict[int, tuple[Query, Query]] = field(default_factory=dict)
    _first: dict[int, tuple[Query, Query]] = field(default_factory=dict)
    _uses: Counter[int] = field(default_factory=Counter)

    @property
    def reducing(self) -> Reducing:
        """What finds keys."""
        return Reducing(self.distribution)

    def whole(self, query: Query) -> Query:
        """Give a whole query at home: values that conditions at sites need are computed first."""
        self._uses = Counter(_derived(query))
        return self.query(self._values_first(query))

    def query(self, query: Query, hints: tuple[Hint, ...] = (), *, distinct: bool = False) -> Query:
        """Give a query that runs at the place that asks and gives the same; its exchanges are written on the way.

        Rows that ``hints`` say cannot matter may be missing; with ``distinct``, equal rows may come once.
        """
        if hints and isinstance(query, Select) and self._uses[id(query)] < 2:  # noqa: PLR2004 - used once
            return self._query(self._keyed(self.reducing.hinted(query, hints), hints), hints, distinct=distinct)
        if distinct:
            return self._query(query, (), distinct=True)
        if id(query) not in self._done:
            self._done[id(query)] = (query, self._query(query, ()))
        return self._done[id(query)][1]

    def _query(self, query: Query, hints: tuple[Hint, ...], *, distinct: bool = False) -> Query:
        spread = self.distribution.query(query)
        if spread is not None and self._is_here(spread):
            return query
        if not looks_out(query):
            try:
                made = self._sent(query, hints)
            except Unclear as unclear:
                self.explained.append(f"rows are gathered: {unclear}")
                made = None
            if made is not None:
                return made
        if isinstance(query, SetOperation):
            return self._sides(query)
        together = None if looks_out(query) else self._together(query)
        return self._gathered(query, hints, distinct=distinct) if together is None else self._query(together, hints)

    def _keyed(self, select: Select, hints: tuple[Hint, ...]) -> Select:
        """Give a block that leaves out rows which cannot matter, where keys must be sent for that."""
        extra: list[Expr] = []
        for group in self.distribution.block(select).groups:
            if group.spread is None or self._is_here(group.spread):
                continue
            for hint in hints:
                if positions_of(hint.expr) <= group.positions and not self.reducing.keys(hint.offer, group.spread):
                    keys = self._round(hint, group)
                    extra += [] if keys is None else [among(hint.expr, keys)]
        return replace(select, where=all_of([*conjuncts(select.where), *extra])) if extra else select

    def _round(self, hint: Hint, target: Group) -> Select | None:
        block, (position, index) = self.distribution.block(hint.offer.select), hint.offer.place
        offered = next((each for each in block.groups if position in each.positions), None)
        if offered is None:
            return None
        source = next(each.source for item in offered.items for each in leaves(item) if each.position == position)
        table = self.moving.keys(Ref(0, position, source, index), offered, target, hint.expr)
        return None if table is None else Select(leaf(0, table), (Output(table.own[0], Ref(0, 0, table, 0)),))

    def _together(self, select: Select) -> Select | None:
        try:
            return self.moving.together(select)
        except Unclear as unclear:
            self.explained.append(f"sources are joined at {self.at}: {unclear}")
            return None

    def _values_first(self, query: Query) -> Query:
        """Send the single values that sites need to judge their own rows, from the innermost query out."""

        def swap(expr: Expr, _depth: int) -> Expr | None:
            if not isinstance(expr, Nested):
                return None
            return Nested(expr.kind, self._values_first(expr.query), tuple(rewriter.expr(part) for part in expr.parts))

        def source(each: Source, _depth: int) -> Source | None:
            if not isinstance(each, Derived):
                return None
            if id(each.query) not in self._first:
                made = self._values_first(each.query)
                self._first[id(each.query)] = (each.query, made)
                self._uses[id(made)] = self._uses[id(each.query)]
            made = self._first[id(each.query)][1]
            return each if made is each.query else Derived(made, each.columns)

        rewriter = Rewriter(swap, source)
        query = rewriter.query(query)
        if isinstance(query, SetOperation):
            return query
        conditions = [self._with_values(each, query) for each in conjuncts(query.where)]
        if all(new is old for new, old in zip(conditions, conjuncts(query.where), strict=True)):
            return query
        return replace(query, where=all_of(conditions))

    def _with_values(self, condition: Expr, select: Select) -> Expr:
        positions = positions_of(condition)
        groups = self.distribution.block(select).groups
        group = next((each for each in groups if positions and positions <= each.positions), None)
        if group is None or group.spread is None or self._is_here(group.spread):
            return condition
        sites = group.spread.sites

        def swap(expr: Expr, _depth: int) -> Expr | None:
            if not isinstance(expr, Nested) or looks_out(expr.query):
                return None
            if expr.kind not in ("scalar", "exists") and not (expr is condition and self._is_small(expr, group)):
                return None
            spread = self.distribution.query(expr.query)
            if spread is not None and spread.whole and sites <= spread.sites:
                return None
            return Nested(expr.kind, self._value(expr, sites), expr.parts)

        try:
            return Rewriter(swap, lambda each, _: each).expr(condition)
        except Unclear as unclear:
            self.explained.append(f"a value is not sent first: {unclear}")
            return condition

    def _is_small(self, nested: Nested, group: Group) -> bool:
        """Whether a set of values is worth sending to the rows that are compared with it."""
        if nested.kind != "any =" or group.spread is None:
            return False
        count = self.moving.costing.result(nested.query) * len(group.spread.sites)
        return 2 * count < self.moving.rows(group)

    def _value(self, nested: Nested, sites: frozenset[str]) -> Query:
        """Compute a single value at home, and send it to sites; give the query that reads it there."""
        query = self.query(nested.query)
        if nested.kind == "exists":
            one = Limits(limit=(Term("limit", (whole_number(1),)),))
            names = tuple(f"c{at}" for at in range(len(query.outputs)))
            query = Select(leaf(0, Derived(query, names)), (Output("one", ONE),), limits=one)
        elif nested.kind != "scalar":
            names = tuple(f"c{at}" for at in range(len(query.outputs)))
            source = Derived(query, names)
            query = Select(leaf(0, source), (Output("key", Ref(0, 0, source, 0)),), limits=Limits(distinct=True))
        table = self.writer.exchange(query, (self.at,), tuple(sorted(sites)), "values that conditions need")
        self.moving.costing.sent[table] = self.moving.costing.result(nested.query)
        self.distribution.received[table] = sites
        return Select(leaf(0, table), (Output(table.own[0], Ref(0, 0, table, 0)),))

    def _is_here(self, spread: Spread) -> bool:
        return spread.whole and self.at in spread.sites

    def _sent(self, query: Query, hints: tuple[Hint, ...]) -> Query | None:
        """The whole result, the first rows of it, or parts of its aggregates."""
        bare = _bare(query)
        spread = self.distribution.query(bare)
        if spread is not None:
            return self._result(query, bare, spread)
        if not isinstance(query, Select) or not query.aggregated:
            return None
        spread = self.distribution.block(query).spread
        if spread is None or self._is_here(spread) or not aggregating.is_foldable(query):
            return None
        site, parts = aggregating.parts_of(query)
        if self.distribution.query(replace(site, groups=(), aggregated=False, outputs=())) is None:
            return None
        for each in site.outputs:
            if self.distribution.narrowed(spread, each.value, positive=False) is None:
                return None
        table = self.writer.exchange(site, self.moving.senders(spread), (self.at,), PARTIAL)
        return self.inside(aggregating.merged(parts, table), None, hints)

    def _result(self, query: Query, bare: Query, spread: Spread) -> Query | None:
        """Rows that are complete where they lie; only their order, and which are the first, is left to say."""
        limits = query.limits
        if isinstance(query, SetOperation):
            if limits.cuts:
                return None
            orders: list[Expr] = []
        else:
            orders = [part for each in (*limits.order,) for part in each.parts] + list(limits.on)
        if limits.on and not spread.whole:
            return None
        known = {key(each.value): at for at, each in enumerate(query.outputs)}
        hidden = [each for each in dict.fromkeys(orders) if key(each) not in known]
        if limits.distinct and hidden:
            return None
        site, because = self._cut_short(query, bare, hidden, spread)
        table = self.writer.exchange(site, self.moving.senders(spread), (self.at,), because)
        columns = {known_key: Ref(0, 0, table, at) for known_key, at in known.items()}
        columns |= {key(each): Ref(0, 0, table, len(query.outputs) + at) for at, each in enumerate(hidden)}
        left = limits
        if spread.whole:
            left = Limits(order=limits.order)
        outputs = tuple(Output(each.name, Ref(0, 0, table, at)) for at, each in enumerate(query.outputs))
        return Select(tree=leaf(0, table), outputs=outputs, limits=renaming(columns).limits(left, 0))

    def _cut_short(self, query: Query, bare: Query, hidden: list[Expr], spread: Spread) -> tuple[Query, str]:
        """Give what each site runs, and what that is: all rows, or the first ones."""
        if isinstance(query, SetOperation) or isinstance(bare, SetOperation):
            return bare, "rows"
        outputs = _named((*query.outputs, *(Output(None, each) for each in hidden)))
        limits, first = query.limits, _first(query.limits)
        if spread.whole:
            return replace(bare, outputs=outputs, limits=limits if limits.cuts else Limits()), "rows"
        if first is None:
            return replace(bare, outputs=outputs, limits=Limits(distinct=limits.distinct)), "rows"
        kept = Limits(limits.distinct, (), limits.order, (Term("limit", (whole_number(first),)),))
        return replace(bare, outputs=outputs, limits=kept), f"the first {first}"

    def _sides(self, query: SetOperation) -> Query:
        left, right = self.query(query.left), self.query(query.right)
        old = query.outputs
        made = SetOperation(query.kind, left, right)
        new = made.outputs
        places = {key(each.value): at for at, each in enumerate(old)}

        def swap(expr: Expr, _depth: int) -> Expr | None:
            at = places.get(key(expr))
            return None if at is None else new[at].value

        return SetOperation(query.kind, left, right, Rewriter(swap).limits(query.limits, 0))

    def inside(self, select: Select, context: Select | None, hints: tuple[Hint, ...]) -> Select:
        """Bring the queries nested in expressions of a block home; ``context``: the block, as it was before."""
        sure = [part for each in conjuncts(select.where) for part in (each,) if isinstance(part, Nested)]

        def swap(expr: Expr, _depth: int) -> Expr | None:
            if not isinstance(expr, Nested):
                return None
            matter: tuple[Hint, ...] = ()
            if context is not None:
                matter = self.reducing.for_nested(expr, context, hints, positive=any(expr is each for each in sure))
            inner = self.query(expr.query, matter, distinct=expr.kind in ("exists", "any ="))
            return Nested(expr.kind, inner, tuple(rewriter.expr(part) for part in expr.parts))

        rewriter = Rewriter(swap, lambda each, _: each)
        made = rewriter.query(select)
        assert isinstance(made, Select)  # noqa: S101 - as before
        return made

    def _gathered(self, select: Select, hints: tuple[Hint, ...], *, distinct: bool) -> Select:
        """Groups of sources, each joined where it lies; what is left of the block runs over their rows."""
        block = self.distribution.block(select)
        items: list[Tree] = []
        rest = list(block.rest)
        parts: list[Part] = []
        for group in block.groups:
            if group.spread is None or self._is_here(group.spread):
                rest += group.conditions
                items += [self._kept(item, parts, select, hints) for item in group.items]
            else:
                part, others = self.moving.part_of(group, group.spread)
                rest += others
                parts.append(part)
                items.append(part.hole())
        items.sort(key=first_position)
        left = replace(select, tree=side_by_side(items), where=all_of(rest))
        once = distinct and not (select.aggregated or select.qualify or select.limits.limit or select.limits.on)
        return self.moving.filled(self.inside(left, select, hints), parts, (self.at,), distinct=once)

    def _kept(self, tree: Tree, parts: list["Part"], select: Select, hints: tuple[Hint, ...]) -> Tree:
        """Take out of a part of FROM what must be sent: holes are left there."""
        spread = self.distribution.tree(tree)
        if spread is not None and self._is_here(spread):
            return tree
        if spread is not None:
            parts.append(Part((tree,), spread, []))
            return parts[-1].hole()
        if isinstance(tree, Join):
            left, right = (self._kept(each, parts, select, ()) for each in (tree.left, tree.right))
            return replace(tree, left=left, right=right)
        if isinstance(tree.source, Derived):
            matter: tuple[Hint, ...] = ()
            if any(tree is item for item in region(select.tree)[0]):
                matter = self.reducing.for_derived(tree.position, tree.source.query, select, hints)
            return replace(tree, source=Derived(self.query(tree.source.query, matter), tree.source.columns))
        raise Unclear("rows that cannot be sent")


def _bare(query: Query) -> Query:
    return replace(query, limits=Limits())


def _named(outputs: Iterable[Output]) -> tuple[Output, ...]:
    """Each output with a name that no other has."""
    taken: set[str] = set()
    made = []
    for at, each in enumerate(outputs):
        name = each.name or label(each.value) or f"c{at}"
        while name.casefold() in taken:
            name = f"{name}_{at}"
        taken.add(name.casefold())
        made.append(Output(name, each.value))
    return tuple(made)


def _first(limits: Limits) -> int | None:
    """How many of its first rows each site must send so that the first of all are among them."""
    count, offset = None, 0
    for each in limits.limit:
        number = number_of(each.parts[0])
        if number is None or each.kind not in ("limit", "offset"):
            return None
        count, offset = (number, offset) if each.kind == "limit" else (count, number)
    return None if count is None else count + offset


def _derived(query: Query) -> Iterator[int]:
    """Identities of the queries in FROM, as often as they are used."""
    for select in selects(query):
        for each in leaves(select.tree):
            if isinstance(each.source, Derived):
                yield id(each.source.query)
