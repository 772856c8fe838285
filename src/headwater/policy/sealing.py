"""What the text of a fragment may name at all: declared relations and known functions, by their parse alone."""

from collections.abc import Mapping
from typing import Any, Final

from headwater.diagnostics import Diagnostic, error
from headwater.sql import functions
from headwater.sql.outline import expressions_of, outline
from headwater.sql.text import NOW_LIKE

RELATION_SCHEMAS: Final = ("granted", "exchange")
GENERATORS: Final = frozenset({"range", "generate_series", "unnest"})
_TIMED: Final = NOW_LIKE | {"$now"}
KNOWN: Final = (
    (functions.SCALARS | functions.OPERATORS | functions.AGGREGATES | functions.WINDOWS | NOW_LIKE | GENERATORS)
    - (functions.OUTSIDE - functions.AGGREGATES)
    - functions.VOLATILE
)


def wrong_text(node: Mapping[str, Any], relations: frozenset[str]) -> Diagnostic | None:
    """Say what a parsed text names that it may not; None if there is nothing. ``relations``: ``schema.name``."""
    found = outline(node)
    for table in found.tables:
        if table.name.casefold() not in relations:
            return _unknown(table.name)
    return _odd_relation(node) or _wrong_function(node) or _changing(node)


def _unknown(name: str) -> Diagnostic:
    message = f"the fragment names `{name}`, which it neither declares as a grant nor has received"
    return error("HW1241", message, hint="a fragment reads `granted.<name>` and `exchange.<name>`, nothing else")


def _odd_relation(node: Mapping[str, Any]) -> Diagnostic | None:
    """Relations are written schema and name, each by itself: no catalogue, no time, no dot inside of a name."""
    for each in expressions_of(node):
        kind = each.get("type")
        if kind == "SHOW_REF":
            return _unknown("DESCRIBE, SHOW or SUMMARIZE")
        if kind != "BASE_TABLE":
            continue
        if each.get("catalog_name") or each.get("at_clause") or (each["schema_name"] and "." in each["table_name"]):
            return _unknown(each["table_name"])
        if not each["schema_name"] and "." in each["table_name"]:
            return _unknown(each["table_name"])
    return None


def _wrong_function(node: Mapping[str, Any]) -> Diagnostic | None:
    found = outline(node)
    for each in found.generators:
        if each.name not in GENERATORS:
            return _function(each.name)
    for each in found.functions:
        if each.name not in KNOWN and each.name not in functions.VOLATILE | functions.OWN_CLOCK:
            return _function(each.name)
    return None


def _function(name: str) -> Diagnostic:
    message = f"the fragment calls `{name}`, which is not on the list of functions that are known to be pure"
    return error("HW1242", message, hint="write it with other functions")


def _changing(node: Mapping[str, Any]) -> Diagnostic | None:
    found = outline(node)
    changing = [each.name for each in found.volatile if each.name not in _TIMED] + [e.name for e in found.clocks]
    if any(each.get("sample") for each in expressions_of(node)):
        changing.append("sample")
    if not changing:
        return None
    message = f"the fragment uses `{changing[0]}`, which gives something else each time"
    return error("HW1245", message, hint="samples and random values are refused: asking often would tell more")
