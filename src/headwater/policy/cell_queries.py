"""Queries over a relation, made queries over the cells that a rule ships of it: coarser groups, merged measures."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from headwater.diagnostics import Diagnostic, error
from headwater.policy.cells import SLOT, Cells
from headwater.policy.merging import BY_ROWS, BY_VALUES, Merging, Unshipped
from headwater.policy.predicates import written
from headwater.sql.canonical import Canonical
from headwater.sql.rebuilding import Rebuilding
from headwater.sql.traversal import conjuncts
from headwater.sql.tree import (
    Derived,
    Expr,
    Leaf,
    Nested,
    Parameter,
    Query,
    Ref,
    Select,
    Source,
    Table,
    Term,
)

_UNITS: Final = ("second", "minute", "hour", "day", "month", "quarter", "year")
"""Each begins where one of those before it begins."""
_CUTS: Final = {(">=", "start"): ">=", ("<", "end"): "<"}
_MIRRORED: Final = {"<=": ">=", ">": "<"}
_MODIFIERS: Final = frozenset({"filter", "order"})


def rewritten(query: Query, occurrence: Table, cells: Cells) -> Query | Diagnostic:
    """Give the query that reads cells where ``query`` (as ``sql.plain`` gives it) reads the relation's rows.

    In the result the relation's own name stands for the cells; it means what one machine would compute that has the
    cells of all sending sites. Columns keep the types that they have over rows. Wherever time zones matter to groups,
    cells must be made in the time zone of the query.
    """
    try:
        return _OverCells(occurrence, cells).query(query)
    except _Refused as refused:
        return error(refused.code, f"{refused} (`{cells.relation}` is read through `{cells.name}`)", hint=refused.hint)


class _Refused(Exception):
    """Why cells are not enough; never leaves this module."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


class _OverCells(Rebuilding):
    """Rebuilds the SELECTs that read the occurrence; found anywhere else, it is refused."""

    def __init__(self, occurrence: Table, cells: Cells) -> None:
        super().__init__()
        self._occurrence = occurrence
        self._cells = cells
        names = tuple(name for name, _ in cells.columns)
        self._table = Table(occurrence.node, names, names)

    def table(self, table: Table) -> Source:
        """Rows themselves are not there."""
        if table is self._occurrence:
            raise self._needs_rows("it is joined, or read row by row")
        return table

    def select(self, select: Select) -> Select:
        """Rebuild a SELECT; one that reads the occurrence, alone, over its cells."""
        flat = _flat(select, self._occurrence)
        return super().select(select) if flat is None else _Block(self, flat, self._cells, self._table).rebuilt()

    def _needs_rows(self, why: str) -> _Refused:
        groups = ", ".join(self._cells.by) or "nothing"
        hint = f"aggregate it first, in a query of its own that reads nothing else, in groups of {groups}"
        return _Refused("HW1275", f"aggregates are shipped, not rows: {why}", hint)

    def needs_rows(self, why: str) -> _Refused:
        """Say that cells do not do, and what would."""
        return self._needs_rows(why)


class _Block:
    """One SELECT over the relation alone, written anew over its cells."""

    def __init__(self, around: _OverCells, select: Select, cells: Cells, table: Table) -> None:
        self._around = around
        self._select = select
        self._cells = cells
        self._table = table
        self._canonical = Canonical()
        self._groups = {text: table.columns.index(name) for name, text in cells.by.items()}
        self._merging = Merging(cells, table, self._by)

    def rebuilt(self) -> Select:
        select, tree = self._select, self._select.tree
        if select.sample or select.unnests or (isinstance(tree, Leaf) and tree.sample):
            raise self._around.needs_rows("it is sampled or unnested")
        if not select.aggregated and (not select.limits.distinct or select.limits.on):
            raise self._around.needs_rows("its rows are not put into groups")
        of = self._value if select.aggregated else self._by
        limits = select.limits
        return replace(
            select,
            tree=Leaf(0, self._table),
            outputs=tuple(replace(each, value=of(each.value)) for each in select.outputs),
            where=self._where(),
            groups=tuple(self._by(each) for each in select.groups),
            having=None if select.having is None else of(select.having),
            qualify=None if select.qualify is None else of(select.qualify),
            limits=replace(
                limits,
                on=tuple(of(each) for each in limits.on),
                order=tuple(Term(each.kind, tuple(of(part) for part in each.parts)) for each in limits.order),
                limit=tuple(Term(each.kind, tuple(of(part) for part in each.parts)) for each in limits.limit),
            ),
        )

    def _where(self) -> Expr | None:
        found = [self._cut(each) or self._by(each) for each in conjuncts(self._select.where)]
        return found[0] if len(found) == 1 else Term("and", tuple(found)) if found else None

    def _cut(self, condition: Expr) -> Expr | None:
        """``time >= $start`` and ``time < $end`` take whole slots."""
        if not self._cells.time or not isinstance(condition, Term) or len(condition.parts) != 2:  # noqa: PLR2004 - sides
            return None
        left, right, sign = *condition.parts, condition.kind
        if isinstance(left, Parameter):
            left, right, sign = right, left, _MIRRORED.get(sign, "")
        bare = isinstance(left, Ref) and left.depth == 0 and self._own(left) == self._cells.time
        kept = _CUTS.get((sign, right.name)) if bare and isinstance(right, Parameter) else None
        return Term(kept, (self._at(self._table.columns.index(SLOT)), right)) if kept else None

    def _at(self, index: int) -> Ref:
        return Ref(0, 0, self._table, index)

    def _own(self, ref: Ref) -> str:
        return ref.source.own[ref.index] if self._is_read(ref) and isinstance(ref.source, Table) else ""

    def _is_read(self, ref: Ref) -> bool:
        tree = self._select.tree
        return isinstance(tree, Leaf) and ref.source is tree.source

    def _value(self, expr: Expr) -> Expr:
        """An expression behind the grouping: of groups and aggregates."""
        group = self._group(expr)
        if group is not None:
            return group
        if isinstance(expr, Term) and expr.kind.startswith("aggregate:"):
            return self._aggregate(expr)
        if isinstance(expr, Term):
            return self._decided(Term(expr.kind, tuple(self._value(part) for part in expr.parts)))
        return self._by(expr)

    def _by(self, expr: Expr) -> Expr:
        """An expression over groups alone, as one over the columns of cells."""
        group = self._group(expr)
        if group is not None:
            return group
        if isinstance(expr, Ref) and self._is_read(expr):
            raise self._reads_more(expr)
        if isinstance(expr, Term):
            return self._decided(Term(expr.kind, tuple(self._by(part) for part in expr.parts)))
        if isinstance(expr, Nested):
            return Nested(expr.kind, self._around.query(expr.query), tuple(self._by(part) for part in expr.parts))
        return self._around.expr(expr)

    def _decided(self, term: Term) -> Expr:
        """Two meanings of one name must have become one."""
        if term.kind != "either":
            return term
        if len({self._canonical.expr(part) for part in term.parts}) > 1:
            message = "a name means a column or another output, and we do not know which"
            raise _Refused("HW1276", message, "give the output another name than the column")
        return term.parts[0]

    def _group(self, expr: Expr) -> Expr | None:
        """A group itself, or a coarser stretch of one that is a stretch of time."""
        at = self._groups.get(self._canonical.expr(expr))
        if at is not None:
            return self._at(at)
        unit, inner = _stretch(expr)
        if inner is None or not isinstance(expr, Term):
            return None
        wanted = self._canonical.expr(inner)
        for name, term in self._cells.terms.items():
            finer, of = _stretch(term)
            if of is not None and self._canonical.expr(of) == wanted and _UNITS.index(finer) < _UNITS.index(unit):
                ref = self._at(self._table.columns.index(name))
                return Term(expr.kind, (*expr.parts[:-1], ref))
        return None

    def _aggregate(self, term: Term) -> Expr:
        name = term.kind.removeprefix("aggregate:")
        arguments = tuple(part for part in term.parts if not _is_modifier(part))
        if any(isinstance(part, Term) and part.kind == "order" for part in term.parts):
            raise self._not_shipped(term, "the order of rows is not shipped")
        condition = tuple(Term("filter", (self._by(part.parts[0]),)) for part in _filters(term))
        if name in BY_VALUES:
            try:
                return Term(term.kind, (*(self._by(each) for each in arguments), *condition))
            except _Refused as refused:
                raise self._not_shipped(term, "of what is not a group it tells single rows") from refused
        if name not in BY_ROWS:
            raise self._not_shipped(term, "it tells single rows, or cannot be put together")
        if name == "approx_count_distinct" and not self._are_cells():
            raise self._not_shipped(term, "numbers of different values cannot be added: group by all that cells have")
        try:
            return self._merging.aggregate(name, arguments, condition)
        except Unshipped as why:
            raise self._not_shipped(term, str(why)) from None

    def _are_cells(self) -> bool:
        """Whether each group is a cell (of a slot, of a site)."""
        held = {self._canonical.expr(each) for each in self._select.groups}
        return set(self._cells.by.values()) <= held

    def _reads_more(self, ref: Ref) -> _Refused:
        groups = ", ".join(f"`{name}`" for name in self._cells.by) or "nothing"
        message = f"`{self._own(ref)}` decides about groups or rows, or stands outside of aggregates"
        return _Refused(
            "HW1276", message, f"groups and conditions can be made of {groups} only, as the rule writes them"
        )

    def _not_shipped(self, term: Term, why: str) -> _Refused:
        offered = sorted({kind for kinds in self._cells.shipped.values() for kind in kinds} | {"count"})
        hint = f"the rule gives {', '.join(offered)} of {', '.join(self._cells.shipped) or 'rows'}"
        return _Refused("HW1277", f"`{written(term)}` cannot be computed from cells: {why}", hint)


def _is_modifier(part: Expr) -> bool:
    return isinstance(part, Term) and part.kind in _MODIFIERS


def _filters(term: Term) -> Iterator[Term]:
    yield from (part for part in term.parts if isinstance(part, Term) and part.kind == "filter")


def _stretch(expr: Expr) -> tuple[str, Expr | None]:
    """Read ``date_trunc('hour', x)`` as (hour, x), and ``CAST(x AS DATE)`` as (day, x)."""
    if not isinstance(expr, Term):
        return "", None
    if expr.kind.startswith("cast:") and json.loads(expr.kind.removeprefix("cast:")).get("id") == "DATE":
        return "day", expr.parts[0]
    if expr.kind not in ("function:date_trunc", "function:datetrunc") or len(expr.parts) != 2:  # noqa: PLR2004 - arguments
        return "", None
    unit = expr.parts[0]
    if not isinstance(unit, Term) or not unit.kind.startswith("constant:"):
        return "", None
    name = str(json.loads(unit.kind.removeprefix("constant:")).get("value", "")).lower()
    return (name, expr.parts[1]) if name in _UNITS else ("", None)


def _flat(select: Select, occurrence: Table) -> Select | None:
    """Give a SELECT that reads the occurrence itself and nothing else, where it does so through plain subqueries."""
    tree = select.tree
    if not isinstance(tree, Leaf):
        return None
    if tree.source is occurrence:
        return select
    inner = tree.source.query if isinstance(tree.source, Derived) and not tree.sample else None
    if not isinstance(inner, Select) or not _only_filters(inner):
        return None
    below = _flat(inner, occurrence)
    return None if below is None else _Inlined(tree.source, below).select_of(select)


def _only_filters(select: Select) -> bool:
    decides = (select.having, select.qualify, select.aggregated, select.unnests, select.sample, select.limits.order)
    return not any(decides) and not select.limits.cuts


class _Inlined(Rebuilding):
    """Puts the expressions of a plain subquery in the place of its columns."""

    def __init__(self, derived: Source, inner: Select) -> None:
        super().__init__()
        self._derived = derived
        self._inner = inner

    def expr(self, expr: Expr) -> Expr:
        """Give a column of the subquery as what it is made of."""
        if isinstance(expr, Ref) and expr.source is self._derived and expr.depth == 0:
            return self._inner.outputs[expr.index].value
        return super().expr(expr)

    def table(self, table: Table) -> Source:
        """Stay as it is: identities count."""
        return table

    def select_of(self, select: Select) -> Select:
        """Give the SELECT around, over what the subquery reads."""
        made = self.select(replace(select, tree=None))
        both = [each for each in (self._inner.where, made.where) if each is not None]
        where = both[0] if len(both) == 1 else Term("and", tuple(both)) if both else None
        return replace(made, tree=self._inner.tree, where=where)
