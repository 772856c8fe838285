"""When a pipeline runs by itself: schedules and conditions as written, and as a release keeps them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from headwater.spec.fields import Doc
from headwater.spec.origin import NOWHERE, Origin
from headwater.spec.units import Every

CatchUp = Literal["all", "latest", "none"]
"""What becomes of scheduled times that nobody saw pass: each is run, the last is, or none."""
TriggerKind = Literal["updated", "files", "webhook", "message", "any", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """At which times a pipeline runs; a text alone is its ``cron``."""

    cron: Annotated[
        str,
        Doc(
            "minute, hour, day of month, month, weekday (a field before them: seconds), or `@daily` and its like; a "
            "local time that a change of the clock skips runs right after it, one that comes twice runs once",
            "15 6 * * *",
        ),
    ] = ""
    every: Annotated[
        Every | None,
        Doc("instead of `cron`: the time between two runs, counted from `start`, else as slots are", "15m"),
    ] = None
    timezone: Annotated[str, Doc("time zone of `cron`, of days, and of times without one; default: the project's")] = ""
    start: Annotated[datetime | None, Doc("no run before it")] = None
    end: Annotated[datetime | None, Doc("no run from it on")] = None
    catch_up: Annotated[
        CatchUp,
        Doc(
            "what becomes of times that passed while no server ran, or while the pipeline was paused: all: each is "
            "run, oldest first; latest: only the last; none: only one that is less than a minute ago"
        ),
    ] = "latest"
    except_: Annotated[
        tuple[str, ...], Doc("days of its time zone, or names of `calendars`, on which it does not run", "[2026-12-25]")
    ] = ()
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must happen for a pipeline to run: one of its keys."""

    updated: Annotated[tuple[str, ...], Doc("one of these nodes has new data, of whatever pipeline; sources, too")] = ()
    files: Annotated[tuple[str, ...], Doc("files that match a pattern come, go or change", "data/in/*.csv")] = ()
    webhook: Annotated[str, Doc("somebody posts to the webhook of this name, signed with `secret`")] = ""
    secret: Annotated[str, Doc("with `webhook`: a reference to its secret", "${env:PUSH_SECRET}")] = ""
    message: Annotated[str, Doc("a message of this name comes")] = ""
    any_: Annotated[tuple["Condition", ...], Doc("one of these conditions holds")] = ()
    all_: Annotated[
        tuple["Condition", ...],
        Doc("each of these conditions has come to hold since `when` last made the pipeline run"),
    ] = ()
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """A schedule as a release keeps it: nothing is left to defaults, times are in UTC."""

    cron: str = ""
    every: str = ""
    """Either is empty."""
    timezone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None
    """Excluded."""
    catch_up: CatchUp = "latest"
    except_: tuple[str, ...] = ()
    """Days of its time zone (ISO 8601), sorted."""

    def __str__(self) -> str:
        """Say it as people write it: ``15 6 * * * America/New_York``."""
        return " ".join(part for part in (self.cron or f"every {self.every}", self.timezone) if part != "UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A condition as a release keeps it."""

    kind: TriggerKind
    name: str = ""
    """Of the node, of the webhook or message, or the pattern of files; empty for ``any`` and ``all``."""
    secret: str = ""
    """Of a webhook: the reference, never the secret."""
    of: tuple["Trigger", ...] = ()
    """The parts of ``any`` and ``all``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Until when a run should have ended: at a local time, or so long after it was due."""

    at: str = ""
    """Local time, ``07:00`` or ``07:00:30``; that of the next day where the run is due later than that."""
    after_s: float | None = None
    timezone: str = "UTC"
    """The zone of ``at``, for runs that no schedule asks for."""
