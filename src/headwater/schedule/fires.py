"""The times at which a schedule fires, in any stretch of time, however long."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from typing import Final

from headwater.schedule.patterns import CronPattern, DayPattern, Pattern
from headwater.schedule.zones import Stretch, offset_at, stretches
from headwater.spec.schedules import Timetable
from headwater.spec.units import parse_every

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Nothing fires before the one, nor after the other."""
_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_CORRECTION: Final = timedelta(hours=3)
"""Clocks that jump so far are set right (a day is left out at the date line): no time is made up for, or left out."""
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - local times have no zone here
_EPOCH_MONDAY: Final = datetime(1970, 1, 5)  # noqa: DTZ001 - as above
_WINDOWS: Final = tuple(timedelta(minutes=m) for m in (1, 15, 240, 1440, 10_080, 46_080, 527_040, 3_000_000))
_FAR: Final = timedelta(days=60 * 366)


def fires(schedule: Timetable, after: datetime, until: datetime) -> Iterator[datetime]:
    """Give the times in (after, until] at which a schedule fires, in UTC, in order, each when it is asked for.

    A time of the day that a change of the clock skips fires right after the gap, one that comes twice fires the first
    time only. Times of every hour or minute (``*`` in cron) are those of the clock as it goes: skipped ones are none,
    doubled ones are two.
    """
    first = max(after, schedule.start - _TICK, EARLIEST) if schedule.start else max(after, EARLIEST)
    last = min(until, schedule.end - _TICK, LATEST) if schedule.end else min(until, LATEST)
    if first < last:
        first, last = (moment.astimezone(UTC).replace(tzinfo=None) for moment in (first, last))
        times = _stepwise if schedule.every and not parse_every(schedule.every).is_calendar else _local
        for moment in times(schedule, first, last):
            yield moment.replace(tzinfo=UTC)


def next_fire(schedules: Iterable[Timetable], after: datetime) -> datetime | None:
    """Give the first time after a moment at which one of some schedules fires; None: there is none for 60 years."""
    return next(merged(schedules, after, min(after, LATEST) + _FAR), None)


def last_fire(schedule: Timetable, after: datetime, until: datetime) -> datetime | None:
    """Give the last time in (after, until] at which a schedule fires, without going through all of them."""
    upper = min(until, schedule.end) if schedule.end else until
    for window in _WINDOWS:
        lower = max(after, upper - window) if upper - EARLIEST > window else after
        *_, last = (None, *fires(schedule, lower, until))
        if last or lower <= after:
            return last
    *_, last = (None, *fires(schedule, after, until))
    return last


def merged(schedules: Iterable[Timetable], after: datetime, until: datetime) -> Iterator[datetime]:
    """Give the times in (after, until] at which any of some schedules fires: each once, in order."""
    before = None
    for moment in merge(*(fires(schedule, after, until) for schedule in schedules)):
        if moment != before:
            yield moment
        before = moment


def _stepwise(schedule: Timetable, after: datetime, until: datetime) -> Iterator[datetime]:
    """Hours and shorter are counted in elapsed time, as slots are: from local midnight of 1970-01-01."""
    if schedule.start:
        begin = schedule.start.astimezone(UTC).replace(tzinfo=None)
    else:
        begin = _EPOCH - offset_at(schedule.timezone, _EPOCH)
    step = timedelta(seconds=parse_every(schedule.every).step_s)
    skipped = frozenset(map(date.fromisoformat, schedule.except_))
    moment = begin + ((after - begin) // step + 1) * step
    while moment <= until:
        if skipped and (moment + offset_at(schedule.timezone, moment)).date() in skipped:
            moment += step
            continue
        yield moment
        moment += step


def _local(schedule: Timetable, after: datetime, until: datetime) -> Iterator[datetime]:
    pattern = _pattern(schedule)
    skipped = frozenset(map(date.fromisoformat, schedule.except_))
    last = after
    if pattern.at_or_after(after - _DAY) is None:
        return
    for stretch in stretches(schedule.timezone, after, until):
        for moment in _within(stretch, pattern, skipped, last):
            if moment > until:
                return
            yield moment
            last = moment


def _within(stretch: Stretch, pattern: Pattern, skipped: frozenset[date], after: datetime) -> Iterator[datetime]:
    """Give a stretch's times after a moment: those of its local clock, and one for all that were skipped before it."""
    offset, shift = stretch.offset, stretch.offset - stretch.before
    is_mended = pattern.is_fixed and abs(shift) < _CORRECTION
    local = stretch.start + offset
    if is_mended and shift > timedelta(0) and stretch.start > after:
        missed = pattern.at_or_after(stretch.start + stretch.before)
        if missed is not None and missed < local and local.date() not in skipped:
            yield stretch.start
            local += _TICK
    if is_mended and shift < timedelta(0):
        local = stretch.start + stretch.before
    local = max(local, after + offset + _TICK)
    while (found := pattern.at_or_after(local)) is not None and found - offset < stretch.end:
        if found.date() in skipped:
            local = datetime.combine(found.date() + _DAY, time())
            continue
        yield found - offset
        local = found + _TICK


def _pattern(schedule: Timetable) -> Pattern:
    if schedule.cron:
        return CronPattern(schedule.cron)
    every = parse_every(schedule.every)
    if schedule.start:
        start = schedule.start.astimezone(UTC).replace(tzinfo=None)
        first = start + offset_at(schedule.timezone, start)
    else:
        first = _EPOCH_MONDAY if every.unit == "w" else _EPOCH
    if every.unit == "mo":
        return DayPattern(first if schedule.start else _first_month(every.count), months=every.count)
    return DayPattern(first, days=every.count * (7 if every.unit == "w" else 1))


def _first_month(count: int) -> datetime:
    """Give a month from which slots of so many months are counted, too."""
    month = -(-12 // count) * count
    return datetime(month // 12, month % 12 + 1, 1)  # noqa: DTZ001 - as above
