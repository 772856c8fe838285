"""Times written as text become moments in the same way whatever the session's time zone is."""

from headwater.sql.text import quote_literal

_ZONED = "([zZ]|[+-][0-9]{2}(:?[0-9]{2}(:?[0-9]{2})?)?|[ ][A-Za-z_]+(/[A-Za-z_/+-]+)*)$"


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
