"""Values of any Python type → what a declared column can hold of them; what does not fit is kept as text."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from headwater.sql.moments import TIME_TYPES

Kind = Literal["whole", "real", "boolean", "text", "bytes", "time", "huge", "other"]
Fitted = tuple[Any, str | None, int | None]
"""The value as it is kept; else its text, because it does not fit; else microseconds since 1970, for times."""

_WHOLE: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
_HUGE: Final = frozenset({"UBIGINT", "HUGEINT", "UHUGEINT"})
_PLAIN: Final[Mapping[str, Kind]] = {
    "DOUBLE": "real", "FLOAT": "real", "BOOLEAN": "boolean", "VARCHAR": "text", "BLOB": "bytes",
}  # fmt: skip
_DIGITS: Final = re.compile(r"\s*[+-]?[0-9]{1,40}\s*")
_TRUTHS: Final = {"true": True, "t": True, "1": True, "yes": True, "false": False, "f": False, "0": False, "no": False}
_LONGEST_MICROS: Final = 253_402_300_800_000_000
"""The end of the year 9999; that far back, too."""
MICROS: Final[Mapping[str, int]] = {"s": 1_000_000, "ms": 1_000, "us": 1}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def kind_of(type_: str) -> Kind:
    """Say how values of a DuckDB type are kept before they are judged.

    >>> kind_of("BIGINT"), kind_of("TIMESTAMP WITH TIME ZONE"), kind_of("DECIMAL(9,2)")
    ('whole', 'time', 'other')
    """
    if type_ in _WHOLE:
        return "whole"
    if type_ in _HUGE:
        return "huge"
    return "time" if type_ in TIME_TYPES else _PLAIN.get(type_, "other")


@dataclass(frozen=True, slots=True)
class Manner:
    """How numbers become times, and whether only values count that an origin itself can compare (a cursor's)."""

    micros: int = MICROS["s"]
    """Microseconds of the unit in which numbers count since 1970."""
    is_strict: bool = False


def fit(value: Any, kind: Kind, manner: Manner) -> Fitted:
    """Fit one value; never raises."""
    try:
        plain = _plain(value)
        return (None, None, None) if plain is None else _FITS[kind](plain, manner)
    except (ValueError, TypeError, OverflowError, ArithmeticError):
        return None, shown(value), None


def _plain(value: Any) -> Any:
    """Give a scalar of NumPy as what it stands for (finer times as microseconds); all else as it is."""
    if not hasattr(value, "dtype") or not hasattr(value, "item"):
        return value
    unit = {"M": "datetime64[us]", "m": "timedelta64[us]"}.get(value.dtype.kind)
    return (value.astype(unit) if unit else value).item()


def shown(value: Any) -> str:
    r"""Give any value as text that every file can hold.

    >>> shown(b"\xff"), shown("a\udc80")
    ('\\xff', 'a\\udc80')
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    return str(value).encode("utf-8", "backslashreplace").decode()


def _kept(value: Any) -> Fitted:
    return value, None, None


def _whole(value: Any, manner: Manner) -> Fitted:
    if isinstance(value, str) and not manner.is_strict and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, float | Decimal) and value == int(value):
        value = int(value)
    if not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        raise ValueError
    return _kept(int(value))


def _real(value: Any, manner: Manner) -> Fitted:
    if isinstance(value, str) and (manner.is_strict or "_" in value):
        raise ValueError
    if isinstance(value, bytes | bytearray | memoryview):
        raise TypeError
    if manner.is_strict and float(value) != value:
        raise ValueError
    return _kept(float(value))


def _boolean(value: Any, manner: Manner) -> Fitted:
    del manner
    if isinstance(value, str):
        return _kept(_TRUTHS[value.strip().lower()]) if value.strip().lower() in _TRUTHS else (None, shown(value), None)
    if value in (0, 1):
        return _kept(bool(value))
    raise ValueError


def _text(value: Any, manner: Manner) -> Fitted:
    if isinstance(value, str):
        value.encode()
        return _kept(value)
    if manner.is_strict:
        raise TypeError
    if isinstance(value, bytes | bytearray | memoryview):
        return _kept(bytes(value).decode())
    return _kept(_written(value))


def _bytes(value: Any, manner: Manner) -> Fitted:
    del manner
    if isinstance(value, str):
        return _kept(value.encode())
    if isinstance(value, bytes | bytearray | memoryview):
        return _kept(bytes(value))
    raise TypeError


def _time(value: Any, manner: Manner) -> Fitted:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return None, None, _micros((value - _EPOCH) // _MICROSECOND)
    if isinstance(value, bool) or (manner.is_strict and isinstance(value, float)):
        raise TypeError
    if isinstance(value, int | float | Decimal):
        return None, None, _micros(math.floor(value * manner.micros))
    if isinstance(value, str | date):
        return _text(value if isinstance(value, str) else _written(value), manner)
    raise TypeError


def _micros(micros: int) -> int:
    if abs(micros) >= _LONGEST_MICROS:
        raise OverflowError
    return micros


def _huge(value: Any, manner: Manner) -> Fitted:
    del manner
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, float | Decimal) and value == int(value):
        value = int(value)
    if not isinstance(value, int):
        raise TypeError
    return _kept(str(int(value)))


def _other(value: Any, manner: Manner) -> Fitted:
    if isinstance(value, bytes | bytearray | memoryview):
        raise TypeError
    return _text(value if isinstance(value, str) else _written(value), manner)


def _written(value: Any) -> str:
    """Write a value as DuckDB reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, int | float | Decimal | date | time | timedelta | UUID):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


_FITS: Final[Mapping[Kind, Callable[[Any, Manner], Fitted]]] = {
    "whole": _whole, "real": _real, "boolean": _boolean, "text": _text, "bytes": _bytes, "time": _time, "huge": _huge,
    "other": _other,
}  # fmt: skip
