"""What callers may ask: queries and bodies, with their bounds. What is not written here is refused."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Pattern = Annotated[str, Meta(min_length=1, max_length=500)]
Patterns = Annotated[list[Pattern], Meta(max_length=1000)]
Limit = Annotated[int, Meta(ge=1, le=1000, description="how many to give at most")]
Note = Annotated[str, Meta(max_length=1000)]
RunStatus = Literal["queued", "running", "done", "failed", "cancelled", "set_aside"]


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """An empty body, or none."""


class RunsAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs are wanted."""

    environment: Name | None = None
    pipeline: Name | None = None
    status: RunStatus | None = None
    limit: Limit = 50
    since: Annotated[Annotated[datetime, Meta(tz=True)] | None, Meta(description="ordered then, or later")] = None
    after: Annotated[Name | None, Meta(description="id of a run: those older than it")] = None


class HistoryAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many releases are wanted."""

    limit: Limit = 50


class EventsAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events of a run are wanted."""

    after: Annotated[int, Meta(ge=0, le=2**62, description="events with a larger `seq`")] = 0
    limit: Limit = 200
    node: Name | None = None
    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="events as urgent as this, or more")
    ] = "debug"


class LogAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the log of a run is to begin."""

    after: Annotated[int, Meta(ge=0, le=2**62, description="as `Last-Event-ID`: events with a larger `seq`")] = 0


class IncidentsAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which incidents are wanted."""

    environment: Name | None = None
    open: Annotated[bool, Meta(description="only those that last")] = False
    limit: Limit = 50


class EnvironmentAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which environment."""

    environment: Annotated[Name | None, Meta(description="default: all")] = None


class DueAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wanted of what is due."""

    environment: Annotated[Name | None, Meta(description="default: all")] = None
    limit: Limit = 200


class StatsAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which environment and time."""

    environment: Annotated[Name | None, Meta(description="default: all")] = None
    days: Annotated[int, Meta(ge=1, le=3650, description="how far back")] = 30
    seconds: Annotated[
        Annotated[float, Meta(gt=0, le=316224000)] | None, Meta(description="how far back, in place of `days`")
    ] = None


class TriggerAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a pipeline is to run now."""

    start_from: Annotated[Patterns, Meta(description="nodes: only those and all that read them")] = []
    skip: Annotated[Patterns, Meta(description="nodes: those and all that read them keep what they have")] = []
    release_holds: Annotated[bool, Meta(description="fill what a rollback holds, too")] = False
    priority: Annotated[int, Meta(ge=-1000, le=1000)] = 0
    message: Annotated[Note, Meta(description="a note to keep with what the run releases")] = ""


class PauseAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a pipeline is paused."""

    reason: Note = ""


class RerunAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run is to be repeated."""

    failed: Annotated[bool, Meta(description="only what failed, was refused or waited, and its readers")] = False
    release: Annotated[
        Annotated[str, Meta(max_length=100)],
        Meta(description="whose code to use: an id, or `latest`; default: the one that the run used"),
    ] = ""


class BackfillsAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which backfills are wanted."""

    environment: Annotated[Name | None, Meta(description="default: all")] = None
    limit: Limit = 50


class BackfillAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stretch of time to fill in chunks."""

    start: Annotated[datetime, Meta(tz=True)]
    end: Annotated[Annotated[datetime, Meta(tz=True)], Meta(description="excluded")]
    select: Annotated[Patterns, Meta(description="pipelines, or patterns of nodes; default: all")] = []
    skip: Annotated[Patterns, Meta(description="nodes: those and all that read them keep what they have")] = []
    every_s: Annotated[float, Meta(ge=1, le=316224000, description="how long a chunk is, at least")] = 604800.0
    parallel: Annotated[int, Meta(ge=1, le=64, description="how many chunks are worked on at once")] = 1
    throttle_s: Annotated[float, Meta(ge=0, le=86400, description="seconds between the starts of two chunks")] = 0.0
    again: Annotated[bool, Meta(description="fill slots, too, that stand on what is there now")] = False


class RollbackAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to go back to."""

    to: Annotated[Name | None, Meta(description="a release; default: before the last change of code")] = None
    data: Annotated[bool, Meta(description="take rows back too, and hold them")] = False
    message: Note = ""


class TokenAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token to make."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$")]
    role: Literal["viewer", "operator", "admin"] = "viewer"
    lasts_s: Annotated[float, Meta(gt=0, le=316224000, description="for how long it is good")] | None = None


class MessageAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a message is sent."""

    key: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    """A message of the same key is taken once."""
