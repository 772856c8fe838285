"""Small parts of queries, made rather than read: constants, calls, conjunctions, blocks over what was received."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Final

from headwater.placement.rewriting import Rewriter, key
from headwater.sql.tree import Expr, Join, Leaf, Ref, Source, Term, Tree

Columns = Mapping[tuple[object, ...], Ref]
"""What an expression of a block is called where its rows were received."""
ONE: Final = Term(
    "constant:"
    + json.dumps({"is_null": False, "type": {"id": "INTEGER", "type_info": None}, "value": 1}, sort_keys=True)
)


def whole_number(value: int) -> Term:
    """Give a constant."""
    type_ = "INTEGER" if abs(value) < 1 << 31 else "BIGINT"
    constant = {"is_null": False, "type": {"id": type_, "type_info": None}, "value": value}
    return Term(f"constant:{json.dumps(constant, sort_keys=True)}")


def number_of(expr: Expr) -> int | None:
    """Give the whole number that an expression is, if it is one."""
    if not isinstance(expr, Term) or not expr.kind.startswith("constant:"):
        return None
    value = json.loads(expr.kind.partition(":")[2]).get("value")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def cast(expr: Expr, type_: str) -> Term:
    """Give an expression as a plain type."""
    return Term(f"cast:{json.dumps({'id': type_, 'type_info': None}, sort_keys=True)}", (expr,))


def all_of(conditions: Sequence[Expr]) -> Expr | None:
    """Give the conjunction of conditions, if there are any."""
    if len(conditions) < 2:  # noqa: PLR2004 - nothing to join
        return conditions[0] if conditions else None
    return Term("and", tuple(conditions))


def side_by_side(items: Iterable[Tree]) -> Tree | None:
    """Give parts of FROM as one, with nothing said about how they belong together."""
    items = list(items)
    return reduce(lambda left, right: Join("inner cross", left, right, None), items) if items else None


def ref(position: int, source: Source, index: int, depth: int = 0) -> Ref:
    """Give a column of a source."""
    return Ref(depth, position, source, index)


def renaming(columns: Columns) -> Rewriter:
    """Swap expressions of a block, wherever they are used, for the columns that hold them now."""

    def swap(expr: Expr, depth: int) -> Expr | None:
        found = columns.get(key(expr, depth))
        return None if found is None else Ref(found.depth + depth, found.position, found.source, found.index)

    return Rewriter(swap)


def leaf(position: int, source: Source) -> Leaf:
    """Give a source as FROM."""
    return Leaf(position, source)
