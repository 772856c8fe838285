"""Schedules and pipelines as tests write them, and times as people read them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from headwater.schedule.fires import fires
from headwater.spec.schedules import Deadline, Timetable, Trigger


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """What planning asks of a pipeline."""

    schedule: tuple[Timetable, ...] = ()
    when: Trigger | None = None
    continuous_s: float | None = None
    max_active: int = 1
    deadline: Deadline | None = None


def at(text: str, zone: str = "UTC") -> datetime:
    """Give a moment for a local time such as ``2024-03-10 02:30``."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def daily(cron: str = "0 6 * * *", zone: str = "UTC", **keys) -> Pipeline:
    """Give a pipeline with one schedule."""
    return Pipeline(schedule=(Timetable(cron=cron, timezone=zone, **keys),))


def fired(schedule: Timetable, after: str, until: str) -> list[str]:
    """Give the local times, with the offset, at which a schedule fires between two local times."""
    zone = ZoneInfo(schedule.timezone)
    found = fires(schedule, at(after, schedule.timezone), at(until, schedule.timezone))
    return [f"{moment.astimezone(zone):%m-%d %H:%M %z}" for moment in found]


def cron(line: str, zone: str = "UTC", **keys) -> Timetable:
    """Give a schedule by a cron line."""
    return Timetable(cron=line, timezone=zone, **keys)


def every(length: str, zone: str = "UTC", **keys) -> Timetable:
    """Give a schedule that fires every so often."""
    return Timetable(every=length, timezone=zone, **keys)
