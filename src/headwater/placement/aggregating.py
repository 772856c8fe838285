"""Aggregates in two steps: what each site can fold of its own rows, and how the parts make the whole."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from headwater.placement.cutting import outputs_of
from headwater.placement.distributing import is_plain
from headwater.placement.making import cast, whole_number
from headwater.placement.rewriting import Rewriter, key
from headwater.sql.tree import Expr, Leaf, Limits, Nested, Output, Ref, Select, Table, Term, Unclear, walk

Column = Callable[[int, int], Ref]
_SAME: Final = frozenset({"sum", "min", "max", "bool_and", "bool_or", "bit_and", "bit_or", "bit_xor", "any_value"})
"""Folding the parts as the rows were folded gives the whole."""
_COUNTS: Final = frozenset({"count", "count_star", "count_if", "countif"})
_AVERAGES: Final = frozenset({"avg", "mean"})
_INDIFFERENT: Final = frozenset({"min", "max", "bool_and", "bool_or", "bit_and", "bit_or", "any_value"})
"""DISTINCT changes nothing."""


@dataclass(slots=True)
class Parts:
    """The columns that a site sends of one block: groups, and parts of aggregates; and how they are put together."""

    select: Select
    columns: list[Expr] = field(default_factory=list)
    groups: list[Expr] = field(default_factory=list)
    _at: dict[tuple[object, ...], int] = field(default_factory=dict)

    def column(self, expr: Expr) -> int:
        """Number a column that is sent."""
        found = self._at.get(key(expr))
        if found is None:
            found = self._at[key(expr)] = len(self.columns)
            self.columns.append(expr)
        return found

    def group(self, expr: Expr) -> int:
        """Number a column that is sent and grouped by."""
        if key(expr) not in {key(each) for each in self.groups}:
            self.groups.append(expr)
        return self.column(expr)


def is_foldable(select: Select) -> bool:
    """Whether each of its aggregates can be made of parts."""
    found = [
        part for expr in _results(select) for part in walk(expr) if isinstance(part, Term) and aggregates_rows(part)
    ]
    return all(map(_is_understood, found)) and not (select.sample or select.unnests)


def aggregates_rows(part: Term) -> bool:
    """Whether a term is an aggregate."""
    return part.kind.startswith("aggregate:")


def _results(select: Select) -> list[Expr]:
    behind = [each for each in (select.having, select.qualify) if each is not None]
    return [*(output.value for output in select.outputs), *behind, *select.limits.on, *select.limits.order]


def _is_understood(term: Term) -> bool:
    name, is_distinct = _name(term)
    arguments, filters, orders = _arguments(term)
    if orders or len(arguments) > 1 or any(isinstance(p, Nested) for each in arguments + filters for p in walk(each)):
        return False
    if any(isinstance(each, Term) and each.kind.startswith("named:") for each in arguments):
        return False
    if is_distinct and name not in _INDIFFERENT:
        return not filters and bool(arguments) and name in _SAME | _COUNTS | _AVERAGES
    return name in _SAME | _COUNTS | _AVERAGES


def _name(term: Term) -> tuple[str, bool]:
    name = term.kind.partition(":")[2]
    return name.removesuffix("!"), name.endswith("!")


def _arguments(term: Term) -> tuple[list[Expr], list[Expr], list[Expr]]:
    """Give arguments, the FILTER and the ORDER of an aggregate."""
    filters = [each for each in term.parts if isinstance(each, Term) and each.kind == "filter"]
    orders = [each for each in term.parts if isinstance(each, Term) and each.kind == "order"]
    return [each for each in term.parts if each not in filters and each not in orders], list(filters), list(orders)


def parts_of(select: Select) -> tuple[Select, Parts]:
    """Give what each site runs, and how to read what it sends; the second is used up by ``merged``."""
    parts = Parts(select)
    for each in select.groups:
        parts.group(each)
    for expr in _results(select):
        for part in walk(expr):
            if isinstance(part, Term) and aggregates_rows(part):
                _send(parts, part)
    sets = str([list(range(len(parts.groups)))]) if parts.groups else ""
    site = replace(
        select,
        outputs=outputs_of(parts.columns),
        groups=tuple(parts.groups),
        group_sets=sets,
        having=None,
        qualify=None,
        limits=Limits(),
    )
    return site, parts


def _send(parts: Parts, term: Term) -> None:
    name, is_distinct = _name(term)
    arguments, _, _ = _arguments(term)
    if is_distinct and name not in _INDIFFERENT:
        parts.group(arguments[0])
    elif name in _AVERAGES:
        parts.column(_as(term, "sum"))
        parts.column(_as(term, "count"))
    else:
        parts.column(_as(term, name))


def _as(term: Term, name: str) -> Term:
    return Term(f"aggregate:{name}", term.parts)


def merged(parts: Parts, table: Table, position: int = 0) -> Select:
    """Give the block over what was received; it gives what the original gives."""
    select = parts.select

    def column(at: int, depth: int) -> Ref:
        return Ref(depth, position, table, at)

    groups = {key(each): parts.column(each) for each in select.groups}

    def swap(expr: Expr, depth: int) -> Expr | None:
        if (at := groups.get(key(expr, depth))) is not None:
            return column(at, depth)
        if depth == 0 and isinstance(expr, Term) and aggregates_rows(expr):
            return _put_together(parts, expr, column)
        if isinstance(expr, Ref) and expr.depth == depth:
            raise Unclear("a column beside its groups")
        return None

    rewriter = Rewriter(swap)
    return Select(
        tree=Leaf(position, table),
        outputs=tuple(Output(each.name, rewriter.expr(each.value)) for each in select.outputs),
        groups=rewriter.all(select.groups, 0),
        group_sets="" if is_plain(select) and not select.groups else _sets(select),
        having=rewriter.optional(select.having, 0),
        qualify=rewriter.optional(select.qualify, 0),
        aggregated=True,
        limits=rewriter.limits(select.limits, 0),
    )


def _sets(select: Select) -> str:
    return select.group_sets if select.group_sets != "all" else str([list(range(len(select.groups)))])


def _put_together(parts: Parts, term: Term, column: Column) -> Expr:
    name, is_distinct = _name(term)
    arguments, _, _ = _arguments(term)
    if is_distinct and name not in _INDIFFERENT:
        return Term(term.kind, (column(parts.column(arguments[0]), 0),))
    if name in _AVERAGES:
        whole = Term("aggregate:sum", (column(parts.column(_as(term, "sum")), 0),))
        count = Term("aggregate:sum", (column(parts.column(_as(term, "count")), 0),))
        return Term("function:/", (whole, count))
    value = column(parts.column(_as(term, name)), 0)
    if name in _COUNTS:
        total = Term("aggregate:sum", (value,))
        return cast(Term("coalesce", (total, whole_number(0))), "HUGEINT" if "if" in name else "BIGINT")
    return Term(f"aggregate:{name}", (value,))
