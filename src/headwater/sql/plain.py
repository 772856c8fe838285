"""A resolved query without shorthand: no USING, no merged columns, no GROUP BY ALL, one meaning where there is one."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeGuard

from headwater.sql.canonical import Canonical
from headwater.sql.rebuilding import Rebuilding
from headwater.sql.tree import Expr, Join, Query, Ref, Select, Term

_ONE_OF_BOTH: Final = {"left": 0, "semi": 0, "anti": 0, "inner": 0, "right": 1}
"""Which side a column merged by USING is taken from, by join type."""


def plain(query: Query) -> Query:
    """Give the query in the form that can be written and compared; what we cannot decide stays ``either``."""
    return _Plain().query(query)


class _Plain(Rebuilding):
    def __init__(self) -> None:
        super().__init__()
        self._canonical = Canonical()

    def join(self, join: Join) -> Join:
        equal = tuple(Term("=", pair) for pair in join.using)
        if not equal or join.kind.endswith("asof"):
            return join
        return replace(join, condition=equal[0] if len(equal) == 1 else Term("and", equal), using=())

    def term(self, term: Term) -> Expr:
        if term.kind == "either":
            return self._either(term)
        if term.kind.startswith("merged:"):
            return _merged(term)
        if term.kind.startswith("field:") and not _is_path(term):
            name = json.dumps(_text(term.kind.removeprefix("field:")), sort_keys=True)
            return Term("function:struct_extract", (*term.parts, Term(f"constant:{name}")))
        return term

    def _either(self, term: Term) -> Expr:
        """One meaning said twice is one; of two we take none (but see ``_decided``)."""
        meanings = {self._canonical.expr(part): part for part in reversed(term.parts)}
        return next(iter(meanings.values())) if len(meanings) == 1 else term

    def select(self, select: Select) -> Select:
        made = super().select(select)
        values = {id(each.value) for each in made.outputs}
        groups = tuple(_decided(each, values, lambda two: two.parts[0]) for each in made.groups)
        keys = {self._canonical.expr(each) for each in groups}

        def column(two: Term) -> Expr:
            """Where rows are folded already, only group keys are still there to be meant."""
            clear = not made.aggregated or self._canonical.expr(two.parts[0]) in keys
            return two.parts[0] if clear else two

        def key_or_output(two: Term) -> Expr:
            found = column(two)
            return two.parts[1] if found is two else found

        def placed(parts: tuple[Expr, ...]) -> tuple[Expr, ...]:
            """An item that is nothing but a name means the output of that name before any column."""
            return tuple(part.parts[1] if _is_two(part, values) else _decided(part, values, column) for part in parts)

        order = tuple(replace(each, parts=placed(each.parts)) for each in made.limits.order)
        return replace(
            made,
            groups=groups,
            group_sets=_sets(made),
            having=made.having and _decided(made.having, values, key_or_output),
            qualify=made.qualify and _decided(made.qualify, values, column),
            limits=replace(made.limits, on=placed(made.limits.on), order=order),
        )


def _sets(select: Select) -> str:
    if select.group_sets != "all":
        return select.group_sets
    return str([list(range(len(select.groups)))]) if select.groups else ""


def _decided(expr: Expr, values: set[int], choose: Callable[[Term], Expr]) -> Expr:
    """Choose between a column and the output of its name; what says nothing of the kind stays the same object."""
    if _is_two(expr, values):
        return choose(expr)
    if not isinstance(expr, Term):
        return expr
    inner = (lambda two: two.parts[0]) if expr.kind.startswith("aggregate:") else choose
    parts = tuple(_decided(part, values, inner) for part in expr.parts)
    same = all(new is old for new, old in zip(parts, expr.parts, strict=True))
    return expr if same else replace(expr, parts=parts)


def _is_two(expr: Expr, values: set[int]) -> TypeGuard[Term]:
    """Whether a name means a column of a source, or else the output of that name."""
    if not isinstance(expr, Term) or expr.kind != "either" or len(expr.parts) != 2:  # noqa: PLR2004 - these two
        return False
    return id(expr.parts[1]) in values


def _merged(term: Term) -> Expr:
    side = _ONE_OF_BOTH.get(term.kind.removeprefix("merged:"))
    return Term("coalesce", term.parts) if side is None else term.parts[side]


def _is_path(term: Term) -> bool:
    """Whether it is a column and fields of it, as a name with dots says it."""
    part = term.parts[0]
    return isinstance(part, Ref) or (isinstance(part, Term) and part.kind.startswith("field:") and _is_path(part))


def _text(value: str) -> dict[str, object]:
    return {"is_null": False, "type": {"id": "VARCHAR", "type_info": None}, "value": value}
