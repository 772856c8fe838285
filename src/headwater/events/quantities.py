"""Numbers, sizes and durations in words."""

from typing import Final

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_THOUSAND: Final = 1000
_UNITS: Final = (
    ("min", _MINUTE, "s", 1, _HOUR),
    ("h", _HOUR, "min", _MINUTE, _DAY),
    ("d", _DAY, "h", _HOUR, float("inf")),
)
"""Unit, its seconds, the next smaller unit, its seconds, from where on a larger unit is used."""


def count(number: int, noun: str = "", plural: str = "") -> str:
    """Write a number with its noun.

    >>> count(336776, "row"), count(1, "row"), count(2, "entry", "entries")
    ('336,776 rows', '1 row', '2 entries')
    """
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number_bytes: float) -> str:
    """Write a size.

    >>> size(12), size(12_345_678)
    ('12 B', '12.3 MB')
    """
    unit, value = "B", float(number_bytes)
    for larger in ("kB", "MB", "GB", "TB"):
        if value < _THOUSAND:
            break
        unit, value = larger, value / _THOUSAND
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"


def duration(seconds: float) -> str:
    """Write a duration in the two largest units that matter.

    >>> [duration(s) for s in (0.0421, 3.21, 61, 7261, 90000, -1.5)]
    ['42 ms', '3.2 s', '1 min 1 s', '2 h 1 min', '1 d 1 h', '-1.5 s']
    """
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 1:
        return f"{seconds * _THOUSAND:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    unit, of, smaller, part = next(each for each in _UNITS if seconds < each[4])[:4]
    whole, rest = divmod(int(seconds), of)
    return f"{whole} {unit} {rest // part} {smaller}" if rest // part else f"{whole} {unit}"
