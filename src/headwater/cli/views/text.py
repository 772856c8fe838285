"""Words and numbers for a person: how wide they are, how large, how long; nothing that moves the cursor."""

import unicodedata
from datetime import UTC, datetime

from headwater.events.quantities import count, duration, size

__all__ = ["clean", "count", "duration", "fit", "moment", "pad", "size", "slot", "slot_utc", "width"]


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
