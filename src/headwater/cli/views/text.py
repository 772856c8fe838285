"""Words and numbers for a person: how wide they are, how large, how long; nothing that moves the cursor."""

import unicodedata
from datetime import UTC, datetime
from typing import Final

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_THOUSAND: Final = 1000
_UNITS: Final = (
    ("min", _MINUTE, "s", 1, _HOUR),
    ("h", _HOUR, "min", _MINUTE, _DAY),
    ("d", _DAY, "h", _HOUR, float("inf")),
)
"""Unit, its seconds, the next smaller unit, its seconds, from where on a larger unit is used."""


def clean(text: str) -> str:
    r"""Show what would otherwise move the cursor, colour the screen or break a line.

    >>> clean("a\x1b[31m\nb")
    'a\\x1b[31m\\nb'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == " " else c.encode("unicode_escape").decode() for c in text)


def width(text: str) -> int:
    """How many columns of a terminal a text takes.

    >>> width("abc"), width("日本"), width("e\u0301")
    (3, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(_width(c) for c in text)


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, columns: int) -> str:
    """Cut a text to so many columns, with an ellipsis where something is missing.

    >>> fit("departures", 5), fit("abc", 3)
    ('depa…', 'abc')
    """
    if width(text) <= columns:
        return text
    taken, room = [], columns - 1
    for character in text:
        room -= _width(character)
        if room < 0:
            break
        taken.append(character)
    return "".join(taken) + "…"


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Fill a text with blanks to so many columns; ``right`` puts it at the right."""
    blanks = " " * max(0, columns - width(text))
    return blanks + text if right else text + blanks


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


def moment(at: datetime | None) -> str:
    """Write a time in UTC to the second.

    >>> moment(datetime(2013, 1, 1, 5, tzinfo=UTC)), moment(None)
    ('2013-01-01 05:00:00Z', '-')
    """
    return "-" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def slot(text: str | None, timezone: str = "UTC") -> str:
    """Write a slot's start in its time zone, as short as it can be.

    >>> slot("2013-01-01T00:00:00Z"), slot("2013-01-01T05:00:00Z"), slot("all")
    ('2013-01-01', '2013-01-01 05:00', 'all')
    >>> slot("2013-01-01T05:00:00Z", "America/New_York")
    '2013-01-01'
    """
    if not text or "T" not in text:
        return text or "-"
    day, _, rest = _local(text, timezone).partition("T")
    rest = rest[: len("00:00:00")]
    return day if rest == "00:00:00" else f"{day} {rest.removesuffix(':00')}"


def slot_utc(text: str | None) -> str:
    """Write a slot's start in UTC, with the zone where it has a time of day.

    >>> slot_utc("2013-01-01T00:00:00Z"), slot_utc("2013-01-01T05:00:00Z")
    ('2013-01-01', '2013-01-01 05:00Z')
    """
    written = slot(text)
    return f"{written}Z" if " " in written else written


def _local(text: str, timezone: str) -> str:
    if timezone == "UTC":
        return text
    from zoneinfo import ZoneInfo

    return datetime.fromisoformat(text).astimezone(ZoneInfo(timezone)).isoformat()
