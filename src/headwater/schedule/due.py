"""Which runs a pipeline's schedules ask for now, and how far that settles its past."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from headwater.schedule.fires import EARLIEST, fires, last_fire, merged, next_fire
from headwater.spec.schedules import Timetable

GRACE: Final = timedelta(seconds=60)
"""A time that passed so short ago is not one that was missed."""
MOST: Final = 1000
"""So many orders of a pipeline may wait: the others are given later."""
SETTLED: Final = timedelta(minutes=10)
"""So long may the note of how far a pipeline has fired lag: a changed schedule has no more past than that."""
_TICK: Final = timedelta(microseconds=1)


class Timed(Protocol):
    """What is asked of a pipeline here (``graph.values.PipelineNode`` has it)."""

    @property
    def schedule(self) -> tuple[Timetable, ...]: ...  # noqa: D102 - as in PipelineNode
    @property
    def continuous_s(self) -> float | None: ...  # noqa: D102 - as above
    @property
    def max_active(self) -> int: ...  # noqa: D102 - as above


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a pipeline stands: how far it has fired (None: it was never looked at), and its runs under way."""

    fired_until: datetime | None = None
    is_paused: bool = False
    running: int = 0
    waiting: int = 0
    """Orders that wait for a worker."""


@dataclass(frozen=True, slots=True)
class Fire:
    """One run to order: the time it is for, and why, for people."""

    at: datetime
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What to order, and what is settled by it: to be written in one transaction with the orders."""

    fires: tuple[Fire, ...] = ()
    """Oldest first."""
    fired_until: datetime | None
    """All times up to here are settled. Never earlier than it was."""
    was: datetime | None = None
    """Up to where they were settled before."""
    passed_over: int = 0
    """How many times are settled without an order, by ``catch_up`` or since a run waits already (``MOST`` at most)."""
    next_at: datetime | None = None
    """Nothing changes by itself before: when to look again; None: never."""

    @property
    def is_news(self) -> bool:
        """Whether ``fired_until`` must be written now; otherwise it makes no difference."""
        if self.fires or self.passed_over or self.fired_until is None or self.was is None:
            return bool(self.fires) or self.fired_until != self.was
        return self.fired_until - self.was >= SETTLED


def due(pipeline: Timed, standing: Standing, now: datetime) -> Due:
    """Say which runs to order now, for scheduled times since the last look.

    A pipeline that was never looked at starts from now, unless a schedule has a ``start`` and ``catch_up: all``. While
    it is paused nothing is settled, so that ``catch_up`` decides about the pause, too. A clock that goes back stops
    its schedules until it has come to where it was.
    """
    if pipeline.continuous_s is not None:
        return _continuous(pipeline.continuous_s, standing, now)
    since = standing.fired_until
    if standing.is_paused:
        started = since or (None if any(map(_has_past, pipeline.schedule)) else now)
        return Due(fired_until=started, was=since)
    if not pipeline.schedule:
        return Due(fired_until=max(since or now, now), was=since)
    if since is not None and ((next_at := _next(pipeline.schedule, since)) is None or next_at > now):
        return Due(fired_until=max(since, now), was=since, next_at=next_at)
    each, is_cut = _each(pipeline.schedule, standing, now)
    settled = now if not is_cut else each[-1] if each else since
    newest = _newest(pipeline.schedule, since, now)
    if newest is not None and is_cut and (settled is None or newest > settled):
        newest = None  # its turn comes after those before it
    passed = _passed(pipeline.schedule, since, newest or settled) if since and settled else 0
    orders = [Fire(at, _scheduled(pipeline.schedule, at) + _late(at, now)) for at in each]
    if newest is not None and newest not in each:
        if is_full(pipeline, replace(standing, waiting=standing.waiting + len(each))):
            passed += 1
        else:
            orders.append(Fire(newest, _scheduled(pipeline.schedule, newest) + _over(passed)))
    return Due(
        fires=tuple(sorted(orders, key=lambda fire: fire.at)),
        fired_until=settled,
        was=since,
        passed_over=passed,
        next_at=now if is_cut else _after(pipeline.schedule, now),
    )


def _after(schedules: tuple[Timetable, ...], now: datetime) -> datetime | None:
    """Give the first time after now: it is looked for once a minute, whoever asks how often."""
    found = _next(schedules, now.replace(second=0, microsecond=0))
    return found if found is None or found > now else next_fire(schedules, now)


@lru_cache(maxsize=8192)
def _next(schedules: tuple[Timetable, ...], since: datetime) -> datetime | None:
    """Give the first time after ``since``: the same for all looks until then."""
    return next_fire(schedules, since)


def is_full(pipeline: Timed, standing: Standing) -> bool:
    """Whether one more order joins the one that waits: as many as may are under way, and what waits will see it all."""
    return standing.waiting > 0 and standing.running + standing.waiting >= pipeline.max_active


def _continuous(pause_s: float, standing: Standing, now: datetime) -> Due:
    """Order one run so long after the last one was ordered, never while another is under way; none is caught up."""
    since = standing.fired_until
    if standing.is_paused:
        return Due(fired_until=since, was=since)
    at = since + timedelta(seconds=pause_s) if since else now
    if standing.running or standing.waiting or now < at:
        return Due(fired_until=since, was=since, next_at=max(at, now))
    fire = Fire(now, f"continuous, every {pause_s:g}s")
    return Due(fires=(fire,), fired_until=now, was=since, next_at=now + timedelta(seconds=pause_s))


def _each(schedules: Iterable[Timetable], standing: Standing, now: datetime) -> tuple[list[datetime], bool]:
    """Give the times that are run one by one, and whether there are more than may wait."""
    since = standing.fired_until
    each = [schedule for schedule in schedules if schedule.catch_up == "all" and (since or schedule.start)]
    room = max(0, MOST - standing.waiting)
    found = list(islice(merged(each, since or EARLIEST, now), room + 1))
    return found[:room], len(found) > room


def _has_past(schedule: Timetable) -> bool:
    """Whether a schedule asks for times before its pipeline was first looked at."""
    return schedule.start is not None and schedule.catch_up == "all"


def _newest(schedules: Iterable[Timetable], since: datetime | None, now: datetime) -> datetime | None:
    """Give the time to run for schedules of which only the last is run."""
    if since is None:
        return None
    found = [
        last_fire(each, since if each.catch_up == "latest" else max(since, now - GRACE), now)
        for each in schedules
        if each.catch_up != "all"
    ]
    return max((at for at in found if at is not None), default=None)


def _passed(schedules: Iterable[Timetable], since: datetime, until: datetime) -> int:
    """Count the times before ``until`` of schedules of which only the last is run."""
    some = [each for each in schedules if each.catch_up != "all"]
    before = merged(some, since, until)
    return sum(1 for at in islice(before, MOST) if at != until)


def _scheduled(schedules: Iterable[Timetable], at: datetime) -> str:
    """Say for which time a run is, in the time zone of the schedule that asks for it."""
    zone = next((each.timezone for each in schedules if any(fires(each, at - _TICK, at))), "UTC")
    local = at.astimezone(ZoneInfo(zone))
    seconds = f":{local:%S}" if local.second else ""
    return f"scheduled for {local:%Y-%m-%d %H:%M}{seconds} {zone}"


def _late(at: datetime, now: datetime) -> str:
    return ", caught up" if now - at > GRACE else ""


def _over(passed: int) -> str:
    if not passed:
        return ""
    return f", {passed}{' or more' * (passed == MOST)} earlier time{'s' * (passed > 1)} passed over"
