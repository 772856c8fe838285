"""A resolved query without shorthand: no USING, no merged columns, no GROUP BY ALL, one meaning where there is one."""

import json
from dataclasses import replace
from typing import Final

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
        """One meaning said twice is one; of two we take none (but see ``_named``)."""
        meanings = {self._canonical.expr(part): part for part in reversed(term.parts)}
        return next(iter(meanings.values())) if len(meanings) == 1 else term

    def select(self, select: Select) -> Select:
        made = super().select(select)
        values = [each.value for each in made.outputs]
        order = tuple(replace(each, parts=_named(each.parts, values)) for each in made.limits.order)
        sets = made.group_sets
        if sets == "all":
            sets = str([list(range(len(made.groups)))]) if made.groups else ""
        return replace(made, limits=replace(made.limits, order=order), group_sets=sets)


def _named(parts: tuple[Expr, ...], values: list[Expr]) -> tuple[Expr, ...]:
    """An item of ORDER BY that is nothing but a name means the output of that name before any column."""
    return tuple(
        part.parts[-1]
        if isinstance(part, Term) and part.kind == "either" and any(part.parts[-1] is value for value in values)
        else part
        for part in parts
    )


def _merged(term: Term) -> Expr:
    side = _ONE_OF_BOTH.get(term.kind.removeprefix("merged:"))
    return Term("coalesce", term.parts) if side is None else term.parts[side]


def _is_path(term: Term) -> bool:
    """Whether it is a column and fields of it, as a name with dots says it."""
    part = term.parts[0]
    return isinstance(part, Ref) or (isinstance(part, Term) and part.kind.startswith("field:") and _is_path(part))


def _text(value: str) -> dict[str, object]:
    return {"is_null": False, "type": {"id": "VARCHAR", "type_info": None}, "value": value}
