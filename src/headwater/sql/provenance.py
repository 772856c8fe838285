"""Rewrites a parsed query so that each of its rows says which input rows it stands on, in one more column."""

from collections.abc import Iterator
from typing import Any, Final

from headwater.sql import functions
from headwater.sql.outline import Json
from headwater.sql.tree import Unclear

ROWS: Final = "hw rows"
"""The column that holds the numbers of the input rows (a list); every input must have it as its last one."""
_MOST_PER_GROUP: Final = 100
"""Rows of a group that are remembered."""


class Tracer:
    """Traces queries; ``nested``: through subqueries in expressions, too (the engine may refuse that)."""

    def __init__(self, *, nested: bool = True) -> None:
        self._nested = nested
        self._made = 0

    def query(self, node: Json) -> dict[str, Any]:
        """Give a query with the column ``ROWS`` behind its own. Raises Unclear for forms that cannot be traced."""
        if node["type"] == "SELECT_NODE":
            return self._select(node)
        if node["type"] == "SET_OPERATION_NODE" and node["setop_type"] in ("UNION", "UNION_BY_NAME"):
            sides = {side: self.query(node[side]) for side in ("left", "right")}
            return {**node, **sides, "setop_all": True, "cte_map": self.ctes(node)}
        raise Unclear(f"queries of type {node.get('setop_type', node['type'])}")

    def ctes(self, node: Json) -> dict[str, Any]:
        """Give the common table expressions of a query, traced."""
        return {"map": [self._cte(each) for each in node["cte_map"]["map"]]}

    def _cte(self, each: Json) -> dict[str, Any]:
        value = each["value"]
        query = {**value["query"], "node": self.query(value["query"]["node"])}
        return {**each, "value": {**value, "query": query}}

    def _select(self, node: Json) -> dict[str, Any]:
        source, rows = self.source(node)
        distinct = [each for each in node["modifiers"] if each["type"] == "DISTINCT_MODIFIER"]
        plain = [each for each in distinct if not each["distinct_on_targets"]]
        is_folded = folds(node)
        items = [without_rows(each) for each in node["select_list"]]
        made = {**node, "from_table": source, "cte_map": self.ctes(node)}
        if plain and not is_folded:
            made |= {
                "modifiers": [each for each in node["modifiers"] if each not in plain],
                "aggregate_handling": "FORCE_AGGREGATES",
            }
        value = with_neighbours(node, of_group(rows) if is_folded or plain else rows)
        return {**made, "select_list": [*items, {**value, "alias": ROWS}]}

    def source(self, node: Json) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give the FROM of a SELECT, traced, and the expression of the input rows behind one of its rows."""
        source, parts = self.relation(node["from_table"])
        nested = list(self._subqueries(node)) if self._nested else []
        return source, concatenated([*parts, *nested])

    def relation(self, node: Json) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Give a part of FROM, traced, and for each of its leaves the input rows behind its row."""
        kind = node["type"]
        if kind == "BASE_TABLE":
            names = [node["alias"]] if node["alias"] else [n for n in (node["schema_name"], node["table_name"]) if n]
            return dict(node), [column(*names, ROWS)]
        if kind == "SUBQUERY":
            self._made += 1
            alias = node["alias"] or f"hw {self._made}"
            subquery = {**node["subquery"], "node": self.query(node["subquery"]["node"])}
            return {**node, "alias": alias, "subquery": subquery}, [column(alias, ROWS)]
        if kind == "JOIN":
            return self._join(node)
        if kind in ("TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY"):
            return dict(node), []
        raise Unclear(f"{kind} in FROM")

    def _join(self, node: Json) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        if node["ref_type"] not in ("REGULAR", "CROSS", "ASOF", "POSITIONAL", "DEPENDENT"):
            raise Unclear(f"{node['ref_type']} JOIN")
        left, of_left = self.relation(node["left"])
        right, of_right = self.relation(node["right"])
        kind = node["join_type"]
        made = {**node, "left": left, "right": right, "join_type": "INNER" if kind == "SEMI" else kind}
        return made, of_left if kind == "ANTI" else [*of_left, *of_right]

    def _subqueries(self, node: Json) -> Iterator[dict[str, Any]]:
        """Rows that a row needs in subqueries of its conditions."""
        parts = [node["where_clause"]] if folds(node) else [node["where_clause"], *node["select_list"]]
        for part in parts:
            for each in within(part) if part else ():
                if each.get("class") == "SUBQUERY" and each["subquery_type"] in ("EXISTS", "SCALAR", "ANY"):
                    yield self._partner(each)

    def _partner(self, node: Json) -> dict[str, Any]:
        self._made += 1
        alias = f"hw {self._made}"
        inner = {
            "type": "SUBQUERY",
            "alias": alias,
            "sample": None,
            "query_location": 0,
            "subquery": {**node["subquery"], "node": self.query(node["subquery"]["node"])},
            "column_name_alias": ["hw key"] if node["subquery_type"] == "ANY" else [],
        }
        where = None
        if node["subquery_type"] == "ANY":
            key = column(alias, "hw key")
            where = _expression("COMPARISON", node["comparison_type"], left=dict(node["child"]), right=key)
        query = select([call("min", column(alias, ROWS))], inner, where=where)
        parts = {"subquery_type": "SCALAR", "child": None, "comparison_type": "INVALID"}
        return _expression("SUBQUERY", "SUBQUERY", subquery={"node": query, "named_param_map": []}, **parts)


def within(node: Any) -> Iterator[Json]:
    """An expression and its parts, without the inside of subqueries."""
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key != "subquery":
                yield from within(value)
    elif isinstance(node, list):
        for each in node:
            yield from within(each)


def folds(node: Json) -> bool:
    """Whether a SELECT folds many rows into one."""
    if node["group_expressions"] or node["group_sets"] or node["aggregate_handling"] != "STANDARD_HANDLING":
        return True
    return any(map(has_aggregate, (*node["select_list"], node["having"])))


def has_aggregate(node: Any) -> bool:
    """Whether an expression folds rows."""
    return any(
        each.get("class") == "FUNCTION" and str(each["function_name"]).lower() in functions.AGGREGATES
        for each in within(node)
    )


def has_window(node: Any) -> bool:
    """Whether an expression looks at other rows through a window."""
    return any(each.get("class") == "WINDOW" for each in within(node))


def without_rows(node: Any) -> Any:
    """Give an expression whose stars leave ``ROWS`` out."""
    if isinstance(node, list):
        return [without_rows(each) for each in node]
    if not isinstance(node, dict):
        return node
    inner = {key: without_rows(value) for key, value in node.items()}
    return {**inner, "exclude_list": [*inner["exclude_list"], ROWS]} if node.get("class") == "STAR" else inner


def of_group(rows: dict[str, Any]) -> dict[str, Any]:
    """Give the input rows of a group, from the expression of those of one row."""
    order = {"type": "ORDER_DEFAULT", "null_order": "ORDER_DEFAULT", "expression": rows}
    listed = call("list", rows) | {"order_bys": {"type": "ORDER_MODIFIER", "orders": [order]}}
    first = call("list_slice", listed, constant(1), constant(_MOST_PER_GROUP))
    return call("list_sort", call("list_distinct", call("flatten", first)))


def with_neighbours(node: Json, rows: dict[str, Any]) -> dict[str, Any]:
    """Give the input rows of a row and of those next to it in the first window of a SELECT, on which it may depend."""
    parts = [node["qualify"], *node["select_list"]]
    window = next((each for part in parts for each in within(part) if each.get("class") == "WINDOW"), None)
    if window is None:
        return rows
    frame = {"start": "EXPR_PRECEDING_ROWS", "start_expr": constant(1), "end": "EXPR_FOLLOWING_ROWS"}
    plain = {"ignore_nulls": False, "distinct": False, "filter_expr": None, "offset_expr": None, "default_expr": None}
    listed = {
        **window,
        **frame,
        **plain,
        "type": "WINDOW_AGGREGATE",
        "alias": "",
        "function_name": "list",
        "children": [rows],
        "end_expr": constant(1),
        "exclude_clause": "NO_OTHER",
        "arg_orders": [],
    }
    return call("flatten", listed)


def concatenated(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the rows of several sources together; NULL, where an outer join found none, adds nothing."""
    if not parts:
        return call("list_slice", call("list_value", constant(0)), constant(2), constant(1))
    whole = parts[0]
    for each in parts[1:]:
        whole = call("list_concat", whole, each)
    return whole


def select(items: list[dict[str, Any]], source: Any, *, where: Any = None, ctes: Any = None) -> dict[str, Any]:
    """Give a plain SELECT."""
    return {
        "type": "SELECT_NODE",
        "modifiers": [],
        "cte_map": ctes or {"map": []},
        "select_list": items,
        "from_table": source,
        "where_clause": where,
        "group_expressions": [],
        "group_sets": [],
        "aggregate_handling": "STANDARD_HANDLING",
        "having": None,
        "sample": None,
        "qualify": None,
    }


def column(*names: str) -> dict[str, Any]:
    """Give a reference to a column."""
    return _expression("COLUMN_REF", "COLUMN_REF", column_names=list(names))


def call(name: str, *arguments: dict[str, Any]) -> dict[str, Any]:
    """Give a call of a function."""
    return _expression(
        "FUNCTION",
        "FUNCTION",
        function_name=name,
        schema="",
        catalog="",
        children=[{**each, "alias": ""} for each in arguments],
        filter=None,
        order_bys={"type": "ORDER_MODIFIER", "orders": []},
        distinct=False,
        is_operator=False,
        export_state=False,
    )


def constant(value: int | bool) -> dict[str, Any]:  # noqa: FBT001 - a value, not a switch
    """Give a whole number or truth value."""
    type_ = {"id": "BOOLEAN" if isinstance(value, bool) else "INTEGER", "type_info": None}
    return _expression("CONSTANT", "VALUE_CONSTANT", value={"type": type_, "is_null": False, "value": value})


def operator(kind: str, *children: Any) -> dict[str, Any]:
    """Give an operator over expressions, such as ``OPERATOR_NOT``."""
    return _expression("OPERATOR", kind, children=[{**each, "alias": ""} for each in children])


def all_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the conjunction of conditions; true for none."""
    if len(parts) < 2:  # noqa: PLR2004 - nothing to join
        return parts[0] if parts else constant(True)
    return _expression("CONJUNCTION", "CONJUNCTION_AND", children=parts)


def _expression(class_: str, type_: str, **parts: Any) -> dict[str, Any]:
    return {"class": class_, "type": type_, "alias": "", "query_location": 0, **parts}
