"""The parse of a newer engine (DuckDB 2) in the words of the one that analysis knows (DuckDB 1.5).

What it cannot put into those words it leaves as it is: analysis does not know it and looks at the query as a whole.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

Json = dict[str, Any]

_DROPPED: Final = ("query_location_length", "qualified_name", "is_implicit", "has_ignore_nulls", "syntax_type")
_DEFAULTS: Final[Mapping[str, Any]] = {
    "ranking_expression": None,
    "nearest_count": 1,
    "nearest_order_type": "ASCENDING",
    "nearest_approx": False,
    "payload_aggregates": [],
    "limit_type": "ROW_COUNT",
}
_TYPES: Final = {
    "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE",
    "TIMETZ": "TIME WITH TIME ZONE",
    "DATETIME": "TIMESTAMP",
    "TEXT": "VARCHAR",
    "STRING": "VARCHAR",
    "INT": "INTEGER",
    "INT4": "INTEGER",
    "INT8": "BIGINT",
    "INT2": "SMALLINT",
    "LONG": "BIGINT",
    "BOOL": "BOOLEAN",
    "REAL": "FLOAT",
    "FLOAT8": "DOUBLE",
    "FLOAT4": "FLOAT",
    "NUMERIC": "DECIMAL",
}
_INTEGERS: Final = (("INTEGER", 31), ("BIGINT", 63))
_DECIMAL: Final = re.compile(r"(-?)(\d*)\.(\d+)")


def is_newer(document: bytes) -> bool:
    """Whether a parse (JSON) is in the words of a newer engine."""
    return b'"query_location_length"' in document


def translated(node: Any) -> Any:
    """Give a parsed tree in known words."""
    if isinstance(node, list):
        return [translated(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: translated(value) for key, value in node.items() if key not in _DROPPED}
    for key, value in _DEFAULTS.items():
        if key in found and found[key] == value:
            del found[key]
    for change in (_arguments, _common_table, _set_operation, _constant, _cast, _percentage):
        found = change(found)
    return found


def _arguments(node: Json) -> Json:
    if "arguments" not in node or node.get("class") not in ("FUNCTION", "WINDOW"):
        return node
    children = [{**each["expression"], "alias": each["name"]} for each in node.pop("arguments")]
    return {**node, "children": children}


def _common_table(node: Json) -> Json:
    if "query_node" not in node:
        return node
    query = node.pop("query_node")
    return {**node, "query": {"node": query, "named_param_map": []}}


def _set_operation(node: Json) -> Json:
    """Many sides at once become sides in pairs, from the left."""
    if node.get("type") != "SET_OPERATION_NODE" or "children" not in node:
        return node
    sides = node.pop("children")
    if not sides:
        return node
    first, *rest = sides
    inner = {**node, "modifiers": [], "cte_map": {"map": []}}
    for each in rest[:-1]:
        first = {**inner, "left": first, "right": each}
    return {**node, "left": first, "right": rest[-1]}


def _constant(node: Json) -> Json:
    literal = node.get("literal")
    if node.get("class") != "CONSTANT" or not isinstance(literal, Mapping):
        return node
    kind, text = literal.get("kind"), str(literal.get("text", ""))
    if kind == "BOOLEAN":
        return _boolean(node, text)
    value = {"INTEGER": _integer, "NUMERIC": _numeric, "STRING": _string, "NULL_LITERAL": _null}.get(str(kind), _other)(
        text
    )
    if value is None:
        return node
    del node["literal"]
    return {**node, "value": value}


def _other(_: str) -> Json | None:
    return None


def _value(type_: str, value: Any, info: Json | None = None) -> Json:
    return {"type": {"id": type_, "type_info": info}, "is_null": False, "value": value}


def _string(text: str) -> Json | None:
    return _value("VARCHAR", text)


def _null(_: str) -> Json | None:
    return {"type": {"id": "NULL", "type_info": None}, "is_null": True}


def _integer(text: str) -> Json | None:
    number = int(text)
    return next((_value(name, number) for name, bits in _INTEGERS if -(2**bits) <= number < 2**bits), None)


def _numeric(text: str) -> Json | None:
    match = _DECIMAL.fullmatch(text)
    if not match:
        return _value("DOUBLE", float(text)) if "e" in text.lower() else None
    info = _decimal_info(len(match[2]) + len(match[3]), len(match[3]))
    return _value("DECIMAL", int(Decimal(text).scaleb(len(match[3]))), info)


def _decimal_info(width: int, scale: int) -> Json:
    return {"type": "DECIMAL_TYPE_INFO", "alias": "", "extension_info": None, "width": width, "scale": scale}


def _boolean(node: Json, text: str) -> Json:
    constant = {**node, "alias": "", "value": _value("VARCHAR", text[:1])}
    del constant["literal"]
    return {
        "class": "CAST",
        "type": "OPERATOR_CAST",
        "alias": node["alias"],
        "query_location": node["query_location"],
        "child": constant,
        "cast_type": {"id": "BOOLEAN", "type_info": None},
        "try_cast": False,
    }


def _cast(node: Json) -> Json:
    if node.get("class") != "CAST" or "type_expr" not in node:
        return node
    type_ = _type(node["type_expr"])
    if type_ is None:
        return node
    del node["type_expr"]
    return {**node, "cast_type": type_}


def _type(node: Json) -> Json | None:
    """Plain types and decimals; others keep the newer words."""
    name = str(node.get("type_name", "")).upper()
    name = _TYPES.get(name, name)
    children = node.get("children") or []
    if not children and name != "DECIMAL":
        return {"id": name, "type_info": None}
    numbers = [each.get("value", {}).get("value") for each in children]
    if name == "DECIMAL" and len(numbers) == 2:  # noqa: PLR2004 - width and scale
        return {"id": name, "type_info": _decimal_info(numbers[0], numbers[1])}
    return {"id": name, "type_info": _without_places(children)}


def _without_places(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_places(each) for each in node]
    if isinstance(node, dict):
        return {key: _without_places(each) for key, each in node.items() if key != "query_location"}
    return node


def _percentage(node: Json) -> Json:
    if node.get("type") == "LIMIT_MODIFIER" and node.get("limit_type") == "PERCENTAGE":
        del node["limit_type"]
        return {**node, "type": "LIMIT_PERCENT_MODIFIER"}
    return node
