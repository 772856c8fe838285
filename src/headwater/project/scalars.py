"""Plain YAML values → typed ones: what a scalar means where text, a number, a time or a duration is expected."""

import math
import re
from datetime import UTC, datetime
from typing import Any, Final

from headwater.project.other_tools import length_meant
from headwater.project.yaml_nodes import Node
from headwater.spec.units import Bytes, Every, Seconds, parse_duration, parse_every, parse_size

LONGEST_S: Final = 1000 * 366 * 86400.0
"""Durations end at a thousand years: what is longer is a slip, and overflows calendars."""
_EVERY_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "mo": 2_678_400}
_MAX_DIGITS: Final = 100
_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, Any]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf, ".nan": math.nan,
}  # fmt: skip
_TEXT_TAG: Final = "tag:yaml.org,2002:str"


def plain(node: Node) -> Any:
    """Resolve a scalar by the core rules of YAML 1.2: null, true and false, numbers, else text.

    ``yes``, ``on``, dates and numbers with a leading zero stay text.
    """
    text: str = node.value
    if node.style or node.tag == _TEXT_TAG:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or len(text) > _MAX_DIGITS:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
        return float(text)
    return text


def duration(value: Any) -> Seconds:
    """Read a duration in seconds; ValueError says what is wrong."""
    if not isinstance(value, str):
        raise ValueError(_unit_missing(value, "duration", "s"))  # noqa: TRY004 - one error for the reader
    seconds = parse_duration(value)
    if not seconds <= LONGEST_S:
        raise ValueError("a duration ends at 1000 years")
    return seconds


def size(value: Any) -> Bytes:
    """Read a size in bytes; ValueError says what is wrong."""
    if not isinstance(value, str):
        raise ValueError(_unit_missing(value, "size", "MB"))  # noqa: TRY004 - one error for the reader
    try:
        return parse_size(value)
    except OverflowError:
        raise ValueError("no machine has so many bytes") from None


def every(value: Any) -> Every:
    """Read the length of a slot; ValueError says what is wrong."""
    if not isinstance(value, str):
        raise ValueError(_unit_missing(value, "slot length", "d"))  # noqa: TRY004 - one error for the reader
    if len(value) > _MAX_DIGITS:
        raise ValueError("a slot length is a number and a unit, such as 1d")
    if meant := length_meant(value):
        raise ValueError(f"write `{meant}`")
    read = parse_every(value)
    if read.count * _EVERY_S[read.unit] > LONGEST_S:
        raise ValueError("a slot ends at 1000 years")
    return read


def _unit_missing(value: Any, what: str, unit: str) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"a {what} needs its unit, such as `{value}{unit}`" if is_number else f"a {what} is a number with its unit"


def instant(value: Any) -> datetime:
    """Read a date or time (ISO 8601), in UTC if it names a zone, else without one; ValueError says what is wrong."""
    if not isinstance(value, str):
        raise ValueError("a time is written as ISO 8601, such as 2013-01-31 or 2013-01-31T06:00:00Z")  # noqa: TRY004 - as above
    try:
        read = datetime.fromisoformat(value)
        return read if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        text = f"`{value[:40]}` is not a date or time such as 2013-01-31 or 2013-01-31T06:00:00Z"
        raise ValueError(text) from None
