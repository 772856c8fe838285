"""JSON as it is published: decimals and big integers exact, times ISO 8601, nothing that JSON does not know."""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any


def encode(value: object, *, ascii_only: bool = False) -> Iterator[str]:
    r"""Give a document in pieces; the elements of an outermost list or iterator stand on lines of their own.

    >>> "".join(encode({"sum": 2**100, "price": Decimal("1.10"), "nothing": float("nan")}))
    '{"sum": 1267650600228229401496703205376, "price": 1.10, "nothing": "NaN"}'
    """
    if not isinstance(value, (list, tuple, Iterator)):
        yield _text(value, ascii_only)
        return
    begun = False
    for each in value:
        yield (",\n" if begun else "[\n") + _text(each, ascii_only)
        begun = True
    yield "\n]" if begun else "[]"


def _text(value: Any, ascii_only: bool) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_text(str(key), ascii_only)}: {_text(each, ascii_only)}" for key, each in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[" + ", ".join(_text(each, ascii_only) for each in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    number = _number(value)
    return number or json.dumps(value if isinstance(value, str) else plain(value), ensure_ascii=ascii_only)


def _number(value: object) -> str:
    """Write a number with all its digits; empty for everything else."""
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value) if math.isfinite(value) else f'"{_outside(value)}"'
    return format(value, "f") if isinstance(value, Decimal) and value.is_finite() else ""


def _outside(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def plain(value: object) -> str:
    r"""Write a single value as text, as JSON strings and CSV cells hold it.

    >>> plain(datetime(2013, 1, 1, 5)), plain(timedelta(days=1, seconds=90)), plain(b"\xff")
    ('2013-01-01T05:00:00', 'P1DT90S', 'ff')
    """
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return str(value)


def _duration(value: timedelta) -> str:
    if value < timedelta(0):
        return "-" + _duration(-value)
    seconds = f"{value.seconds}.{value.microseconds:06}".rstrip("0").rstrip(".") if value.microseconds else ""
    tail = f"T{seconds or value.seconds}S" if value.seconds or value.microseconds else ""
    days = f"{value.days}D" if value.days or not tail else ""
    return f"P{days}{tail}"
