"""What schedules do that nobody may have meant: fire at the same time, seldom, or never on a day that is excepted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from headwater.schedule.fires import EARLIEST, LATEST, fires
from headwater.spec.schedules import Timetable

YEAR: Final = timedelta(days=366)
_DAY: Final = timedelta(days=1)
_TICK: Final = timedelta(microseconds=1)
_MOST_STEPS: Final = 500


def meeting(one: Timetable, other: Timetable, now: datetime) -> datetime | None:
    """Give the first minute of the next year in which two schedules both fire; None: they do not, as far as was seen.

    They are followed in turns, each to where the other is, for a bounded number of steps.
    """
    after, until = now, now + YEAR
    for _ in range(_MOST_STEPS):
        first, second = (next(fires(each, after, until), None) for each in (one, other))
        if first is None or second is None:
            return None
        earlier, later = sorted((_minute(first), _minute(second)))
        if earlier == later:
            return earlier
        after = later - _TICK
    return None


def idle_days(schedule: Timetable) -> Iterator[str]:
    """Give the excepted days on which a schedule would not fire anyway."""
    free, zone = replace(schedule, except_=()), ZoneInfo(schedule.timezone)
    for text in schedule.except_:
        day = date.fromisoformat(text)
        if not EARLIEST.year < day.year < LATEST.year:
            yield text
            continue
        start, end = (datetime(d.year, d.month, d.day, tzinfo=zone).astimezone(UTC) for d in (day, day + _DAY))
        if not any(True for _ in fires(free, start - _TICK, end - _TICK)):
            yield text


def seldom(schedule: Timetable, now: datetime) -> datetime | None:
    """Give the next time of a schedule that does not fire within a year of a moment, or of its start; else None."""
    since = max(now, schedule.start - _TICK) if schedule.start else now
    found = next(fires(schedule, since, since + 60 * YEAR), None)
    return found if found is not None and found - since > YEAR else None


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
