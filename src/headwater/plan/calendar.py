"""Slots and time: which interval a slot is, which slots cover a stretch of time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from headwater.spec.addresses import Slot
from headwater.spec.units import Every, parse_every

Interval = tuple[datetime, datetime]
"""(start, end), end excluded; both aware, in UTC."""

_EPOCH_MONDAY = date(1970, 1, 5).toordinal()
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_STEP_S = {"s": 1, "m": 60, "h": 3600}


def slot_of(start: datetime) -> Slot:
    """Name the slot that begins at an instant.

    >>> slot_of(datetime(2013, 1, 1, 5, tzinfo=UTC))
    '2013-01-01T05:00:00Z'
    """
    return Slot(start.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z")


def start_of(slot: Slot) -> datetime:
    """Give the instant at which a named slot begins."""
    return datetime.fromisoformat(slot[:-1]).replace(tzinfo=UTC)


def overlap(interval: Interval, others: Iterable[Interval]) -> bool:
    """Say whether a stretch of time shares an instant with any of some others."""
    return any(interval[0] < end and start < interval[1] for start, end in others)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Cuts time into slots of length ``every``, counted from a fixed epoch in a time zone.

    Days, weeks (from Monday) and months follow the local calendar, so a day may have 23 or 25 hours; shorter slots
    are counted in elapsed seconds from local midnight of 1970-01-01.

    >>> new_york = Calendar.of("1d", "America/New_York")
    >>> new_york.slot_at(datetime(2013, 3, 10, 12, tzinfo=UTC))
    '2013-03-10T05:00:00Z'
    >>> [str(end - start) for start, end in [new_york.interval(Slot("2013-03-10T05:00:00Z"))]]
    ['23:00:00']
    """

    every: Every
    zone: ZoneInfo

    @classmethod
    def of(cls, every: str, timezone: str) -> "Calendar":
        """Make it from the slot length as written and an IANA time zone."""
        return _calendar(every, timezone)

    def floor(self, instant: datetime) -> datetime:
        """Give the start of the slot that holds an instant."""
        if not self.every.is_calendar:
            epoch, step = self._epoch(), self._step()
            return epoch + (instant - epoch) // step * step
        day = instant.astimezone(self.zone).date()
        start = self._midnight(self._first_day(day))
        return start if start <= instant else self._midnight(self._first_day(day - timedelta(days=1)))

    def next(self, start: datetime) -> datetime:
        """Give the start of the slot after the one that begins at ``start``."""
        if not self.every.is_calendar:
            return start + self._step()
        day = start.astimezone(self.zone).date()
        return self._midnight(self._after(self._first_day(day)))

    def slot_at(self, instant: datetime) -> Slot:
        """Name the slot that holds an instant."""
        return slot_of(self.floor(instant))

    def interval(self, slot: Slot) -> Interval:
        """Give a named slot's interval."""
        start = start_of(slot)
        return start, self.next(start)

    def around(self, start: datetime, end: datetime) -> Interval:
        """Give the smallest stretch of whole slots that holds [start, end)."""
        last = self.floor(end)
        return self.floor(start), last if last == end else self.next(last)

    def starts(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Give the starts of all slots that overlap [start, end), in order."""
        if start >= end:
            return
        at = self.floor(start)
        while at < end:
            yield at
            at = self.next(at)

    def _step(self) -> timedelta:
        return timedelta(seconds=self.every.count * _STEP_S[self.every.unit])

    def _epoch(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=self.zone).astimezone(UTC)

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def _first_day(self, day: date) -> date:
        count = self.every.count
        if self.every.unit == "mo":
            month = (day.year * 12 + day.month - 1) // count * count
            return date(month // 12, month % 12 + 1, 1)
        epoch, days = (_EPOCH_DAY, count) if self.every.unit == "d" else (_EPOCH_MONDAY, 7 * count)
        return date.fromordinal(epoch + (day.toordinal() - epoch) // days * days)

    def _after(self, first: date) -> date:
        if self.every.unit == "mo":
            month = first.year * 12 + first.month - 1 + self.every.count
            return date(month // 12, month % 12 + 1, 1)
        return first + timedelta(days=self.every.count * (1 if self.every.unit == "d" else 7))


@lru_cache(maxsize=256)
def _calendar(every: str, timezone: str) -> Calendar:
    return Calendar(parse_every(every), ZoneInfo(timezone))
