"""Predicates over one relation: taken apart, written in one way, and moved from a query's outputs to its sources."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.sql.canonical import Canonical
from headwater.sql.text import quote_identifier
from headwater.sql.traversal import conjuncts
from headwater.sql.tree import Expr, Nested, Parameter, Ref, Source, Table, Term, Unclear, walk
from headwater.sql.wording import render_expr

_MIRRORED: Final = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPPOSITE: Final = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_UNSTEADY: Final = ("volatile:", "clock:", "aggregate:", "window:", "grouping", "either", "lambda:", "function:unnest")


@dataclass(frozen=True, slots=True, eq=False)
class Conjunct:
    """A predicate over one relation: its columns stand as ``Ref(0, 0, table, index)``."""

    expr: Expr
    text: str
    """As SQL, columns by their own names: the same for all that are written alike."""


def conjunct(expr: Expr, table: Table) -> Conjunct | None:
    """Give a normal predicate as a conjunct over a table; None if it cannot be written."""
    moved = _over(expr, table)
    try:
        return Conjunct(moved, render_expr(moved, _own_name))
    except Unclear:
        return None


def _own_name(ref: Ref) -> str:
    if not isinstance(ref.source, Table):
        raise Unclear("not a column of a table")
    return quote_identifier(ref.source.own[ref.index])


def _over(expr: Expr, table: Table) -> Expr:
    match expr:
        case Ref():
            return Ref(0, 0, table, expr.index)
        case Term():
            return Term(expr.kind, tuple(_over(part, table) for part in expr.parts))
        case _:
            return expr


def normal(condition: Expr | None) -> Iterator[Expr]:
    """Take a condition apart into what must be true together; comparisons face one way, BETWEEN is two."""
    for part in conjuncts(condition):
        if isinstance(part, Term) and part.kind == "between" and _are_alike(*part.parts[1:]):
            value, lower, upper = part.parts
            yield from (_faced(Term(">=", (value, lower))), _faced(Term("<=", (value, upper))))
        elif isinstance(part, Term):
            yield _faced(part)
        else:
            yield part


def _are_alike(lower: Expr, upper: Expr) -> bool:
    """Whether both bounds have one type for sure: of bounds of two types the engine makes one, for both comparisons."""
    first, second = _literal_type(lower), _literal_type(upper)
    return bool(first) and first == second


def _literal_type(expr: Expr) -> str:
    head, _, text = expr.kind.partition(":") if isinstance(expr, Term) else ("", "", "")
    if head == "constant":
        return json.dumps(json.loads(text)["type"], sort_keys=True)
    return text if head == "cast" else ""


def _faced(term: Term) -> Expr:
    """Columns on the left, constants on the right; NOT of a comparison is the opposite one."""
    if term.kind == "not" and isinstance(term.parts[0], Term) and term.parts[0].kind in _OPPOSITE:
        return _faced(Term(_OPPOSITE[term.parts[0].kind], term.parts[0].parts))
    if term.kind == "not" and isinstance(term.parts[0], Term) and term.parts[0].kind == "is null":
        return Term("is not null", term.parts[0].parts)
    if term.kind not in _MIRRORED:
        return term
    left, right = term.parts
    turned = not _has_columns(left) and _has_columns(right)
    return Term(_MIRRORED[term.kind], (right, left)) if turned else term


def _has_columns(expr: Expr) -> bool:
    return any(isinstance(part, Ref) for part in walk(expr))


def is_steady(expr: Expr) -> bool:
    """Whether it gives the same for the same row, by itself: no subquery, no fold, nothing volatile or doubtful."""
    return not any(
        isinstance(part, Nested) or (isinstance(part, Term) and part.kind.startswith(_UNSTEADY)) for part in walk(expr)
    )


def refs(expr: Expr) -> list[Ref]:
    """Give the columns that an expression reads, outside of its subqueries."""
    return [part for part in walk(expr) if isinstance(part, Ref)]


def is_over(expr: Expr, source: Source) -> bool:
    """Whether it reads columns of this source, and of no other."""
    found = refs(expr)
    return bool(found) and all(ref.source is source and ref.depth == 0 for ref in found)


def over(condition: Expr, source: Source) -> list[Expr]:
    """Give what a condition says of one source alone; of alternatives, what each of them says of it."""
    if is_over(condition, source):
        return [condition]
    if not isinstance(condition, Term) or condition.kind != "or":
        return []
    branches = [[part for each in normal(branch) for part in over(each, source)] for branch in condition.parts]
    if not all(branches):
        return []
    canonical = Canonical()
    texts = [{canonical.expr(part) for part in branch} for branch in branches]
    common = [part for part in branches[0] if all(canonical.expr(part) in each for each in texts)]
    either = Term("or", tuple(branch[0] if len(branch) == 1 else Term("and", tuple(branch)) for branch in branches))
    return [*common, *([either] if len(common) < max(map(len, branches)) else [])]


def substituted(expr: Expr, values: Mapping[int, Expr]) -> Expr:
    """Put expressions in the place of columns, by their index."""
    match expr:
        case Ref():
            return values[expr.index]
        case Term():
            return Term(expr.kind, tuple(substituted(part, values) for part in expr.parts))
        case Parameter() | Nested():
            return expr
