"""Macros: CREATE MACRO statements read, and their calls in a parsed query put in their place before it is analysed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from headwater.sql.outline import Json, expressions_of
from headwater.sql.text import Token, visible_tokens
from headwater.sql.tree import Unclear

_DEEPEST: Final = 32
Parse = Callable[[str], Json | None]
"""Give the parsed query of a text, or None."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its parameters with their defaults, and its body (an expression, or a query if it gives a table)."""

    name: str
    parameters: tuple[tuple[str, Json | None], ...]
    body: Json
    is_table: bool


def read_macro(name: str, statement: str, parse: Parse) -> Macro | None:
    """Read a CREATE MACRO statement; None for forms that we cannot take apart (several signatures, types)."""
    found = visible_tokens(statement)
    opening = next((at for at, token in enumerate(found) if token.text == "("), None)
    closing = _closing(found, opening) if opening is not None else None
    if opening is None or closing is None or closing + 2 >= len(found) or found[closing + 1].text.lower() != "as":
        return None
    is_table = found[closing + 2].text.lower() == "table"
    start = found[closing + (3 if is_table else 2)].offset if closing + 3 < len(found) or not is_table else None
    body = None if start is None else parse(statement[start:] if is_table else f"SELECT {statement[start:]}")
    parameters = _parameters(statement, found[opening + 1 : closing], parse)
    if body is None or parameters is None:
        return None
    if not is_table:
        if len(body["select_list"]) != 1 or body["from_table"]["type"] != "EMPTY":
            return None
        body = body["select_list"][0]
    return Macro(name.casefold(), parameters, body, is_table)


def _closing(found: list[Token], opening: int) -> int | None:
    depth = 0
    for at in range(opening, len(found)):
        depth += {"(": 1, ")": -1}.get(found[at].text, 0)
        if depth == 0:
            return at
    return None


def _parameters(statement: str, found: list[Token], parse: Parse) -> tuple[tuple[str, Json | None], ...] | None:
    parameters: list[tuple[str, Json | None]] = []
    for part in _parts(found):
        name = part[0].text.strip('"').casefold()
        if len(part) == 1:
            parameters.append((name, None))
        elif part[1].text in (":=", "=>") and len(part) > 2:  # noqa: PLR2004 - name, sign, value
            query = parse(f"SELECT {statement[part[2].offset : part[-1].end]}")
            if query is None or len(query["select_list"]) != 1:
                return None
            parameters.append((name, query["select_list"][0]))
        else:
            return None
    return tuple(parameters)


def _parts(found: list[Token]) -> list[list[Token]]:
    """Cut at commas that stand in no parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in found:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def expand(node: Json, macros: Mapping[str, Macro | None], depth: int = 0) -> Json:
    """Give a parsed query with calls of macros put in their place; Unclear where that cannot be done for certain."""
    if depth > _DEEPEST:
        raise Unclear("macros that call themselves")
    expanded = _Expander(macros, depth, _hidden_names(node)).any(node)
    return expanded if isinstance(expanded, dict) else node


class _Expander:
    def __init__(self, macros: Mapping[str, Macro | None], depth: int, hidden: frozenset[str]) -> None:
        self._macros = macros
        self._depth = depth
        self._hidden = hidden

    def any(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.any(each) for each in value]
        if not isinstance(value, dict):
            return value
        if value.get("type") == "TABLE_FUNCTION":
            # Its call is no expression: a macro that gives a value cannot stand there.
            parts = {key: self._inside(each) if key == "function" else self.any(each) for key, each in value.items()}
            return self._call(parts, table=True)
        inner = self._inside(value)
        return self._call(inner, table=False) if inner.get("class") == "FUNCTION" else inner

    def _inside(self, value: Json) -> Json:
        return {key: self.any(each) for key, each in value.items()}

    def _call(self, node: Json, *, table: bool) -> Any:
        function = node["function"] if table else node
        name = str(function["function_name"]).casefold()
        if name not in self._macros or function["schema"] not in ("", "main"):
            return node
        macro = self._macros[name]
        if macro is None:
            raise Unclear(f"the macro {name}")
        if macro.is_table != table:
            return node
        if _tables(macro.body) & self._hidden:
            raise Unclear(f"the macro {name} reads a table that the query hides")
        body = _substituted(macro.body, _arguments(macro, function), node["query_location"])
        body = expand(body, self._macros, self._depth + 1)
        return _as_subquery(node, body, name) if table else {**body, "alias": node["alias"]}


def _as_subquery(node: Json, body: Json, name: str) -> Json:
    return {
        "type": "SUBQUERY",
        "alias": node["alias"] or name,
        "sample": node["sample"],
        "query_location": node["query_location"],
        "subquery": {"node": body, "named_param_map": []},
        "column_name_alias": node["column_name_alias"],
    }


def _arguments(macro: Macro, call: Json) -> dict[str, Json]:
    if call.get("filter") or call.get("distinct") or call["order_bys"]["orders"]:
        raise Unclear(f"modifiers of the macro {macro.name}")
    given = {parameter: default for parameter, default in macro.parameters if default is not None}
    names = [parameter for parameter, _ in macro.parameters]
    for at, child in enumerate(call["children"]):
        name = child["alias"].casefold() or (names[at] if at < len(names) else "")
        if name not in names:
            raise Unclear(f"arguments of the macro {macro.name}")
        given[name] = child
    if len(given) != len(names):
        raise Unclear(f"arguments of the macro {macro.name}")
    return given


def _substituted(value: Any, arguments: Mapping[str, Json], location: int) -> Any:
    """The body with arguments for parameters; every place in it becomes that of the call."""
    if isinstance(value, list):
        return [_substituted(each, arguments, location) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("class") == "COLUMN_REF" and (names := value["column_names"])[0].casefold() in arguments:
        if len(names) > 1:
            raise Unclear("a field of a macro's parameter")
        return {**arguments[names[0].casefold()], "alias": value["alias"]}
    if value.get("class") == "LAMBDA" and _lambda_parameters(value["lhs"]) & arguments.keys():
        raise Unclear("a lambda whose parameter hides a macro's")
    inner = {key: _substituted(each, arguments, location) for key, each in value.items()}
    return {**inner, "query_location": location} if "query_location" in inner else inner


def _lambda_parameters(node: Json) -> set[str]:
    return {each["column_names"][0].casefold() for each in expressions_of(node) if each.get("class") == "COLUMN_REF"}


def _tables(body: Json) -> set[str]:
    tables = (each for each in expressions_of(body) if each.get("type") == "BASE_TABLE")
    return {each["table_name"].casefold() for each in tables if not each["schema_name"]}


def _hidden_names(node: Json) -> frozenset[str]:
    """Names of common table expressions anywhere in a query."""
    maps = (each["cte_map"]["map"] for each in expressions_of(node) if "cte_map" in each)
    return frozenset(entry["key"].casefold() for entries in maps for entry in entries)


def relevant(text: str, statements: Mapping[str, str]) -> tuple[str, ...]:
    """Give the names of the macros that a text may call, directly or through others; by the look of the text alone.

    >>> relevant("SELECT best, Km (a) FROM t", {"best": "CREATE MACRO best(x) AS x", "km": "CREATE MACRO km(x) AS x"})
    ('km',)
    """
    found: set[str] = set()
    pending: Iterable[str] = [text]
    while pending:
        new = {name for each in pending for name in _called(each, statements)} - found
        found |= new
        pending = [statements[name] for name in new]
    return tuple(sorted(found))


def _called(text: str, statements: Mapping[str, str]) -> set[str]:
    folded = text.casefold()
    if not any(name in folded for name in statements):
        return set()
    words = visible_tokens(text)
    called = {word.text.strip('"').casefold() for word, sign in pairwise(words) if sign.text == "("}
    return called & statements.keys()


def name_of(statement: str) -> str:
    """Give the folded name that a CREATE MACRO statement makes: the word before the first parenthesis.

    >>> name_of("CREATE MACRO Km(m) AS m * 1.609")
    'km'
    """
    found = visible_tokens(statement)
    at = next((at for at, token in enumerate(found) if token.text == "("), 0)
    return found[at - 1].text.strip('"').casefold() if at else ""
