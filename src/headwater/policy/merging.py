"""Aggregates of rows, computed from measures of cells, in the type that they have over rows."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from headwater.policy.cells import COUNT, Cells
from headwater.sql.tree import Expr, Ref, Table, Term

BY_ROWS: Final = {
    "count_star": "count",
    "count": "count",
    "count_if": "count_if",
    "countif": "count_if",
    "sum": "sum",
    "avg": "avg",
    "mean": "avg",
    "var_samp": "var_samp",
    "variance": "var_samp",
    "var_pop": "var_pop",
    "stddev": "stddev_samp",
    "stddev_samp": "stddev_samp",
    "stddev_pop": "stddev_pop",
    "approx_count_distinct": "distinct",
}
"""Functions that are computed from measures."""
BY_VALUES: Final = frozenset({"min", "max", "bool_and", "bool_or", "count!", "sum!", "avg!", "min!", "max!"})
"""Functions for which it does not matter how often a value comes: over groups, cells are as good as rows."""
Argument = Callable[[Expr], Expr]


class Unshipped(Exception):
    """An aggregate that these cells do not give; says what would do."""


def constant(value: object) -> Term:
    """Give a whole number, a fraction or NULL as a term."""
    if value is None:
        body: dict[str, Any] = {"is_null": True, "type": {"id": "NULL", "type_info": None}}
    else:
        type_ = "INTEGER" if isinstance(value, int) else "VARCHAR"
        body = {"is_null": False, "type": {"id": type_, "type_info": None}, "value": value}
    return Term(f"constant:{json.dumps(body, sort_keys=True)}")


def cast(value: Expr, type_: str) -> Term:
    """Cast to a type of numbers."""
    return Term(f"cast:{json.dumps(_type(type_), sort_keys=True)}", (value,))


def _type(type_: str) -> Mapping[str, Any]:
    if not type_.startswith("DECIMAL("):
        return {"id": type_, "type_info": None}
    width, scale = map(int, type_[len("DECIMAL(") : -1].split(","))
    info = {"type": "DECIMAL_TYPE_INFO", "alias": "", "extension_info": None, "width": width, "scale": scale}
    return {"id": "DECIMAL", "type_info": info}


def call(name: str, *parts: Expr) -> Term:
    """Call a function or an operator."""
    return Term(f"function:{name}", parts)


class Merging:
    """Writes aggregates over one table of cells."""

    def __init__(self, cells: Cells, table: Table, by: Argument) -> None:
        self._cells = cells
        self._table = table
        self._by = by
        self._types = dict(cells.columns)

    def aggregate(self, name: str, arguments: tuple[Expr, ...], condition: tuple[Expr, ...]) -> Expr:
        """Give what an aggregate of rows is over cells; ``condition`` is its FILTER, over cells already."""
        kind = BY_ROWS[name]
        if kind == "count":
            return self._counted(self._counts(arguments), condition, "BIGINT")
        if len(arguments) != 1:
            raise Unshipped("it takes one column")
        argument = arguments[0]
        if kind == "count_if":
            count = Term("case", (Term("when", (self._by(argument), self._column(COUNT))), constant(None)))
            return self._counted(count, condition, "HUGEINT")
        if kind == "sum":
            return cast(self._sum(self._each(argument, self._added), condition), self._sum_type(argument))
        if kind == "avg":
            return self._mean(argument, condition)
        if kind == "distinct":
            return self._distinct(argument, condition)
        return self._spread(kind, argument, condition)

    def _column(self, name: str) -> Ref:
        return Ref(0, 0, self._table, self._table.columns.index(name))

    def _measure(self, kind: str, ref: Expr) -> Ref:
        """A measure of a bare shipped column."""
        name = ref.source.columns[ref.index] if isinstance(ref, Ref) else ""
        own = ref.source.own[ref.index] if isinstance(ref, Ref) and isinstance(ref.source, Table) else name
        if kind not in self._cells.shipped.get(own, ()):
            offered = ", ".join(sorted(each for each, kinds in self._cells.shipped.items() if kind in kinds))
            raise Unshipped(f"`{self._cells.name}` gives it of bare columns only: of {offered or 'none'}")
        return self._column(f"{kind}_{own}")

    def _each(self, argument: Expr, leaf: Argument) -> Expr:
        """CASE on groups, with something else in its branches."""
        if isinstance(argument, Term) and argument.kind == "case":
            *branches, last = argument.parts
            pairs = [(self._by(b.parts[0]), self._each(b.parts[1], leaf)) for b in branches if isinstance(b, Term)]
            return Term("case", (*(Term("when", pair) for pair in pairs), self._each(last, leaf)))
        return leaf(argument)

    def _counts(self, arguments: tuple[Expr, ...]) -> Expr:
        return self._each(arguments[0], self._one_count) if arguments else self._column(COUNT)

    def _one_count(self, leaf: Expr) -> Expr:
        if (
            isinstance(leaf, Ref)
            and isinstance(leaf.source, Table)
            and leaf.source.own[leaf.index] in self._cells.shipped
        ):
            return self._measure("count", leaf)
        there = Term("is not null", (self._by(leaf),))
        return Term("case", (Term("when", (there, self._column(COUNT))), constant(None)))

    def _added(self, leaf: Expr) -> Expr:
        """A shipped column, or a whole number as often as there are rows."""
        whole = _whole(leaf)
        if whole is None:
            return leaf if _is_null(leaf) else self._measure("sum", leaf)
        return leaf if whole == 0 else call("*", cast(leaf, "HUGEINT"), self._column(COUNT))

    def _sum_type(self, argument: Expr) -> str:
        types = {self._types[f"sum_{name}"] for name in _shipped(argument)}
        if len(types) > 1:
            raise Unshipped("its branches are of several types: sum each by itself")
        return types.pop() if types else "HUGEINT"

    def _bare(self, kind: str) -> Argument:
        return lambda leaf: leaf if _is_null(leaf) else self._measure(kind, leaf)

    def _mean(self, argument: Expr, condition: tuple[Expr, ...]) -> Expr:
        total = self._sum(self._each(argument, self._bare("sum")), condition)
        count = self._sum(self._each(argument, self._bare("count")), condition)
        return call("/", cast(total, "DOUBLE"), cast(count, "DOUBLE"))

    def _spread(self, kind: str, argument: Expr, condition: tuple[Expr, ...]) -> Expr:
        """Squares within cells and between their means, over how many there are."""
        count = cast(self._sum(self._measure("count", argument), condition), "DOUBLE")
        total = cast(self._sum(self._measure("sum", argument), condition), "DOUBLE")
        mean = call("/", cast(self._measure("sum", argument), "DOUBLE"), self._measure("count", argument))
        between = self._sum(call("*", mean, cast(self._measure("sum", argument), "DOUBLE")), condition)
        within = self._sum(self._measure("squares", argument), condition)
        squares = call("-", call("+", within, between), call("/", call("*", total, total), count))
        positive = Term("case", (Term("when", (Term(">", (squares, constant(0))), squares)), constant(0)))
        of = call("-", count, constant(1)) if kind.endswith("samp") else count
        spread = Term("case", (Term("when", (Term(">", (of, constant(0))), call("/", positive, of))), constant(None)))
        made = cast(spread, "DOUBLE")
        return call("sqrt", made) if kind.startswith("stddev") else made

    def _distinct(self, argument: Expr, condition: tuple[Expr, ...]) -> Expr:
        """Numbers of different values cannot be added: where several cells meet, there is none."""
        number = Term("aggregate:max", (self._measure("distinct", argument), *condition))
        alone = Term("=", (Term("aggregate:count_star", condition), constant(1)))
        return cast(Term("case", (Term("when", (alone, number)), constant(None))), "BIGINT")

    def _counted(self, count: Expr, condition: tuple[Expr, ...], type_: str) -> Expr:
        return cast(Term("coalesce", (self._sum(count, condition), constant(0))), type_)

    @staticmethod
    def _sum(value: Expr, condition: tuple[Expr, ...]) -> Expr:
        return Term("aggregate:sum", (value, *condition))


def _constant(expr: Expr) -> Mapping[str, Any] | None:
    if not isinstance(expr, Term) or not expr.kind.startswith("constant:"):
        return None
    found: Mapping[str, Any] = json.loads(expr.kind.removeprefix("constant:"))
    return found


def _whole(expr: Expr) -> int | None:
    found = _constant(expr)
    value = found.get("value") if found and found["type"]["id"] == "INTEGER" else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_null(expr: Expr) -> bool:
    found = _constant(expr)
    return found is not None and bool(found.get("is_null"))


def _shipped(argument: Expr) -> set[str]:
    """Columns in the branches of an argument."""
    if isinstance(argument, Term) and argument.kind == "case":
        *branches, last = argument.parts
        parts = [branch.parts[1] for branch in branches if isinstance(branch, Term)]
        return set[str]().union(*map(_shipped, [*parts, last]))
    return (
        {argument.source.own[argument.index]}
        if isinstance(argument, Ref) and isinstance(argument.source, Table)
        else set()
    )
