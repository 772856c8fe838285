"""Python values and moments of time as SQL literals that mean the same wherever they stand in an expression."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from headwater.sql.text import quote_identifier, quote_literal


def literal(value: Any) -> str:
    """Give a Python value as a SQL literal; TypeError for a value that SQL has no literal for.

    >>> literal("it's"), literal(-1), literal(None), literal([1, "a"])
    ("'it''s'", '(-1)', 'NULL', "[1, 'a']")
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return f"({value})" if value < 0 else f"{value}"
        case float():
            return f"CAST('{value!r}' AS DOUBLE)"
        case str():
            return quote_literal(value)
        case bytes():
            return f"from_hex('{value.hex()}')"
        case datetime() if value.tzinfo is not None:
            return f"CAST('{value.isoformat(sep=' ')}' AS TIMESTAMPTZ)"
        case datetime():
            return f"CAST('{value.isoformat(sep=' ')}' AS TIMESTAMP)"
        case date():
            return f"CAST('{value.isoformat()}' AS DATE)"
        case time():
            return f"CAST('{value.isoformat()}' AS TIME)"
        case timedelta():
            return f"to_microseconds({value // timedelta(microseconds=1)})"
        case list() | tuple():
            return "[" + ", ".join(map(literal, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{quote_identifier(str(k))}: {literal(v)}" for k, v in value.items()) + "}"
        case _:
            raise TypeError(f"no SQL literal for {type(value).__name__}")


def time_literal(instant: datetime, type_: str, timezone: str) -> str:
    """Give a moment (with its zone) as a literal of a time column's type; without a zone it is wall time in ``timezone``.

    >>> from datetime import UTC
    >>> time_literal(datetime(2013, 1, 1, 5, tzinfo=UTC), "DATE", "America/New_York")
    "CAST('2013-01-01' AS DATE)"
    """
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return literal(instant.astimezone(ZoneInfo("UTC")))
    local = instant.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    if type_ == "DATE":
        return literal(local.date())
    if type_ == "TIMESTAMP":
        return literal(local)
    raise ValueError(f"a column of type {type_} cannot cut time")
