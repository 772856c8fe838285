"""Plain subqueries of FROM become part of the block around them, so that one search sees all that is joined."""

from collections import Counter
from dataclasses import replace

from headwater.placement.distributing import is_steady, region
from headwater.placement.making import all_of, side_by_side
from headwater.placement.rewriting import Rewriter, all_parts
from headwater.sql.traversal import conjuncts, looks_out, selects
from headwater.sql.tree import (
    Derived,
    Expr,
    Generated,
    Join,
    Leaf,
    Nested,
    Query,
    Ref,
    Select,
    SetOperation,
    Source,
    Term,
    Tree,
    leaves,
)


def unfolded(query: Query) -> Query:
    """Give a query whose plain subqueries are part of the blocks that read them; shared ones stay."""
    uses = Counter(
        id(leaf.source.query)
        for select in selects(query)
        for leaf in leaves(select.tree)
        if isinstance(leaf.source, Derived)
    )
    return _Unfolding({each for each, count in uses.items() if count == 1}).query(query)


class _Unfolding:
    def __init__(self, once: set[int]) -> None:
        self._once = once
        self._made: dict[int, tuple[Query, Query]] = {}

    def query(self, query: Query) -> Query:
        if id(query) not in self._made:
            self._made[id(query)] = (query, self._query(query))
        return self._made[id(query)][1]

    def _query(self, query: Query) -> Query:
        def swap(expr: Expr, _depth: int) -> Expr | None:
            if not isinstance(expr, Nested):
                return None
            return Nested(expr.kind, self.query(expr.query), tuple(rewriter.expr(part) for part in expr.parts))

        def source(each: Source, _depth: int) -> Source | None:
            if not isinstance(each, Derived):
                return None
            made = self.query(each.query)
            if id(each.query) in self._once:
                self._once.add(id(made))
            return each if made is each.query else Derived(made, each.columns)

        rewriter = Rewriter(swap, source)
        made = rewriter.query(query)
        return made if isinstance(made, SetOperation) else self._block(made)

    def _block(self, select: Select) -> Select:
        if any(_is_lateral(leaf.source) for leaf in leaves(select.tree)):
            return select
        for item in region(select.tree)[0]:
            if isinstance(item, Leaf) and isinstance(item.source, Derived) and not item.sample:
                inner = item.source.query
                if isinstance(inner, Select) and id(inner) in self._once and _is_plain(inner):
                    return self._block(_opened(select, item, inner))
        return select


def _is_lateral(source: Source) -> bool:
    if isinstance(source, Generated):
        return any(isinstance(part, Ref | Nested) for part, _ in all_parts(source.rows))
    return isinstance(source, Derived) and looks_out(source.query)


def _is_plain(select: Select) -> bool:
    """Whether it only joins, filters and computes, row by row."""
    folds = (select.aggregated, select.groups, select.group_sets, select.having, select.qualify, select.unnests)
    limits = select.limits
    if any(folds) or select.sample or limits.cuts or limits.order or select.tree is None:
        return False
    parts = [part for output in select.outputs for part, _ in all_parts(output.value)]
    windows = any(isinstance(part, Term) and part.kind.startswith("window:") for part in parts)
    whole = is_steady(output.value for output in select.outputs)
    return whole and not windows and not any(isinstance(part, Nested) for part in parts)


def _opened(select: Select, leaf: Leaf, inner: Select) -> Select:
    """Put what a subquery joins in the place of the subquery."""
    offset = 1 + max(each.position for each in leaves(select.tree))

    def further(expr: Expr, depth: int) -> Expr | None:
        if isinstance(expr, Ref) and expr.depth == depth:
            return Ref(expr.depth, expr.position + offset, expr.source, expr.index)
        return None

    def value(expr: Expr, depth: int) -> Expr | None:
        if isinstance(expr, Ref) and expr.depth == depth and expr.position == leaf.position:
            moved = inner.outputs[expr.index].value
            return Rewriter(lambda part, _: _deeper(part, offset, depth)).expr(moved)
        return None

    moving, reading = Rewriter(further), Rewriter(value)
    items, conditions = region(select.tree)
    more, others = region(inner.tree)
    kept: list[Tree] = [item for item in items if item is not leaf]
    tree = side_by_side([*kept, *(_moved(item, offset, moving) for item in more)])
    inside = [moving.expr(each) for each in (*others, *conjuncts(inner.where))]
    plain = replace(select, tree=tree, where=all_of([*conditions, *conjuncts(select.where)]))
    made = reading.query(plain)
    assert isinstance(made, Select)  # noqa: S101 - as before
    return replace(made, where=all_of([*conjuncts(made.where), *inside]))


def _deeper(expr: Expr, offset: int, depth: int) -> Expr | None:
    return Ref(depth, expr.position + offset, expr.source, expr.index) if isinstance(expr, Ref) else None


def _moved(tree: Tree, offset: int, moving: Rewriter) -> Tree:
    if isinstance(tree, Leaf):
        return replace(tree, position=tree.position + offset)
    left, right = _moved(tree.left, offset, moving), _moved(tree.right, offset, moving)
    return Join(tree.kind, left, right, moving.optional(tree.condition, 0), tree.using, tree.sample)
