"""Which columns of tables a query compares for equality: what stands in for one must stand in for the other."""

from collections.abc import Iterator

from headwater.sql.traversal import expressions, selects
from headwater.sql.tree import Derived, Expr, Join, Nested, Query, Ref, SetOperation, Table, Term, Tree, walk

_EQUAL = frozenset({"=", "is not distinct from", "in"})
Place = tuple[str, str]
"""(node, column)"""


def equated(query: Query) -> Iterator[tuple[Place, Place]]:
    """Give the pairs of columns that are compared with ``=``, ``IS NOT DISTINCT FROM``, USING or IN."""
    for select in selects(query):
        yield from _using(select.tree)
        for expr in expressions(select):
            for part in walk(expr):
                if isinstance(part, Term) and part.kind in _EQUAL:
                    yield from _pairs(part.parts)
                elif isinstance(part, Nested) and part.parts:
                    yield from _pairs((*part.parts, part.query.outputs[0].value))


def _using(tree: Tree | None) -> Iterator[tuple[Place, Place]]:
    if isinstance(tree, Join):
        for pair in tree.using:
            yield from _pairs(pair)
        yield from _using(tree.left)
        yield from _using(tree.right)


def _pairs(parts: tuple[Expr, ...]) -> Iterator[tuple[Place, Place]]:
    places = [place for part in parts for place in places_of(part)]
    for other in places[1:]:
        yield places[0], other


def places_of(expr: Expr) -> Iterator[Place]:
    """Give the columns of tables that an expression stands for, if it is nothing but a column."""
    if not isinstance(expr, Ref):
        return
    if isinstance(expr.source, Table):
        yield expr.source.node, expr.source.own[expr.index]
    elif isinstance(expr.source, Derived):
        yield from _outputs(expr.source.query, expr.index)


def _outputs(query: Query, index: int) -> Iterator[Place]:
    if isinstance(query, SetOperation):
        yield from _outputs(query.left, index)
        yield from _outputs(query.right, index)
    else:
        yield from places_of(query.outputs[index].value)
