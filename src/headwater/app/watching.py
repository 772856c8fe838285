"""What goes on now, in one look: runs, their tasks, the queue, what comes next, workers, sites, and what is wrong."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Final

from headwater.app.graphs import released_graph
from headwater.app.next_runs import Counts, next_at
from headwater.diagnostics import HeadwaterError
from headwater.graph.values import PipelineNode
from headwater.state.attempts import Attempt, running_attempts
from headwater.state.counted import queued
from headwater.state.database import Database
from headwater.state.environments import environments
from headwater.state.incidents import Incident, incidents
from headwater.state.observations import sites_seen
from headwater.state.pipeline_states import PipelineState, pipeline_states
from headwater.state.requests import Request, next_requests, under_way
from headwater.state.run_events import count_events, last_events
from headwater.state.run_records import RunRecord, run_records
from headwater.state.workers import Worker, workers

ALIVE: Final = timedelta(seconds=60)
"""A worker that was not seen for so long is not counted any more."""
_MOST: Final = 50
_LAST: Final = 10
_OVER: Final = ("done", "failed", "cancelled", "set_aside")
_ENDED: Final = ("TaskFinished", "SourceLanded", "SinkLoaded")


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """A run that goes on: what it does, how far that is, and the tasks in the middle of which it is."""

    run: RunRecord
    phase: str = ""
    done: int = 0
    total: int = 0
    tasks: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NextFire:
    """When a pipeline starts by the clock next; ``at`` is None if it waits for something else, or is paused."""

    environment: str
    pipeline: str
    at: datetime | None
    waits_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All that goes on at a moment."""

    at: datetime
    working: tuple[AtWork, ...] = ()
    queue: tuple[Request, ...] = ()
    """The first of those that wait for a worker."""
    queued: int = 0
    """How many wait."""
    ended: tuple[RunRecord, ...] = ()
    """The last runs that ended, newest first."""
    next: tuple[NextFire, ...] = ()
    workers: tuple[Worker, ...] = ()
    sites: Mapping[str, datetime] = field(default_factory=dict)
    """Site → when something was last seen of it."""
    incidents: tuple[Incident, ...] = ()


@dataclass(slots=True)
class Watcher:
    """Looks at a state again and again; remembers the pipelines of released code, which never change."""

    db: Database
    environment: str | None = None
    """None: all."""
    _pipelines: dict[str, tuple[PipelineNode, ...]] = field(default_factory=dict)

    def look(self, now: datetime) -> Look:
        """Look once, at one moment's state."""
        db = self.db
        with db.read():
            codes = {row.name: row.code for row in environments(db) if self.environment in {None, row.name}}
            running = run_records(db, self.environment, statuses=["running"], limit=_MOST)
            ended = run_records(db, self.environment, statuses=_OVER, limit=_LAST)
            return Look(
                at=now,
                working=tuple(at_work(db, run) for run in running),
                queue=next_requests(db, self.environment, _MOST),
                queued=self._queued(),
                ended=ended,
                next=self._next(codes, now),
                workers=workers(db, now - ALIVE),
                sites=_sites(db, codes),
                incidents=incidents(db, self.environment, limit=_MOST),
            )

    def _queued(self) -> int:
        counts = (each for each in queued(self.db) if each.status == "queued")
        return sum(each.count for each in counts if self.environment in {None, each.environment})

    def _next(self, codes: Mapping[str, str], now: datetime) -> tuple[NextFire, ...]:
        found: list[NextFire] = []
        for name, code in codes.items():
            states, counts = pipeline_states(self.db, name), cache(partial(under_way, self.db, name))
            for pipeline in self._of(name, code):
                if not pipeline.in_ or name in pipeline.in_:
                    found += _next_fire(name, pipeline, states.get(pipeline.name, PipelineState()), counts, now)
        return tuple(sorted(found, key=lambda each: (each.at is None, each.at or now, each.environment, each.pipeline)))

    def _of(self, environment: str, code: str) -> tuple[PipelineNode, ...]:
        if code not in self._pipelines:
            try:
                self._pipelines[code] = tuple(released_graph(self.db, environment, code).pipelines) if code else ()
            except HeadwaterError:  # made by another version: what runs is shown all the same
                self._pipelines[code] = ()
        return self._pipelines[code]


def at_work(db: Database, run: RunRecord) -> AtWork:
    """Say what a run does, from its log and its attempts."""
    last = last_events(db, run.id, ["Phase"]).get("Phase")
    tasks = running_attempts(db, run.id)
    if last is None:
        return AtWork(run=run, tasks=tasks)
    phase, since = json.loads(last.body), count_events(db, run.id, after=last.seq)
    done = sum(since.get(kind, 0) for kind in _ENDED)
    total = int(phase["total"])
    return AtWork(run=run, phase=str(phase["name"]), done=min(done, total), total=total, tasks=tasks)


def _next_fire(
    environment: str, pipeline: PipelineNode, state: PipelineState, counts: Callable[[], Counts], now: datetime
) -> list[NextFire]:
    if not (pipeline.schedule or pipeline.when or pipeline.continuous_s is not None):
        return []  # it starts by hand only
    at, waits_for = next_at(pipeline, environment, state, counts, now), ""
    if state.is_paused:
        waits_for = f"paused by {state.paused_by}" if state.paused_by else "paused"
    elif pipeline.continuous_s is not None:
        waits_for = f"continuous, every {pipeline.continuous_s:g}s"
    elif not pipeline.schedule:
        waits_for = "its trigger"
    return [NextFire(environment=environment, pipeline=pipeline.name, at=at, waits_for=waits_for)]


def _sites(db: Database, named: Iterable[str]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for name in named:
        for site, at in sites_seen(db, name).items():
            found[site] = max(at, found.get(site, at))
    return dict(sorted(found.items()))
