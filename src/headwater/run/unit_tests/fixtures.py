"""Rows written down in a test, as typed SQL: each value is cast exactly, or refused where it stands."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from headwater.diagnostics import Diagnostic, Where, error, suggest
from headwater.run.engine import Session
from headwater.sql.text import literal, quote_identifier, quote_literal
from headwater.sql.type_names import TypeName, parse_type

Columns = Sequence[tuple[str, str]]
"""(name, DuckDB type)"""
_WHOLE: Final = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
_EXACT_DIGITS: Final = 15
"""A number with more digits than this has been rounded when it was read."""
_MOST_DIGITS: Final = 40
"""Of a whole number that some type can hold."""


class Unfit(ValueError):
    """A value that its column cannot hold; the text says why."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """Rows as maps, and where each value was written."""

    rows: Sequence[Mapping[str, Any]]
    where: Callable[[int, str], Where]
    """(row, column) → place; column empty: the row's."""


def rows_select(session: Session, columns: Columns, fixture: Fixture) -> tuple[str, list[Diagnostic]]:
    """Give a SELECT of rows with exactly these columns and types (missing ones NULL), or everything that is wrong."""
    found = [*unknown_columns(columns, fixture)]
    cells: list[list[str]] = []
    for index, row in enumerate(fixture.rows):
        cells.append([])
        for name, type_ in columns:
            try:
                cells[-1].append(_cell(row.get(name), type_))
            except Unfit as problem:
                found.append(_unfit(name, type_, str(problem), fixture.where(index, name)))
    if found or not cells:
        return "", found
    names = ", ".join(quote_identifier(name) for name, _ in columns)
    values = ", ".join("(" + ", ".join(row) + ")" for row in cells)
    select = f"SELECT * FROM (VALUES {values}) AS written({names})"
    return (select, []) if _is_computable(session, select) else ("", list(_refused(session, columns, cells, fixture)))


def _cell(value: Any, type_: str) -> str:
    return f"CAST({_expression(value, parse_type(type_))} AS {type_})"


def _expression(value: Any, type_: TypeName) -> str:
    """Write a value so that a cast to its type is exact; raises Unfit."""
    if value is None:
        return "NULL"
    match type_.head:
        case "LIST" | "ARRAY" if isinstance(value, (list, tuple)):
            return f"[{', '.join(_cast(each, type_.parts[0][1]) for each in value)}]"
        case "STRUCT" if isinstance(value, Mapping):
            return _struct(value, type_)
        case "MAP" if isinstance(value, Mapping | list):
            return _map(value, type_)
        case "JSON" if isinstance(value, (Mapping, list)):
            return quote_literal(json.dumps(value, default=str))
    if isinstance(value, (Mapping, list, tuple)):
        raise Unfit("it is a single value, not a list or map")
    return _scalar(value, type_)


def _cast(value: Any, type_: TypeName) -> str:
    return f"CAST({_expression(value, type_)} AS {type_})"


def _struct(value: Mapping[Any, Any], type_: TypeName) -> str:
    fields = dict(type_.parts)
    unknown = [str(name) for name in value if name not in fields]
    if unknown:
        hint = suggest(unknown[0], fields)
        raise Unfit(f"it has no field `{unknown[0]}`" + (f" ({hint})" if hint else ""))
    parts = (f"{quote_identifier(name)} := {_cast(value.get(name), part)}" for name, part in fields.items())
    return f"struct_pack({', '.join(parts)})"


def _map(value: Any, type_: TypeName) -> str:
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if any(not isinstance(pair, (list, tuple)) or len(pair) != 2 for pair in pairs):  # noqa: PLR2004 - key and value
        raise Unfit("it is a map")
    keys = (_cast(key, type_.parts[0][1]) for key, _ in pairs)
    values = (_cast(each, type_.parts[1][1]) for _, each in pairs)
    return f"MAP([{', '.join(keys)}], [{', '.join(values)}])"


def _scalar(value: Any, type_: TypeName) -> str:
    if isinstance(value, (bytes, bytearray)):
        return literal(bytes(value))
    if type_.head in _WHOLE or type_.head == "DECIMAL":
        return quote_literal(_exact(value, type_))
    if type_.head in {"FLOAT", "DOUBLE"} and isinstance(value, float) and not math.isfinite(value):
        return quote_literal(str(value))
    if type_.head == "DATE" and _has_time(value):
        raise Unfit("it has a time of day, which a date cannot keep")
    return quote_literal(_text(value))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)


def _exact(value: Any, type_: TypeName) -> str:
    """Write a number for a type of whole or decimal numbers, which would round it silently."""
    text = _text(value)
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Unfit("it is not a number") from None
    if isinstance(value, bool) or not number.is_finite():
        raise Unfit("it is not a number")
    if isinstance(value, float) and len(number.as_tuple().digits) > _EXACT_DIGITS:
        raise Unfit("it has more digits than a YAML number keeps: write it in quotes")
    scale = int(type_.text.rstrip(")").rpartition(",")[2]) if "," in type_.text else 0
    if number and _places(number) > scale:
        raise Unfit(f"it has more than {scale} decimal places" if scale else "it is not a whole number")
    if number.adjusted() > _MOST_DIGITS:
        raise Unfit("it is too large")
    return format(number, "f")


def _places(number: Decimal) -> int:
    """Count decimal places, without zeros at the end (rounding functions stop at 28 digits)."""
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - finite
    places = -exponent
    for digit in reversed(digits):
        if digit or places <= 0:
            break
        places -= 1
    return max(0, places)


def _has_time(value: Any) -> bool:
    if isinstance(value, datetime):
        return value.time() != time()
    if not isinstance(value, str) or not any(sign in value for sign in "T: "):
        return False
    try:
        return datetime.fromisoformat(value.strip()).time() != time()
    except ValueError:
        return False


def unknown_columns(columns: Columns, fixture: Fixture) -> Iterator[Diagnostic]:
    """Give the columns that rows name and a table does not have, each once."""
    known = [name for name, _ in columns]
    seen: set[str] = set()
    for index, row in enumerate(fixture.rows):
        for name in row:
            if name not in known and name not in seen:
                seen.add(str(name))
                hint = suggest(str(name), known) or f"known columns: {', '.join(known[:10])}"
                yield error("HW0414", f"unknown column `{name}`", fixture.where(index, str(name)), hint=hint)


def _unfit(name: str, type_: str, why: str, where: Where) -> Diagnostic:
    return error("HW0415", f"`{name}` is {type_}: {why}", where)


def _is_computable(session: Session, select: str) -> bool:
    import duckdb

    try:
        session.rows(f"SELECT count(COLUMNS(*)) FROM ({select})")
    except duckdb.Error:
        return False
    return True


def _refused(
    session: Session, columns: Columns, cells: Sequence[Sequence[str]], fixture: Fixture
) -> Iterator[Diagnostic]:
    """Try each value by itself, to say which are wrong, and why."""
    import duckdb

    for index, row in enumerate(cells):
        for (name, type_), cell in zip(columns, row, strict=True):
            try:
                session.rows(f"SELECT {cell}")
            except duckdb.Error as problem:
                why = str(problem).partition("\n")[0].partition("Error: ")[2]
                yield _unfit(name, type_, why, fixture.where(index, name))
