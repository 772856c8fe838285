"""Constants of predicates as values that can be compared as the engine compares them with a column of a type."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

_WHOLE: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
_DECIMAL: Final = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_EXACT_DIGITS: Final = 15
"""Digits that a number may have so that decimal and double arithmetic agree about it."""
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?")
_ZONED: Final = re.compile(_TIMESTAMP.pattern + r"(Z|[+-]\d\d:\d\d)")
_MOMENTS: Final = {"date": _DATE, "timestamp": _TIMESTAMP, "zoned": _ZONED}
_TIMESTAMPTZ: Final = "TIMESTAMP WITH TIME ZONE"
_ORDERED: Final = frozenset({"number", "double", "date", "timestamp", "zoned"})


@dataclass(frozen=True, slots=True)
class Constant:
    """A value of one kind; those of one column are of one kind, and compare as the engine compares them."""

    value: Any


def is_ordered(type_: str) -> bool:
    """Whether we are sure of how the engine orders values of a type (text: collations decide)."""
    return _kind(type_) in _ORDERED


def constant_of(tree: list[Any], type_: str) -> Constant | None:
    """Read a constant (of a canonical text) as what it is beside a column of a type; None if that is not certain."""
    kind = _kind(type_)
    if kind in ("number", "double"):
        number = _number(tree, is_double=kind == "double")
        return None if number is None else Constant(number)
    text = _string(tree, kind, type_)
    if text is None:
        return None
    if kind in _MOMENTS:
        return _moment(text, _MOMENTS[kind])
    return Constant(text) if kind == "text" or text in ("t", "f") else None


def _kind(type_: str) -> str:
    if type_ in _WHOLE or _is_exact(type_):
        return "number"
    named = {"DOUBLE": "double", "VARCHAR": "text", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "timestamp"}
    return "zoned" if type_ == _TIMESTAMPTZ else named.get(type_, "")


def _is_exact(type_: str) -> bool:
    found = _DECIMAL.fullmatch(type_)
    return found is not None and int(found[1]) <= _EXACT_DIGITS


def _number(tree: list[Any], *, is_double: bool) -> Decimal | float | None:
    """Whole and decimal numbers; beside doubles they are compared as doubles."""
    kind, *parts = tree
    if kind == "function:-" and len(parts) == 1:
        inner = _number(parts[0], is_double=is_double)
        return None if inner is None else -inner
    if kind != "constant" or parts[0].get("is_null", True):
        return None
    type_, value = parts[0]["type"], parts[0].get("value")
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    if type_["id"] in _WHOLE:
        scale = 0
    elif type_["id"] == "DECIMAL" and type_["type_info"]:
        scale = int(type_["type_info"]["scale"])
    else:
        return None
    if max(len(str(abs(value))), scale) > _EXACT_DIGITS:
        return None
    exact = Decimal(value).scaleb(-scale)
    return float(exact) if is_double else exact


def _string(tree: list[Any], kind: str, type_: str) -> str | None:
    """The text of a string constant, or of one that is cast to the column's own type."""
    head, *parts = tree
    if head.startswith("cast:"):
        target = json.loads(head.removeprefix("cast:"))
        if target.get("id") != type_ or target.get("type_info") or parts[0][0] != "constant":
            return None
        parts = parts[0][1:]
    elif head != "constant" or kind == "boolean":
        return None
    value = parts[0]
    if value.get("is_null", True) or value["type"]["id"] != "VARCHAR" or not isinstance(value.get("value"), str):
        return None
    return str(value["value"])


def _moment(text: str, form: re.Pattern[str]) -> Constant | None:
    if not form.fullmatch(text):
        return None
    try:
        if form is _DATE:
            return Constant(date.fromisoformat(text))
        moment = datetime.fromisoformat(text)
        return Constant(moment.astimezone(UTC) if form is _ZONED else moment)
    except (ValueError, OverflowError):
        return None
