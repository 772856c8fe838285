"""Counts what has happened, for metrics: totals of the whole state, kept up by what is new at each look."""

import json
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from headwater.state.counted import (
    CountedAttempt,
    EndedRun,
    attempts_after,
    attempts_numbered,
    ended_runs,
    events_after,
)
from headwater.state.database import Database

DURATIONS_S: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
LATENESS_S: Final = (1.0, 5.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
_OVERLAP: Final = timedelta(minutes=10)
"""Clocks of workers differ, so what ended lately is looked at again."""
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[str, str]
"""(environment, pipeline) or (environment, node)."""


@dataclass(slots=True)
class Spread:
    """How values lie: how many are at most each bound, and their sum."""

    bounds: tuple[float, ...]
    sum: float = 0.0
    counts: list[int] = field(default_factory=list)
    """Of each bound by itself, the last without one."""

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts = self.counts or [0] * (len(self.bounds) + 1)
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def up_to(self) -> list[tuple[str, float]]:
        """Give (bound, how many are no larger), as Prometheus wants them."""
        total, found = 0, []
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            found.append((bound, float(total)))
        return found


@dataclass(slots=True)
class Totals:
    """All that was counted so far. Belongs to one thread at a time."""

    runs: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(environment, pipeline, status) → runs that ended so."""
    durations: dict[Key, Spread] = field(default_factory=dict)
    lateness: dict[Key, Spread] = field(default_factory=dict)
    last_success: dict[Key, datetime] = field(default_factory=dict)
    attempts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(environment, node, status) → attempts that ended so."""
    work: dict[str, Counter[Key]] = field(default_factory=dict)
    """``rows``, ``rejects``, ``bytes_read`` … → (environment, node) → how much."""
    failed_checks: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(environment, node, ``block``, ``warn`` or ``quarantine``) → verdicts that found failing rows."""
    _seen: dict[str, datetime] = field(default_factory=dict)
    _until: datetime = _LONG_AGO
    _attempt: int = 0
    _running: set[int] = field(default_factory=set)
    _event: int = 0

    def look(self, db: Database) -> None:
        """Count what is new."""
        for run in ended_runs(db, self._until - _OVERLAP if self._until > _LONG_AGO else _LONG_AGO):
            self._add_run(run)
        self._seen = {name: at for name, at in self._seen.items() if at >= self._until - _OVERLAP}
        waited, self._running = self._running, set()
        for attempt in attempts_numbered(db, sorted(waited)):
            self._add_attempt(attempt)
        for attempt in attempts_after(db, self._attempt):
            self._attempt = attempt.seq
            self._add_attempt(attempt)
        for seq, environment, body in events_after(db, self._event, "CheckFinished"):
            self._event = seq
            self._add_check(environment, body)

    def _add_run(self, run: EndedRun) -> None:
        if self._seen.get(run.id) == run.ended_at:
            return
        self._seen[run.id] = run.ended_at
        self._until = max(self._until, run.ended_at)
        key = run.environment, run.pipeline
        self.runs[*key, run.status] += 1
        took_s = max(0.0, (run.ended_at - run.started_at).total_seconds())
        self.durations.setdefault(key, Spread(DURATIONS_S)).add(took_s)
        if run.fire_at is not None:
            late_s = max(0.0, (run.started_at - run.fire_at).total_seconds())
            self.lateness.setdefault(key, Spread(LATENESS_S)).add(late_s)
        if run.status == "done":
            self.last_success[key] = max(run.ended_at, self.last_success.get(key, _LONG_AGO))

    def _add_attempt(self, attempt: CountedAttempt) -> None:
        if attempt.status == "running":
            self._running.add(attempt.seq)
            return
        key = attempt.environment, attempt.node
        self.attempts[*key, attempt.status] += 1
        for name in ("rows", "rejects", "bytes_read", "bytes_moved", "bytes_written", "cpu_s"):
            amount = getattr(attempt, name)
            if amount:
                self.work.setdefault(name, Counter())[key] += amount

    def _add_check(self, environment: str, body: str) -> None:
        said = json.loads(body)
        if said.get("failing"):
            self.failed_checks[environment, str(said.get("node", "")), str(said.get("on_fail", ""))] += 1
