"""Expressions, from DuckDB's own parse (JSON) to resolved trees; kinds that are not listed here are unclear."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

from headwater.sql import functions
from headwater.sql.scopes import Scope
from headwater.sql.text import NOW_LIKE, NOW_WORDS
from headwater.sql.tree import Expr, Nested, Parameter, Query, Ref, Term, Unclear, walk

Json = Mapping[str, Any]
ReadQuery = Callable[[Json, Scope], Query]

_COMPARISONS: Final = {
    "COMPARE_EQUAL": "=",
    "COMPARE_NOTEQUAL": "<>",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
    "COMPARE_DISTINCT_FROM": "is distinct from",
    "COMPARE_NOT_DISTINCT_FROM": "is not distinct from",
}
_OPERATORS: Final = {
    "OPERATOR_NOT": "not",
    "OPERATOR_IS_NULL": "is null",
    "OPERATOR_IS_NOT_NULL": "is not null",
    "OPERATOR_COALESCE": "coalesce",
    "OPERATOR_NULLIF": "nullif",
    "OPERATOR_TRY": "try",
    "COMPARE_IN": "in",
    "COMPARE_NOT_IN": "not in",
    "ARRAY_EXTRACT": "element",
    "ARRAY_SLICE": "slice",
    "STRUCT_EXTRACT": "struct element",
    "ARRAY_CONSTRUCTOR": "array",
    "GROUPING_FUNCTION": "grouping",
}
_SUBQUERIES: Final = {"SCALAR": "scalar", "EXISTS": "exists", "NOT_EXISTS": "not exists", "ANY": "any"}
_WINDOW_KEYS: Final = ("ignore_nulls", "distinct", "start", "end", "exclude_clause")
_KEYS: Final = {
    "BETWEEN": "input lower upper",
    "CASE": "case_checks else_expr",
    "CAST": "cast_type child try_cast",
    "COLLATE": "child collation",
    "COLUMN_REF": "column_names",
    "COMPARISON": "left right",
    "CONJUNCTION": "children",
    "CONSTANT": "value",
    "FUNCTION": "catalog children distinct export_state filter function_name is_operator order_bys schema",
    "LAMBDA": "lhs expr",
    "OPERATOR": "children",
    "PARAMETER": "identifier",
    "SUBQUERY": "subquery_type subquery child comparison_type",
    "WINDOW": "arg_orders catalog children default_expr distinct end end_expr exclude_clause filter_expr function_name"
    " ignore_nulls offset_expr orders partitions schema start start_expr",
}
_ALLOWED: Final = {
    kind: frozenset(keys.split()) | {"class", "type", "alias", "query_location"} for kind, keys in _KEYS.items()
}


def check_keys(node: Json, allowed: Iterable[str]) -> None:
    """Unclear if the parser says something that we do not know of."""
    if not node.keys() <= set(allowed):
        raise Unclear(f"unknown parts of {node.get('type')}")


class Expressions:
    """Reads expressions in one scope; ``read_query`` reads the queries nested in them."""

    def __init__(self, scope: Scope, read_query: ReadQuery) -> None:
        self.scope = scope
        self._read_query = read_query

    def read(self, node: Json) -> Expr:
        """Give the resolved expression; Unclear for kinds that are not on the list."""
        kind = node["class"]
        reader = self.READERS.get(kind)
        if reader is None or not node.keys() <= _ALLOWED[kind]:
            raise Unclear(f"expressions of kind {kind}")
        return reader(self, node)

    def read_all(self, nodes: Iterable[Json]) -> tuple[Expr, ...]:
        """Read several."""
        return tuple(self.read(node) for node in nodes)

    def order(self, node: Json) -> Term:
        """Read one ORDER BY item."""
        check_keys(node, ("type", "null_order", "expression"))
        return Term(f"{node['type']} {node['null_order']}".lower(), (self.read(node["expression"]),))

    def _optional(self, kind: str, node: Json | None) -> tuple[Expr, ...]:
        return () if node is None else (Term(kind, (self.read(node),)),)

    def _column_ref(self, node: Json) -> Expr:
        names = tuple(node["column_names"])
        try:
            return self.scope.resolve(names)
        except Unclear:
            if len(names) == 1 and names[0].casefold() in NOW_WORDS:
                return Term(f"now:{names[0].casefold()}", (Parameter("now"),))
            raise

    def _constant(self, node: Json) -> Expr:
        return Term(f"constant:{json.dumps(node['value'], sort_keys=True)}")

    def _parameter(self, node: Json) -> Expr:
        return Parameter(node["identifier"].lower())

    def _comparison(self, node: Json) -> Expr:
        return Term(_named(_COMPARISONS, node["type"]), self.read_all((node["left"], node["right"])))

    def _conjunction(self, node: Json) -> Expr:
        kind = _named({"CONJUNCTION_AND": "and", "CONJUNCTION_OR": "or"}, node["type"])
        return Term(kind, self.read_all(node["children"]))

    def _operator(self, node: Json) -> Expr:
        return Term(_named(_OPERATORS, node["type"]), self.read_all(node["children"]))

    def _between(self, node: Json) -> Expr:
        kind = _named({"COMPARE_BETWEEN": "between", "COMPARE_NOT_BETWEEN": "not between"}, node["type"])
        return Term(kind, self.read_all((node["input"], node["lower"], node["upper"])))

    def _case(self, node: Json) -> Expr:
        checks = [(check["when_expr"], check["then_expr"]) for check in node["case_checks"]]
        branches = tuple(Term("when", self.read_all(pair)) for pair in checks)
        return Term("case", (*branches, self.read(node["else_expr"])))

    def _cast(self, node: Json) -> Expr:
        kind = "try cast" if node["try_cast"] else "cast"
        return Term(f"{kind}:{json.dumps(node['cast_type'], sort_keys=True)}", (self.read(node["child"]),))

    def _collate(self, node: Json) -> Expr:
        return Term(f"collate:{node['collation']}", (self.read(node["child"]),))

    def _subquery(self, node: Json) -> Expr:
        kind = _named(_SUBQUERIES, node["subquery_type"])
        if node["comparison_type"] != "INVALID":
            kind += " " + _named(_COMPARISONS, node["comparison_type"])
        query = self._read_query(node["subquery"]["node"], self.scope)
        return Nested(kind, query, () if node["child"] is None else (self.read(node["child"]),))

    def _function(self, node: Json) -> Expr:
        name = _function_name(node)
        arguments = tuple(self._argument(child) for child in node["children"])
        if name in NOW_LIKE:
            return Term(f"now:{name}", (Parameter("now"),))
        if name in functions.OWN_CLOCK or (name == "age" and len(arguments) == 1):
            return Term(f"clock:{name}", arguments)
        if name in functions.VOLATILE:
            return Term(f"volatile:{name}", arguments)
        if name in functions.AGGREGATES:
            if _is_of_outer_query(arguments):
                raise Unclear("an aggregate of the query around")
            return Term(f"aggregate:{name}" + ("!" if node["distinct"] else ""), arguments + self._modifiers(node))
        known = name in functions.SCALARS or name in functions.OPERATORS or name == "unnest"
        if not known or node["distinct"] or self._modifiers(node):
            raise Unclear(f"the function {name}")
        return Term(f"function:{name}", arguments)

    def _modifiers(self, node: Json) -> tuple[Expr, ...]:
        orders = node["order_bys"]["orders"] if node["order_bys"] else ()
        order = tuple(self.order(each) for each in orders)
        return self._optional("filter", node["filter"]) + ((Term("order", order),) if order else ())

    def _argument(self, node: Json) -> Expr:
        value = self.read(node)
        return Term(f"named:{node['alias']}", (value,)) if node["alias"] else value

    def _lambda_(self, node: Json) -> Expr:
        """``lambda x: …`` and ``json -> path`` look the same to the parser: where both are possible, both count."""
        names = _lambda_names(node["lhs"])
        level = {name: Term(f"parameter:{len(self.scope.lambdas)}.{at}") for at, name in enumerate(names)}
        try:
            arrow = [Term("function:->", self.read_all((node["lhs"], node["expr"])))]
        except Unclear:
            arrow = []
        if not names:
            return arrow[0] if arrow else self.read(node["lhs"])
        self.scope.lambdas.append(level)
        try:
            return Term("either", (Term(f"lambda:{len(names)}", (self.read(node["expr"]),)), *arrow))
        finally:
            self.scope.lambdas.pop()

    def _window(self, node: Json) -> Expr:
        name = _function_name(node)
        if name not in functions.WINDOWS and name not in functions.AGGREGATES:
            raise Unclear(f"the window function {name}")
        settings = " ".join(str(node[key]) for key in _WINDOW_KEYS).lower()
        return Term(
            f"window:{name} {settings}",
            (
                Term("arguments", self.read_all(node["children"])),
                Term("partition", self.read_all(node["partitions"])),
                Term("order", tuple(self.order(each) for each in node["orders"])),
                Term("argument order", tuple(self.order(each) for each in node["arg_orders"])),
                *self._optional("filter", node["filter_expr"]),
                *self._optional("from", node["start_expr"]),
                *self._optional("to", node["end_expr"]),
                *self._optional("offset", node["offset_expr"]),
                *self._optional("default", node["default_expr"]),
            ),
        )

    READERS: ClassVar[Mapping[str, Callable[[Any, Json], Expr]]] = {
        "BETWEEN": _between,
        "CASE": _case,
        "CAST": _cast,
        "COLLATE": _collate,
        "COLUMN_REF": _column_ref,
        "COMPARISON": _comparison,
        "CONJUNCTION": _conjunction,
        "CONSTANT": _constant,
        "FUNCTION": _function,
        "LAMBDA": _lambda_,
        "OPERATOR": _operator,
        "PARAMETER": _parameter,
        "SUBQUERY": _subquery,
        "WINDOW": _window,
    }


def _named(words: Mapping[str, str], kind: str) -> str:
    if kind not in words:
        raise Unclear(f"expressions of type {kind}")
    return words[kind]


def _function_name(node: Json) -> str:
    if node["catalog"] or node["schema"] not in ("", "main") or node.get("export_state"):
        raise Unclear("a function of another schema")
    return str(node["function_name"]).lower()


def _lambda_names(node: Json) -> list[str]:
    """Names of a lambda's parameters; none where it cannot be one."""
    parts = node["children"] if node["class"] == "FUNCTION" and node["function_name"] == "row" else [node]
    plain = all(part["class"] == "COLUMN_REF" and len(part["column_names"]) == 1 for part in parts)
    return [part["column_names"][0].casefold() for part in parts] if plain else []


def _is_of_outer_query(arguments: tuple[Expr, ...]) -> bool:
    """An aggregate over columns of the query around only belongs to that query: it folds rows there."""
    refs = [part for argument in arguments for part in walk(argument) if isinstance(part, Ref)]
    return bool(refs) and all(ref.depth > 0 for ref in refs)
