"""What a parsed query mentions: tables, table functions, functions and parameters, before any name is resolved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headwater.sql import functions
from headwater.sql.text import NOW_LIKE, NOW_WORDS

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a query: as written, its offset in bytes, and the alias it got."""

    name: str
    offset: int
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Outline:
    """Everything a query mentions, in order of appearance."""

    tables: tuple[Mention, ...]
    """Tables that are not common table expressions."""
    generators: tuple[Mention, ...]
    """Table functions."""
    functions: tuple[Mention, ...]
    volatile: tuple[Mention, ...]
    """What gives something else at another time or call."""
    clocks: tuple[Mention, ...]
    """What reads the engine's clock where ``$now`` cannot take its place."""


def outline(node: Json) -> Outline:
    """Walk a parsed query."""
    walker = _Walker()
    walker.query(node, frozenset())
    return Outline(
        tuple(walker.tables),
        tuple(walker.generators),
        tuple(walker.functions),
        tuple(walker.volatile),
        tuple(walker.clocks),
    )


class _Walker:
    def __init__(self) -> None:
        self.tables: list[Mention] = []
        self.generators: list[Mention] = []
        self.functions: list[Mention] = []
        self.volatile: list[Mention] = []
        self.clocks: list[Mention] = []

    def query(self, node: Json, ctes: frozenset[str]) -> None:
        """Common table expressions hide tables of their name, from their own end on (recursive ones: at once)."""
        for each in node.get("cte_map", {}).get("map", ()):
            name = each["key"].casefold()
            inner = each["value"]["query"]["node"]
            recursive = inner.get("type") == "RECURSIVE_CTE_NODE"
            self.query(inner, ctes | {name} if recursive else ctes)
            ctes = ctes | {name}
        self._children(node, ctes)

    def _children(self, node: Json, ctes: frozenset[str]) -> None:
        for key, value in node.items():
            if key != "cte_map":
                self._any(value, ctes)

    def _any(self, value: Any, ctes: frozenset[str]) -> None:
        if isinstance(value, list):
            for each in value:
                self._any(each, ctes)
        elif isinstance(value, dict):
            self._note(value, ctes)
            if "cte_map" in value:
                self.query(value, ctes)
            else:
                self._children(value, ctes)

    def _note(self, node: Json, ctes: frozenset[str]) -> None:
        kind = node.get("type")
        if kind == "BASE_TABLE":
            self._table(node, ctes)
        elif kind == "SHOW_REF" and node.get("table_name"):
            self.tables.append(Mention(_dotted(node), node["query_location"]))
        elif kind == "TABLE_FUNCTION":
            function = node["function"]
            self.generators.append(Mention(_function(function), _offset(node) or _offset(function)))
        elif kind in ("FUNCTION", "WINDOW") or node.get("class") == "WINDOW":
            self._function(node)
        elif (
            kind == "COLUMN_REF" and len(node["column_names"]) == 1 and node["column_names"][0].casefold() in NOW_WORDS
        ):
            self.volatile.append(Mention(node["column_names"][0], _offset(node)))
        elif kind == "VALUE_PARAMETER" and node["identifier"].lower() == "now":
            self.volatile.append(Mention("$now", _offset(node)))
        if isinstance(sample := node.get("sample"), dict) and sample.get("seed", -1) == -1:
            self.volatile.append(Mention("sample", _offset(node)))

    def _table(self, node: Json, ctes: frozenset[str]) -> None:
        plain = not node["schema_name"] and not node["catalog_name"]
        if not (plain and node["table_name"].casefold() in ctes):
            self.tables.append(Mention(_dotted(node), node["query_location"], node["alias"]))

    def _function(self, node: Json) -> None:
        mention = Mention(_function(node), _offset(node))
        self.functions.append(mention)
        name = mention.name
        if name in functions.OWN_CLOCK or (name == "age" and len(node["children"]) == 1):
            self.clocks.append(mention)
        if name in functions.VOLATILE or name in NOW_LIKE:
            self.volatile.append(mention)


def _dotted(node: Json) -> str:
    return ".".join(node[key] for key in ("catalog_name", "schema_name", "table_name") if node[key])


def _function(node: Json) -> str:
    return str(node.get("function_name", "")).lower()


def _offset(node: Json) -> int:
    """The parser says 2**64 - 1 where it does not know."""
    at = int(node.get("query_location", 0))
    return at if at < 1 << 62 else 0


def expressions_of(node: Any) -> Iterator[Json]:
    """All maps inside a parsed tree, itself first."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from expressions_of(value)
    elif isinstance(node, list):
        for each in node:
            yield from expressions_of(each)
