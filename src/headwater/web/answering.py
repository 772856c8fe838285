"""What is answered: the published shapes."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Raw, Struct

from headwater.app.statistics import PipelineStats
from headwater.graph.values import Deprecation


class EnvironmentAnswer(Struct, frozen=True, kw_only=True):
    """An environment, and what it stands on."""

    environment: str
    parent: str | None
    created_at: datetime
    expires: datetime | None
    release: str | None
    released_at: datetime | None


class EnvironmentsAnswer(Struct, frozen=True, kw_only=True):
    """All environments, by name."""

    environments: list[EnvironmentAnswer]


class LastRunAnswer(Struct, frozen=True, kw_only=True):
    """The last attempt at a task of a node."""

    run: str
    at: datetime
    status: str
    rows: int
    seconds: float
    message: str


class NodeAnswer(Struct, frozen=True, kw_only=True):
    """How a node of an environment is."""

    node: str
    kind: str
    version: str
    slots: int
    filled_until: datetime | None
    blocked: Annotated[int, Meta(description="slots that a check refused")]
    waiting: Annotated[int, Meta(description="slots that wait for rows of other nodes")]
    held: Annotated[int, Meta(description="slots that a rollback holds")]
    behind_s: float | None
    quality: float | None
    last_run: LastRunAnswer | None


class StatusAnswer(Struct, frozen=True, kw_only=True):
    """How an environment is, as `headwater status` says it."""

    environment: str
    release: str | None
    released_at: datetime | None
    nodes: list[NodeAnswer]
    deprecated: Annotated[list[Deprecation], Meta(description="tables that nobody should read from a day on")]


class ReleaseAnswer(Struct, frozen=True, kw_only=True):
    """A release of an environment, as `headwater history` says it."""

    release: str
    environment: str
    at: datetime
    by: str
    commit: str
    kind: str
    moved: str
    nodes: list[str]
    message: str
    is_current: Annotated[bool, Meta(description="whether the environment stands on it")]
    can_return: bool


class HistoryAnswer(Struct, frozen=True, kw_only=True):
    """Releases, newest first."""

    releases: list[ReleaseAnswer]


class RunAnswer(Struct, frozen=True, kw_only=True):
    """A run: one that waits, one that runs, or one that has ended."""

    run: str
    environment: str
    pipeline: Annotated[str, Meta(description="empty: no pipeline's")]
    kind: str
    status: str
    because: str
    by: str
    ordered_at: datetime
    fire_at: Annotated[datetime | None, Meta(description="the scheduled time that it is for")]
    not_before: Annotated[datetime | None, Meta(description="from when on a worker may take it")]
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    rows: int
    bytes: int
    retries: Annotated[int, Meta(description="tries at tasks that were repeated")]
    tries: Annotated[int, Meta(description="how many workers have taken it")]
    crashes: Annotated[int, Meta(description="how many of them died over it")]
    worker: str
    cancelled_by: str
    message: str
    release: Annotated[str | None, Meta(description="what it made visible")]
    backfill: str


class RunsAnswer(Struct, frozen=True, kw_only=True):
    """Runs, newest first."""

    runs: list[RunAnswer]
    next: Annotated[str | None, Meta(description="what to send as `after` for those that follow; null: no more")]


class OrderedAnswer(Struct, frozen=True, kw_only=True):
    """A run that was ordered."""

    run: str
    status: str
    is_new: Annotated[bool, Meta(description="false: the same waited already, and will do for both")]


class AttemptAnswer(Struct, frozen=True, kw_only=True):
    """One try at one task, and what it took."""

    seq: int
    task: str
    node: str
    version: str
    slots: int
    attempt: int
    because: str
    worker: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    seconds: float
    rows_in: int
    rows_out: int
    rejects: int
    bytes_read: int
    bytes_moved: int
    bytes_written: int
    cpu_s: float
    peak_bytes: int
    message: str


class AttemptsAnswer(Struct, frozen=True, kw_only=True):
    """Attempts of a run, in the order they began."""

    attempts: list[AttemptAnswer]


class EventAnswer(Struct, frozen=True, kw_only=True):
    """One fact about a run."""

    seq: int
    at: datetime
    kind: str
    level: str
    node: str
    message: str
    data: Annotated[Raw, Meta(description="the fact's own fields", extra_json_schema={"type": "object"})]


class EndAnswer(Struct, frozen=True, kw_only=True):
    """How a run ended whose log was followed."""

    status: str


class EventsAnswer(Struct, frozen=True, kw_only=True):
    """Facts about a run, in order."""

    events: list[EventAnswer]
    next: Annotated[int | None, Meta(description="what to send as `after` for those that follow; null: no more yet")]


class PipelineAnswer(Struct, frozen=True, kw_only=True):
    """A pipeline of an environment, as it stands."""

    environment: str
    pipeline: str
    description: str
    owner: str
    select: list[str]
    schedule: list[str]
    when: Annotated[str, Meta(description="what it waits for; empty: nothing")]
    continuous_s: float | None
    deadline: str
    priority: int
    by_itself: Annotated[bool, Meta(description="whether it starts without being asked in this environment")]
    next_at: Annotated[datetime | None, Meta(description="when the clock starts it next")]
    paused: bool
    paused_at: datetime | None
    paused_by: str
    reason: str
    queued: int
    running: int
    last_run: RunAnswer | None


class PipelinesAnswer(Struct, frozen=True, kw_only=True):
    """Pipelines, by environment and name."""

    pipelines: list[PipelineAnswer]


class DueAnswer(Struct, frozen=True, kw_only=True):
    """A run that waits, or a time at which one will be ordered."""

    environment: str
    pipeline: str
    at: Annotated[datetime, Meta(description="from when on it may run")]
    run: Annotated[str, Meta(description="the run that waits; empty: it will be ordered then")]
    because: str


class DuesAnswer(Struct, frozen=True, kw_only=True):
    """What is due when, the earliest first."""

    due: list[DueAnswer]


class IncidentAnswer(Struct, frozen=True, kw_only=True):
    """Something that is, or was, wrong."""

    incident: str
    environment: str
    rule: str
    subject: str
    owner: str
    severity: str
    message: str
    seen: int
    opened_at: datetime
    last_at: datetime
    closed_at: Annotated[datetime | None, Meta(description="null: it goes on")]
    acked_at: datetime | None
    acked_by: str
    run: Annotated[str, Meta(description="the run in which it was seen; empty: none")]
    hint: Annotated[str, Meta(description="what to do about it")]


class DeliveryAnswer(Struct, frozen=True, kw_only=True):
    """News that a channel has not taken."""

    incident: str
    alert: str
    kind: str
    status: str
    tries: int
    next_at: datetime
    ended_at: datetime | None
    message: str


class IncidentsAnswer(Struct, frozen=True, kw_only=True):
    """Incidents, newest first."""

    incidents: list[IncidentAnswer]
    undelivered: Annotated[list[DeliveryAnswer], Meta(description="what channels have refused so far")]


class StatsAnswer(Struct, frozen=True, kw_only=True):
    """How well pipelines did, as `headwater stats` says it."""

    since: datetime
    until: datetime
    pipelines: list[PipelineStats]


class BackfillAnswer(Struct, frozen=True, kw_only=True):
    """A backfill, and how far it is."""

    backfill: str
    environment: str
    select: list[str]
    nodes: list[str]
    start: datetime
    end: datetime
    slots: int
    parallel: int
    again: bool
    ordered_at: datetime
    by: str
    status: str
    queued: int
    running: int
    done: int
    failed: int
    cancelled: int
    ended_at: datetime | None
    remarks: list[str]


class BackfillsAnswer(Struct, frozen=True, kw_only=True):
    """Backfills, newest first."""

    backfills: list[BackfillAnswer]


class WorkerAnswer(Struct, frozen=True, kw_only=True):
    """A process that works on this state."""

    worker: str
    kind: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    run: str
    url: str


class WorkersAnswer(Struct, frozen=True, kw_only=True):
    """Servers and workers that were seen lately."""

    workers: list[WorkerAnswer]


class ChangedAnswer(Struct, frozen=True, kw_only=True):
    """Whether anything changed."""

    changed: bool


class RollbackAnswer(Struct, frozen=True, kw_only=True):
    """What a rollback did."""

    release: str
    to: str | None
    nodes: list[str]
    sinks_not_reverted: list[str]
    problems: Annotated[list[str], Meta(description="what could not follow at once")]


class TokenAnswer(Struct, frozen=True, kw_only=True):
    """A token, without its secret."""

    token: str
    name: str
    role: str
    created_at: datetime
    by: str
    expires: datetime | None
    revoked_at: datetime | None


class TokensAnswer(Struct, frozen=True, kw_only=True):
    """All tokens, the oldest first."""

    tokens: list[TokenAnswer]


class MadeTokenAnswer(Struct, frozen=True, kw_only=True):
    """A new token, with what its holder sends; it is never shown again."""

    token: TokenAnswer
    secret: str
