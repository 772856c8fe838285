"""Ways through a resolved query: its conditions, its expressions, what it takes from the queries around it."""

from collections.abc import Iterator

from headwater.sql.tree import (
    Derived,
    Expr,
    Generated,
    Join,
    Nested,
    Query,
    Ref,
    Select,
    SetOperation,
    Term,
    Tree,
    leaves,
    walk,
)


def conjuncts(expr: Expr | None) -> Iterator[Expr]:
    """The parts of a condition that must all be true."""
    if isinstance(expr, Term) and expr.kind == "and":
        for part in expr.parts:
            yield from conjuncts(part)
    elif expr is not None:
        yield expr


def equalities(condition: Expr | None) -> Iterator[tuple[Expr, Expr]]:
    """The pairs that a condition demands to be equal."""
    for part in conjuncts(condition):
        if isinstance(part, Term) and part.kind == "=":
            yield part.parts[0], part.parts[1]


def expressions(select: Select) -> Iterator[Expr]:
    """All expressions of a SELECT, those of its joins too."""
    yield from (output.value for output in select.outputs)
    yield from (each for each in (select.where, select.having, select.qualify) if each is not None)
    yield from (*select.groups, *select.limits.on, *select.limits.order, *select.limits.limit)
    yield from _conditions(select.tree)


def _conditions(tree: Tree | None) -> Iterator[Expr]:
    if isinstance(tree, Join):
        if tree.condition is not None:
            yield tree.condition
        for pair in tree.using:
            yield from pair
        yield from _conditions(tree.left)
        yield from _conditions(tree.right)


def selects(query: Query) -> Iterator[Select]:
    """All SELECTs of a query, those nested in it too (one that is named several times comes several times)."""
    if isinstance(query, SetOperation):
        yield from selects(query.left)
        yield from selects(query.right)
        return
    yield query
    for leaf in leaves(query.tree):
        if isinstance(leaf.source, Derived):
            yield from selects(leaf.source.query)
    for expr in expressions(query):
        for part in walk(expr):
            if isinstance(part, Nested):
                yield from selects(part.query)


def looks_out(query: Query, level: int = 0, known: dict[tuple[int, int], bool] | None = None) -> bool:
    """Whether a query refers to the queries around it."""
    known = {} if known is None else known
    key = (id(query), level)
    if key not in known:
        known[key] = _refers_out(query, level, known)
    return known[key]


def _refers_out(query: Query, level: int, known: dict[tuple[int, int], bool]) -> bool:
    if isinstance(query, SetOperation):
        return looks_out(query.left, level, known) or looks_out(query.right, level, known)
    inner = [leaf.source.query for leaf in leaves(query.tree) if isinstance(leaf.source, Derived)]
    rows = [leaf.source.rows for leaf in leaves(query.tree) if isinstance(leaf.source, Generated)]
    parts = [part for expr in (*expressions(query), *rows) for part in walk(expr)]
    nested = [part.query for part in parts if isinstance(part, Nested)]
    return any(isinstance(part, Ref) and part.depth > level for part in parts) or any(
        looks_out(each, level + 1, known) for each in (*inner, *nested)
    )
