"""Until when a run must have ended, and whether it will."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from math import ceil
from typing import Final, Literal, Protocol
from zoneinfo import ZoneInfo

from headwater.schedule.fires import fires
from headwater.spec.schedules import Deadline, Timetable

Outlook = Literal["on_track", "at_risk", "missed"]
TYPICAL: Final = 0.8
"""What a run may be expected to take: so many of the past ones took no longer."""
_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


class Bounded(Protocol):
    """What is asked of a pipeline here (``graph.values.PipelineNode`` has it)."""

    @property
    def schedule(self) -> tuple[Timetable, ...]: ...  # noqa: D102 - as in PipelineNode
    @property
    def deadline(self) -> Deadline | None: ...  # noqa: D102 - as above


def deadline_of(pipeline: Bounded, fire_at: datetime) -> datetime | None:
    """Give the moment at which a run that was due at ``fire_at`` must have ended, in UTC; None: whenever.

    A local time is that of the schedule which fires then (else of the first one, else of the project), on the local
    day of ``fire_at``; if it is over by then, on the day after.
    """
    deadline = pipeline.deadline
    if deadline is None:
        return None
    if deadline.after_s is not None:
        return fire_at + timedelta(seconds=deadline.after_s)
    firing = [each for each in pipeline.schedule if any(fires(each, fire_at - _TICK, fire_at))]
    zone = ZoneInfo(next((each.timezone for each in (*firing, *pipeline.schedule)), deadline.timezone))
    day, at = fire_at.astimezone(zone).date(), time.fromisoformat(deadline.at)
    found = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
    return found if found > fire_at else datetime.combine(day + _DAY, at, tzinfo=zone).astimezone(UTC)


def outlook(
    deadline: datetime, started_at: datetime | None, now: datetime, past_durations_s: Sequence[float]
) -> Outlook:
    """Say whether a run that has not ended (None: nor started) will end in time, by how long the past ones took.

    It is at risk when what is left of a typical duration ends after the deadline. Without a past nothing is foreseen.
    """
    if now >= deadline:
        return "missed"
    if not past_durations_s:
        return "on_track"
    durations = sorted(past_durations_s)
    typical = durations[ceil(TYPICAL * len(durations)) - 1]
    elapsed = max(0.0, (now - started_at).total_seconds()) if started_at else 0.0
    left = timedelta(seconds=max(0.0, typical - elapsed))
    return "at_risk" if now + left > deadline else "on_track"
