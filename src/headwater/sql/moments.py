"""Times as SQL: how a text becomes a moment, and how a column of time is compared, whatever the session's zone is."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from headwater.sql.text import literal, quote_identifier, quote_literal

TIME_TYPES: Final = frozenset({"TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "DATE"})
_ZONED: Final = "([zZ]|[+-][0-9]{2}(:?[0-9]{2}(:?[0-9]{2})?)?|[ ][A-Za-z_]+(/[A-Za-z_/+-]+)*)$"


def time_from_text(text: str, type_: str, timezone: str) -> str:
    """Give the expression that reads a text as TIMESTAMP WITH TIME ZONE or TIMESTAMP; "" for other types.

    A text without a zone is the contract's local time. A TIMESTAMP whose text has a zone is that moment in the
    contract's zone.
    """
    if type_ not in {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP"}:
        return ""
    zone = quote_literal(timezone)
    has_zone = f"regexp_matches({text}, '{_ZONED}') AND strlen({text}) > 10"
    plain, zoned = f"TRY_CAST({text} AS TIMESTAMP)", f"TRY_CAST({text} AS TIMESTAMPTZ)"
    if type_ == "TIMESTAMP":
        return f"CASE WHEN {has_zone} THEN timezone({zone}, {zoned}) ELSE {plain} END"
    return f"CASE WHEN {has_zone} THEN {zoned} ELSE timezone({zone}, {plain}) END"


def time_from_micros(micros: str, type_: str, timezone: str) -> str:
    """Give the expression that reads microseconds since 1970-01-01T00:00Z as a time type, in the contract's zone."""
    moment = f"timezone('UTC', make_timestamp({micros}))"
    local = f"timezone({quote_literal(timezone)}, {moment})"
    return {"TIMESTAMP WITH TIME ZONE": moment, "TIMESTAMP": local}.get(type_, f"CAST({local} AS {type_})")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time column as something that can be compared: SQL, and how a moment is written beside it."""

    sql: str
    is_zoned: bool

    def literal(self, at: datetime | None) -> str:
        """Write a moment so that it compares with the column."""
        if at is None:
            return "CAST(NULL AS TIMESTAMPTZ)" if self.is_zoned else "CAST(NULL AS TIMESTAMP)"
        at = at.astimezone(UTC)
        return literal(at if self.is_zoned else at.replace(tzinfo=None))

    def granule(self, seconds: int) -> str:
        """Whole stretches of so many seconds since 1970-01-01T00:00Z."""
        return f"CAST(floor(epoch({self.sql}) / {seconds}) AS BIGINT)"


def moment_of(column: str, type_: str, timezone: str) -> Moment:
    """Say how a time column is compared; times without a zone are in ``timezone``."""
    name = quote_identifier(column)
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return Moment(name, is_zoned=True)
    plain = name if type_ == "TIMESTAMP" else f"CAST({name} AS TIMESTAMP)"
    if timezone == "UTC":
        return Moment(plain, is_zoned=False)
    return Moment(f"timezone({quote_literal(timezone)}, {plain})", is_zoned=True)
