"""What pipelines there are and what is due when: for the API and for screens; read from the state, changes nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

from headwater.app.graphs import released_graph
from headwater.app.next_runs import Counts, next_at, runs_by_itself
from headwater.app.workspace import Workspace
from headwater.graph.values import Graph, PipelineNode
from headwater.spec.schedules import Deadline, Trigger
from headwater.state.counted import queued
from headwater.state.environments import environments
from headwater.state.pipeline_states import PipelineState, pipeline_states
from headwater.state.requests import under_way
from headwater.state.run_records import RunRecord, run_records, waiting_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineView:
    """A pipeline of an environment, as it stands."""

    environment: str
    pipeline: PipelineNode
    state: PipelineState
    by_itself: bool
    """Whether it starts without being asked in this environment."""
    next_at: datetime | None
    """When its schedule starts it next; None: it has none, or is paused."""
    queued: int
    running: int
    last: RunRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueView:
    """A run that waits, or a time at which one will be ordered."""

    environment: str
    pipeline: str
    at: datetime
    """From when on it may run."""
    run: str
    """Id of the run that waits; empty: it will be ordered then."""
    because: str


def pipelines(workspace: Workspace, environment: str | None = None) -> tuple[PipelineView, ...]:
    """Give the pipelines of an environment, or of all, by name."""
    now = workspace.effects.clock()
    with workspace.db.read():
        counts = {(each.environment, each.pipeline, each.status): each.count for each in queued(workspace.db)}
        return tuple(
            _view(workspace, look, pipeline, counts, now)
            for look in _looks(workspace, environment)
            for pipeline in sorted(look.graph.pipelines, key=lambda each: each.name)
        )


def due_times(workspace: Workspace, environment: str | None = None, limit: int = 1000) -> tuple[DueView, ...]:
    """Give what waits, and when each pipeline starts next, the earliest first."""
    now = workspace.effects.clock()
    with workspace.db.read():
        found = [_waits(each) for each in waiting_runs(workspace.db, environment, limit)]
        found += [each for look in _looks(workspace, environment) for each in _due(look, now)]
    return tuple(sorted(found, key=lambda each: (each.at, each.environment, each.pipeline, each.run))[:limit])


def said(trigger: Trigger) -> str:
    """Say what a pipeline waits for.

    >>> said(Trigger(kind="any", of=(Trigger(kind="webhook", name="push"), Trigger(kind="updated", name="raw.orders"))))
    'any of (webhook push, updated raw.orders)'
    """
    if trigger.of:
        return f"{trigger.kind} of ({', '.join(map(said, trigger.of))})"
    return f"{trigger.kind} {trigger.name}"


def said_deadline(deadline: Deadline) -> str:
    """Say until when a run should have ended."""
    return f"by {deadline.at} {deadline.timezone}" if deadline.at else f"within {deadline.after_s:g} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    environment: str
    graph: Graph
    states: dict[str, PipelineState]
    own: Callable[[], Counts]
    """What is under way without chunks of backfills, which hold no schedule up; counted when it is asked for."""


def _looks(workspace: Workspace, environment: str | None) -> Iterator[_Look]:
    db = workspace.db
    for row in environments(db):
        if row.code and environment in {None, row.name}:
            yield _Look(
                environment=row.name,
                graph=released_graph(db, row.name, row.code),
                states=pipeline_states(db, row.name),
                own=cache(partial(under_way, db, row.name)),
            )


def _view(
    workspace: Workspace, look: _Look, pipeline: PipelineNode, counts: Mapping[tuple[str, str, str], int], now: datetime
) -> PipelineView:
    state = look.states.get(pipeline.name, PipelineState())
    last = run_records(workspace.db, look.environment, pipeline=pipeline.name, limit=1)
    return PipelineView(
        environment=look.environment,
        pipeline=pipeline,
        state=state,
        by_itself=runs_by_itself(pipeline, look.environment),
        next_at=next_at(pipeline, look.environment, state, look.own, now),
        queued=counts.get((look.environment, pipeline.name, "queued"), 0),
        running=counts.get((look.environment, pipeline.name, "running"), 0),
        last=last[0] if last else None,
    )


def _waits(each: RunRecord) -> DueView:
    return DueView(
        environment=each.environment,
        pipeline=each.pipeline,
        at=each.not_before or each.ordered_at,
        run=each.id,
        because=each.because,
    )


def _due(look: _Look, now: datetime) -> Iterator[DueView]:
    for pipeline in look.graph.pipelines:
        state = look.states.get(pipeline.name, PipelineState())
        at = next_at(pipeline, look.environment, state, look.own, now)
        if at is not None:
            because = "continuous" if pipeline.continuous_s is not None else "schedule"
            yield DueView(environment=look.environment, pipeline=pipeline.name, at=at, run="", because=because)
