"""Words of other tools (dbt, SQLMesh), and what is written here instead."""

import re
from collections.abc import Mapping
from typing import Final

_KIND: Final = "`kind:` says how rows are kept: full, view, inline, incremental, merge, append or history"
KEYS: Final[Mapping[str, str]] = {
    "audits": "assertions on rows stand under `checks:`",
    "cron": "slots follow from `every:` (such as 1d); when it runs says the `schedule:` of a pipeline",
    "data_tests": "assertions on rows stand under `checks:`",
    "depends_on": "what a query reads is found in its text: take it out",
    "incremental_strategy": _KIND,
    "interval_unit": "the length of a slot is `every:`, such as 1d",
    "materialized": _KIND,
    "tests": "assertions on rows stand under `checks:`; tests with rows of their own under `tests:` of a YAML file",
    "time_column": "the column that cuts time is `time:`",
    "unique_key": "`key: [id]`, with `kind: merge` or `kind: history`",
}
"""Key → what to write."""
_BY_TIME: Final = "`kind: incremental`, with `time:` (the column) and `every:` (such as 1d)"
_BY_KEY: Final = "`kind: merge`, with `key: [id]`"
_HISTORY: Final = "`kind: history`, with `key: [id]`"
VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "kind": {
        "embedded": "`kind: inline`",
        "ephemeral": "`kind: inline`",
        "incremental_by_time_range": _BY_TIME,
        "incremental_by_unique_key": _BY_KEY,
        "microbatch": _BY_TIME,
        "scd_type_2": _HISTORY,
        "scd_type_2_by_column": _HISTORY,
        "scd_type_2_by_time": _HISTORY,
        "snapshot": _HISTORY,
        "table": "`kind: full`",
    }
}
"""Key → value → what to write."""
_EVERY: Final = re.compile(r"(\d+)?\s*(second|minute|min|hour|day|week|month)s?")
_EVERY_WORDS: Final = {"hourly": "1h", "daily": "1d", "weekly": "1w", "monthly": "1mo"}
_UNITS: Final = {"second": "s", "minute": "m", "min": "m", "hour": "h", "day": "d", "week": "w", "month": "mo"}


def instead_of_value(key: str, value: str) -> str:
    """Say what to write instead of a value; "" if the word is not known.

    >>> instead_of_value("kind", "TABLE")
    '`kind: full`'
    """
    return VALUES.get(key, {}).get(value.casefold(), "")


def length_meant(text: str) -> str:
    """Give the length of a slot as it is written here; "" if the text is none.

    >>> length_meant("1 day"), length_meant("daily"), length_meant("15 minutes"), length_meant("soon")
    ('1d', '1d', '15m', '')
    """
    folded = text.strip().casefold()
    match = _EVERY.fullmatch(folded)
    return _EVERY_WORDS.get(folded, "") or (f"{match[1] or 1}{_UNITS[match[2]]}" if match else "")
