"""How times, texts and long lists stand in columns and statements."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final, TypeVar

_T = TypeVar("_T")
_CHUNK: Final = 500
"""Values per statement: far below the limits of SQLite and Postgres, and large enough that statements do not matter."""

NUL: Final = "\ufdd0"
"""What stands for NUL where a database has none: a code point that is no character, and never will be."""


def stamp(at: datetime) -> str:
    """Write an aware time as UTC text of fixed width, so that texts compare like times; ValueError if it is naive.

    >>> stamp(datetime(2013, 1, 1, tzinfo=UTC))
    '2013-01-01T00:00:00.000000Z'
    """
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def moment(text: str) -> datetime:
    """Read what ``stamp`` wrote."""
    return datetime.fromisoformat(text)


def optional_stamp(at: datetime | None) -> str | None:
    """Write a time that may be unknown."""
    return None if at is None else stamp(at)


def optional_moment(text: str | None) -> datetime | None:
    """Read a time that may be unknown."""
    return None if text is None else moment(text)


def storable(text: str) -> str:
    r"""Make any text fit a column: bytes that were no UTF-8 (lone surrogates) become escapes.

    >>> storable("a\udc80")
    'a\\udc80'
    """
    return text.encode("utf-8", "backslashreplace").decode()


def chunks(values: Iterable[_T]) -> Iterator[list[_T]]:
    """Cut a list into pieces that one statement can take.

    >>> [len(piece) for piece in chunks(range(1001))]
    [500, 500, 1]
    """
    iterator = iter(values)
    while piece := list(islice(iterator, _CHUNK)):
        yield piece


def marks(count: int) -> str:
    """Give that many placeholders for an IN list.

    >>> marks(3)
    '?, ?, ?'
    """
    return ", ".join("?" * count)
