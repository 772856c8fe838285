"""The narrowest type that holds every value of several types exactly; text where there is none."""

import re
from collections.abc import Iterable
from typing import Final

TEXT: Final = "VARCHAR"
_ABOVE: Final[dict[str, tuple[str, ...]]] = {
    "TINYINT": ("SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE"),
    "UTINYINT": ("SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "BIGINT", "UBIGINT", "HUGEINT", "FLOAT", "DOUBLE"),
    "SMALLINT": ("INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE"),
    "USMALLINT": ("INTEGER", "UINTEGER", "BIGINT", "UBIGINT", "HUGEINT", "FLOAT", "DOUBLE"),
    "INTEGER": ("BIGINT", "HUGEINT", "DOUBLE"),
    "UINTEGER": ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"),
    "BIGINT": ("HUGEINT",),
    "UBIGINT": ("HUGEINT",),
    "FLOAT": ("DOUBLE",),
    "DATE": ("TIMESTAMP",),
}
"""Type → the types that hold each of its values exactly; from narrow to wide."""
_TOPS: Final = ("HUGEINT", "DOUBLE", "TIMESTAMP")
_DIGITS: Final = {"TINYINT": 3, "UTINYINT": 3, "SMALLINT": 5, "USMALLINT": 5, "INTEGER": 10, "UINTEGER": 10,
                  "BIGINT": 19, "UBIGINT": 20}  # fmt: skip
_DECIMAL: Final = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_MOST_DIGITS: Final = 38


def widest(types: Iterable[str]) -> str:
    """Give the narrowest type that holds every value of all of these exactly; text where there is none.

    It is a function of the set: the order in which types are met does not matter, and text stays text.

    >>> widest(["INTEGER", "DOUBLE"]), widest(["BIGINT", "DOUBLE"]), widest(["DATE", "TIMESTAMP"])
    ('DOUBLE', 'VARCHAR', 'TIMESTAMP')
    """
    found = set(types)
    if len(found) == 1:
        return next(iter(found))
    if any(each.startswith("DECIMAL") for each in found):
        return _decimal(found)
    bounds = [each for each in (*_ABOVE, *_TOPS) if all(each in (one, *_ABOVE.get(one, ())) for one in found)]
    return bounds[0] if bounds else TEXT


def _decimal(types: set[str]) -> str:
    digits = [_digits(each) for each in types]
    parts = [each for each in digits if each is not None]
    if len(parts) < len(digits):
        return TEXT
    whole, scale = (max(part[at] for part in parts) for at in (0, 1))
    return f"DECIMAL({whole + scale},{scale})" if whole + scale <= _MOST_DIGITS else TEXT


def _digits(type_: str) -> tuple[int, int] | None:
    """Digits before and behind the point; None for what is no exact number."""
    if type_ in _DIGITS:
        return _DIGITS[type_], 0
    match = _DECIMAL.fullmatch(type_)
    return (int(match[1]) - int(match[2]), int(match[2])) if match else None
