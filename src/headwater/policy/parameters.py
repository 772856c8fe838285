"""Parameters of fragments: constants only, put into the text before it is proved, so that it is the one that runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from headwater.diagnostics import Diagnostic, error
from headwater.policy.predicates import statement_of
from headwater.sql.binding import Bind, BindError
from headwater.sql.text import literal, rewrite, tokens

_CALLS: Final = frozenset({"list_value", "struct_pack", "from_hex", "to_microseconds", "-", "row"})
"""Functions that literals of SQL are made with (see ``sql.text.literal``)."""
_CLASSES: Final = frozenset({"CONSTANT", "CAST", "FUNCTION", "OPERATOR"})
_EMPTY: Final = ("modifiers", "where_clause", "group_expressions", "having", "sample", "qualify")


@dataclass(frozen=True, slots=True)
class BoundText:
    """A text with its parameters replaced by constants, and the types of those."""

    text: str
    types: Mapping[str, str]


def bound_text(query: str, parameters: Mapping[str, str], now: datetime, bind: Bind) -> BoundText | Diagnostic:
    """Put constants into the place of parameters; a diagnostic if one of them is something else."""
    types: dict[str, str] = {}
    values = {"now": literal(now)} | {name.lower(): value for name, value in parameters.items()}
    for name, value in values.items():
        found = bind(f"SELECT {value} AS v", {}) if _is_constant(value, bind) else None
        if found is None or isinstance(found, BindError):
            return error("HW1247", f"`${name}` is not a constant", hint="parameters of fragments are SQL literals")
        types[name] = found[0][1]
    return BoundText(rewrite(query, values).text, types)


def _is_constant(value: str, bind: Bind) -> bool:
    if any(token.kind in ("line", "block") for token in tokens(value)):
        return False
    found = _only_value(f"SELECT {value}", bind)
    return found is not None and all(map(_is_literal, _expressions(found)))


def _only_value(statement: str, bind: Bind) -> Mapping[str, Any] | None:
    """The expression of a SELECT that consists of it alone; None if it has anything else."""
    node = statement_of(bind.parse(statement))
    if node is None or node.get("type") != "SELECT_NODE" or node["cte_map"]["map"] or any(node[k] for k in _EMPTY):
        return None
    if node["from_table"]["type"] != "EMPTY" or len(node["select_list"]) != 1 or node["select_list"][0]["alias"]:
        return None
    value: Mapping[str, Any] = node["select_list"][0]
    return value


def is_type(type_: str, bind: Bind) -> bool:
    """Whether a text is the name of one type, and nothing more: it will stand in statements of ours."""
    if any(token.kind in ("line", "block") for token in tokens(type_)):
        return False
    value = _only_value(f"SELECT CAST(NULL AS {type_})", bind)
    if value is None or value["class"] != "CAST" or value["child"]["class"] != "CONSTANT":
        return False
    return not isinstance(bind(f"SELECT CAST(NULL AS {type_}) AS v", {}), BindError)


def _expressions(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, list):
        for each in node:
            yield from _expressions(each)
    elif isinstance(node, Mapping):
        if "class" in node:
            yield node
        for each in node.values():
            yield from _expressions(each)


def _is_literal(node: Mapping[str, Any]) -> bool:
    if node["class"] == "FUNCTION":
        return str(node["function_name"]).lower() in _CALLS
    return node["class"] in _CLASSES and (node["class"] != "OPERATOR" or node["type"] == "ARRAY_CONSTRUCTOR")
