"""Resolved queries made anew: expressions swapped at any depth, sources found again by where they stand."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from headwater.sql.traversal import expressions, looks_out, selects
from headwater.sql.tree import (
    Derived,
    Expr,
    Generated,
    Join,
    Leaf,
    Limits,
    Nested,
    Output,
    Parameter,
    Query,
    Ref,
    SetOperation,
    Source,
    Table,
    Term,
    Tree,
    Unclear,
    leaves,
)

Swap = Callable[[Expr, int], Expr | None]
"""What takes the place of an expression found ``depth`` queries further in; None: look at its parts."""
Swapped = Callable[[Source, int], Source | None]
"""The same for what stands in FROM."""


def _stays(_expr: object, _depth: int) -> None:
    return None


@dataclass(slots=True)
class Rewriter:
    """Makes queries anew; what does not change stays the same object, and what is shared stays shared."""

    swap: Swap = _stays
    source: Swapped = _stays
    _made: dict[tuple[int, int], Query] = field(default_factory=dict)
    _kept: list[Query] = field(default_factory=list)
    _exprs: dict[tuple[int, int], tuple[Expr, Expr]] = field(default_factory=dict)

    def query(self, query: Query, depth: int = 0) -> Query:
        """Give a query anew; ``depth``: how many queries it stands further in than what is looked at."""
        key = (id(query), depth)
        if key not in self._made:
            self._kept.append(query)
            self._made[key] = self._query(query, depth)
        return self._made[key]

    def _query(self, query: Query, depth: int) -> Query:
        if isinstance(query, SetOperation):
            left, right = self.query(query.left, depth), self.query(query.right, depth)
            limits = self.limits(query.limits, depth)
            same = left is query.left and right is query.right and limits is query.limits
            return query if same else SetOperation(query.kind, left, right, limits)
        parts = {
            "tree": self.tree(query.tree, depth),
            "outputs": self._outputs(query.outputs, depth),
            "where": self.optional(query.where, depth),
            "groups": self.all(query.groups, depth),
            "having": self.optional(query.having, depth),
            "qualify": self.optional(query.qualify, depth),
            "unnests": self.all(query.unnests, depth),
            "limits": self.limits(query.limits, depth),
        }
        if all(value is getattr(query, name) for name, value in parts.items()):
            return query
        return replace(query, **parts)  # type: ignore[arg-type]

    def _outputs(self, outputs: tuple[Output, ...], depth: int) -> tuple[Output, ...]:
        values = self.all(tuple(each.value for each in outputs), depth)
        if all(new is old.value for new, old in zip(values, outputs, strict=True)):
            return outputs
        return tuple(Output(old.name, new) for new, old in zip(values, outputs, strict=True))

    def limits(self, limits: Limits, depth: int) -> Limits:
        """Give what stands behind a query anew; ORDER BY ALL is spelt out."""
        items = limits.order
        if any(each.kind.startswith("all ") for each in items):
            items = tuple(Term(each.kind.removeprefix("all "), (part,)) for each in items for part in each.parts)
        on, order, limit = (self.all(each, depth) for each in (limits.on, items, limits.limit))
        if on is limits.on and order is limits.order and limit is limits.limit:
            return limits
        return Limits(limits.distinct, on, terms(order), terms(limit))

    def tree(self, tree: Tree | None, depth: int) -> Tree | None:
        """Give a FROM tree anew."""
        match tree:
            case None:
                return None
            case Leaf():
                source = self._source(tree.source, depth)
                return tree if source is tree.source else replace(tree, source=source)
            case Join():
                left, right = self.tree(tree.left, depth), self.tree(tree.right, depth)
                on = self.optional(tree.condition, depth)
                using = tuple((self.expr(a, depth), self.expr(b, depth)) for a, b in tree.using)
                same = all(
                    a is b for new, old in zip(using, tree.using, strict=True) for a, b in zip(new, old, strict=True)
                )
                if left is tree.left and right is tree.right and on is tree.condition and same:
                    return tree
                assert left is not None and right is not None  # noqa: PT018, S101 - sides of a join are never empty
                return Join(tree.kind, left, right, on, using, tree.sample)

    def _source(self, source: Source, depth: int) -> Source:
        new = self.source(source, depth)
        if new is not None:
            return new
        if isinstance(source, Derived):
            query = self.query(source.query, depth + 1)
            return source if query is source.query else Derived(query, source.columns)
        if isinstance(source, Generated):
            rows, cells = self.expr(source.rows, depth), self.all(source.cells, depth)
            same = rows is source.rows and cells is source.cells
            return source if same else Generated(rows, cells, source.columns)
        return source

    def optional(self, expr: Expr | None, depth: int) -> Expr | None:
        """Give an expression anew, if there is one."""
        return None if expr is None else self.expr(expr, depth)

    def all(self, exprs: tuple[Expr, ...], depth: int) -> tuple[Expr, ...]:
        """Give several expressions anew."""
        made = tuple(self.expr(each, depth) for each in exprs)
        return exprs if all(a is b for a, b in zip(made, exprs, strict=True)) else made

    def expr(self, expr: Expr, depth: int = 0) -> Expr:
        """Give an expression anew; what was one expression stays one."""
        known = (id(expr), depth)
        if known not in self._exprs:
            self._exprs[known] = (expr, self._expr(expr, depth))
        return self._exprs[known][1]

    def _expr(self, expr: Expr, depth: int) -> Expr:
        new = self.swap(expr, depth)
        if new is not None:
            return new
        match expr:
            case Term():
                parts = self.all(expr.parts, depth)
                return expr if parts is expr.parts else Term(expr.kind, parts)
            case Nested():
                parts, query = self.all(expr.parts, depth), self.query(expr.query, depth + 1)
                same = parts is expr.parts and query is expr.query
                return expr if same else Nested(expr.kind, query, parts)
            case _:
                return expr


def terms(exprs: tuple[Expr, ...]) -> tuple[Term, ...]:
    """Items of ORDER BY and LIMIT stay terms, whatever is swapped inside them."""
    return tuple(each for each in exprs if isinstance(each, Term))


def settled(query: Query) -> Query:
    """Make every reference name the source that now stands where it points; sources are numbered as a text has them."""
    return _Settler().query(query, ())


Scopes = tuple[Mapping[int, Leaf], ...]


class _Settler:
    """References say (depth, position, index); the source itself is found by those, from the innermost query out."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, tuple[int, ...]], Query] = {}
        self._kept: list[object] = []

    def query(self, query: Query, around: Scopes) -> Query:
        key = (id(query), tuple(map(id, around)) if looks_out(query) else ())
        if key not in self._made:
            self._kept += [query, around]
            self._made[key] = self._query(query, around)
        return self._made[key]

    def _query(self, query: Query, around: Scopes) -> Query:
        if isinstance(query, SetOperation):
            left, right = self.query(query.left, around), self.query(query.right, around)
            order = _by_output(query, query.limits, left, right)
            return SetOperation(query.kind, left, right, order)
        scope: dict[int, Leaf] = {}
        self._kept.append(scope)
        scopes = (scope, *around)

        def swap(expr: Expr, _depth: int) -> Expr | None:
            if isinstance(expr, Ref):
                if expr.depth >= len(scopes) or expr.position not in scopes[expr.depth]:
                    raise Unclear("a column of what runs elsewhere")
                found = scopes[expr.depth][expr.position]
                return Ref(expr.depth, found.position, found.source, expr.index)
            if isinstance(expr, Nested):
                return Nested(expr.kind, self.query(expr.query, scopes), tuple(swapped.expr(p) for p in expr.parts))
            return None

        def source(each: Source, _depth: int) -> Source | None:
            return Derived(self.query(each.query, scopes), each.columns) if isinstance(each, Derived) else None

        swapped = Rewriter(swap, source)
        tree = self._tree(query.tree, swapped, scope)
        return replace(
            query,
            tree=tree,
            outputs=tuple(Output(each.name, swapped.expr(each.value)) for each in query.outputs),
            where=swapped.optional(query.where, 0),
            groups=swapped.all(query.groups, 0),
            having=swapped.optional(query.having, 0),
            qualify=swapped.optional(query.qualify, 0),
            unnests=swapped.all(query.unnests, 0),
            limits=swapped.limits(query.limits, 0),
        )

    def _tree(self, tree: Tree | None, swapped: Rewriter, scope: dict[int, Leaf]) -> Tree | None:
        """From left to right: what stands further left is known to what stands on its right."""
        if tree is None:
            return None
        if isinstance(tree, Leaf):
            made = swapped.tree(tree, 0)
            assert isinstance(made, Leaf)  # noqa: S101 - a leaf stays one
            scope[tree.position] = made = replace(made, position=len(scope))
            return made
        left, right = self._tree(tree.left, swapped, scope), self._tree(tree.right, swapped, scope)
        assert left is not None and right is not None  # noqa: PT018, S101 - sides of a join are never empty
        on = swapped.optional(tree.condition, 0)
        using = tuple((swapped.expr(a), swapped.expr(b)) for a, b in tree.using)
        return Join(tree.kind, left, right, on, using, tree.sample)


def _by_output(old: SetOperation, limits: Limits, left: Query, right: Query) -> Limits:
    """What stands behind a set operation speaks of its outputs: those of the new sides."""
    new = SetOperation(old.kind, left, right).outputs
    places = {key(each.value): at for at, each in enumerate(old.outputs)}

    def swap(expr: Expr, _depth: int) -> Expr | None:
        at = places.get(key(expr))
        if at is not None:
            return new[at].value
        if isinstance(expr, Ref | Nested):
            raise Unclear("an order of a set operation that is no output of it")
        return None

    return Rewriter(swap).limits(limits, 0)


def key(expr: Expr, depth: int = 0) -> tuple[object, ...]:
    """Say in one hashable value what an expression is, as it reads ``depth`` queries further out."""
    match expr:
        case Ref():
            return ("ref", expr.depth - depth, expr.position, expr.index)
        case Parameter():
            return ("parameter", expr.name)
        case Nested():
            return ("nested", expr.kind, id(expr.query), *(key(part, depth) for part in expr.parts))
        case Term(kind="either"):
            meanings = {key(part, depth) for part in expr.parts}
            return next(iter(meanings)) if len(meanings) == 1 else ("either", *sorted(meanings, key=repr))
        case Term():
            return (expr.kind, *(key(part, depth) for part in expr.parts))


def all_parts(expr: Expr, depth: int = 0) -> Iterator[tuple[Expr, int]]:
    """An expression and all its parts, those of nested queries too, with how far in they stand."""
    yield expr, depth
    if isinstance(expr, Term | Nested):
        for part in expr.parts:
            yield from all_parts(part, depth)
    if isinstance(expr, Nested):
        yield from query_parts(expr.query, depth + 1)


def query_parts(query: Query, depth: int = 0) -> Iterator[tuple[Expr, int]]:
    """All expressions in a query, with how far in they stand."""
    if isinstance(query, SetOperation):
        yield from query_parts(query.left, depth)
        yield from query_parts(query.right, depth)
        return
    for expr in expressions(query):
        yield from all_parts(expr, depth)
    for leaf in leaves(query.tree):
        if isinstance(leaf.source, Derived):
            yield from query_parts(leaf.source.query, depth + 1)
        elif isinstance(leaf.source, Generated):
            yield from all_parts(leaf.source.rows, depth)


def tables(query: Query) -> Iterator[Table]:
    """All tables that a query reads anywhere in it."""
    for select in selects(query):
        for leaf in leaves(select.tree):
            if isinstance(leaf.source, Table):
                yield leaf.source
