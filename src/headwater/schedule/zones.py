"""The stretches of time in which a zone keeps one offset: between them local hours are skipped or doubled."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start, end) in UTC without a zone; local time there is UTC + ``offset``, and was UTC + ``before`` until then."""

    start: datetime
    end: datetime
    offset: timedelta
    before: timedelta


def stretches(zone: str, after: datetime, until: datetime) -> Iterator[Stretch]:
    """Give the stretches that hold times in (after, until], in order; both are in UTC, without a zone.

    The end of a year ends one, too, so that nobody waits for the next change of a zone that has none.
    """
    start = datetime(after.year - 1, 1, 1)  # noqa: DTZ001 - all times here are UTC without saying so
    offset = before = offset_at(zone, start)
    for year in count(start.year):
        new_year = datetime(year + 1, 1, 1)  # noqa: DTZ001 - as above
        for at, changed in _changes(zone, year):
            if at > after:
                yield Stretch(start, at, offset, before)
            start, offset, before = at, changed, offset
        if new_year - start > _DAY:
            if new_year > after:
                yield Stretch(start, new_year, offset, before)
            start, before = new_year, offset
        if start > until:
            return


def offset_at(zone: str, moment: datetime) -> timedelta:
    """Give what a zone adds to UTC at a moment (in UTC, without a zone)."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)


@lru_cache(maxsize=4096)
def _changes(zone: str, year: int) -> tuple[tuple[datetime, timedelta], ...]:
    """Give the moments of a year at which a zone's offset changes, with the new one: once a day at most."""
    found = []
    day, end = datetime(year, 1, 1), datetime(year + 1, 1, 1)  # noqa: DTZ001 - as above
    offset = offset_at(zone, day)
    while day < end:
        after = offset_at(zone, day + _DAY)
        if after != offset:
            found.append((_first_with(zone, after, day, day + _DAY), after))
        day, offset = day + _DAY, after
    return tuple(found)


def _first_with(zone: str, offset: timedelta, before: datetime, after: datetime) -> datetime:
    """Find the second from which on a zone has an offset that it has ``after`` and not ``before``."""
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (before, middle) if offset_at(zone, middle) == offset else (middle, after)
    return after
