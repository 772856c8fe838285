"""The simple model of the orchestrator: after every transaction of anybody, what has changed must have been allowed."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from headwater.run.leasing import TTL_S

ENVIRONMENT: Final = "prod"
LEADER: Final = f"serve:leader:{ENVIRONMENT}"
_TIMED: Final = frozenset({"schedule", "continuous"})
ENDED: Final = frozenset({"done", "failed", "cancelled", "set_aside"})
_MINUTE: Final = timedelta(minutes=1)
_SURE_S: Final = 1.5
_ABSURD: Final = timedelta(seconds=20 * TTL_S)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Plan:
    """What the code says of one pipeline."""

    kind: str
    """``all``, ``latest``, ``none`` (the catch-up of a schedule), ``continuous``, ``message`` or ``files``."""
    minutes: int = 0
    max_active: int = 1
    start: datetime | None = None

    def times(self, after: datetime | None, until: datetime) -> list[datetime]:
        """The minutes in (after, until] at which it is due."""
        if after is None:
            if self.start is None or self.kind != "all":
                return []
            after = self.start - timedelta(seconds=1)
        step, begin = self.minutes * _MINUTE, self.start or _EPOCH
        first = (after - begin) // step + 1
        last = (until - begin) // step
        found = [begin + number * step for number in range(first, last + 1)]
        return [at for at in found if self.start is None or at >= self.start]

    def orders(self, after: datetime | None, until: datetime, *, is_full: bool) -> list[datetime]:
        """The times that are ordered when it is looked at anew."""
        times = self.times(after, until)
        if self.kind == "all":
            return times
        if self.kind == "none":
            times = [at for at in times if at > until - _MINUTE]
        return [] if is_full else times[-1:]


Code = Mapping[str, Plan]


@dataclass
class Actor:
    """Who has made a transaction, as far as the model must know."""

    name: str
    now: datetime
    codes: list[Code] = field(default_factory=list)
    """The code that was in force at some time since it began what it does."""


@dataclass(frozen=True)
class Row:
    """A request, as it stands in the state."""

    id: str
    pipeline: str
    kind: str
    fire_at: str | None
    status: str
    tries: int
    crashes: int
    holder: str
    cancelled_by: str
    not_before: str


@dataclass(frozen=True)
class Standing:
    """All that the model looks at."""

    requests: Mapping[str, Row]
    leases: Mapping[str, tuple[str, int, datetime]]
    pipelines: Mapping[str, tuple[datetime | None, bool]]
    moves: frozenset[tuple[str, str]]

    def own(self, pipeline: str, *statuses: str) -> int:
        return sum(row.pipeline == pipeline and row.status in statuses for row in self.requests.values())

    def is_full(self, pipeline: str, plan: Plan) -> bool:
        return self.own(pipeline, "queued") > 0 and self.own(pipeline, "queued", "running") >= plan.max_active


class Model:
    """Watches the state."""

    def __init__(self, path: Path, real: Callable[[], float]) -> None:
        """``real``: seconds that have really passed, whatever was done to the clock."""
        self._real = real
        self._connection = sqlite3.connect(path, isolation_level=None)
        self.last = self._read()
        self.fences: dict[str, int] = {}
        self.prolonged: dict[str, float] = {}
        """Lease → when, in seconds that have really passed, it was last granted or prolonged."""
        self.number = 0
        self.started: dict[str, int] = {}
        """Pipeline → number of the last transaction in which an order of it was taken (or cancelled while it waited)."""
        self.most_running = 0

    def close(self) -> None:
        self._connection.close()

    def look(self, actor: Actor) -> None:
        """Compare the state with what it was before an actor's transaction; an AssertionError says what must not be."""
        before, self.last = self.last, self._read()
        self.number += 1
        self._leases(before, self.last, actor)
        for name in before.requests:
            assert name in self.last.requests, f"the order {name} is gone"
        for name, row in self.last.requests.items():
            if row != before.requests.get(name):
                self._request(before, row, actor)
        for name in {*before.pipelines, *self.last.pipelines}:
            self._pipeline(before, name, actor)
        self._orders(before, actor)
        self._moves(before)

    def _leases(self, before: Standing, after: Standing, actor: Actor) -> None:
        for name, (holder, fence, _) in after.leases.items():
            old = before.leases.get(name)
            if old is None or old[0] != holder:
                silent_s = self._real() - self.prolonged.get(name, 0.0)
                assert fence > self.fences.get(name, 0), f"the lease {name} has a fence that was there before"
                assert old is None or old[2] <= actor.now or old[2] >= actor.now + _ABSURD or silent_s >= TTL_S, (
                    f"{holder} took the lease {name} of {old[0]}, who still had it"
                )
            else:
                assert fence == old[1], f"the fence of {name} has changed under its holder"
            self.fences[name] = fence
            if old is None or old[2] != after.leases[name][2]:
                self.prolonged[name] = self._real()

    def _request(self, before: Standing, row: Row, actor: Actor) -> None:
        old = before.requests.get(row.id)
        if old is None:
            assert (row.status, row.tries, row.holder) == ("queued", 0, ""), f"{row} began its life late"
            return
        assert old.status not in ENDED, f"{row.id} had ended: {old.status}, and is {row.status} now"
        assert (row.tries, row.crashes) >= (old.tries, old.crashes)
        {
            ("queued", "running"): self._taken,
            ("queued", "cancelled"): self._cancelled,
            ("running", "running"): self._asked,
            ("running", "queued"): self._given_back,
        }.get((old.status, row.status), self._ended)(before, old, row, actor)

    def _taken(self, _before: Standing, old: Row, row: Row, actor: Actor) -> None:
        self.started[row.pipeline] = self.number
        assert row.holder.split("/")[0] == actor.name, f"{actor.name} made {row.holder} hold {row.id}"
        assert not old.cancelled_by, f"{row.id} was cancelled, and began again"
        assert row.tries == old.tries + 1
        assert self.last.leases[f"run:{row.id}"][0] == row.holder
        running = self.last.own(row.pipeline, "running")
        self.most_running = max(self.most_running, running)
        most = [code[row.pipeline].max_active for code in actor.codes if row.pipeline in code] or [1]
        assert running <= max(most), f"{running} runs of {row.pipeline} at once"

    def _cancelled(self, _before: Standing, _old: Row, row: Row, _actor: Actor) -> None:
        self.started[row.pipeline] = self.number
        assert row.cancelled_by

    def _asked(self, _before: Standing, old: Row, row: Row, _actor: Actor) -> None:
        assert (old.holder, old.tries, old.crashes) == (row.holder, row.tries, row.crashes)
        assert row.cancelled_by, f"{row.id} changed in the middle of a run"

    def _given_back(self, before: Standing, old: Row, row: Row, actor: Actor) -> None:
        assert row.holder == ""
        assert not row.cancelled_by, f"{row.id} was cancelled, and waits to begin again"
        if actor.name == old.holder.split("/")[0]:
            assert row.crashes == old.crashes
        else:
            self._lost(before, old, row, actor)

    def _ended(self, before: Standing, old: Row, row: Row, actor: Actor) -> None:
        assert row.status in ENDED, f"{old.status} became {row.status}"
        if actor.name != old.holder.split("/")[0]:
            assert row.status in {"cancelled", "set_aside"}, f"a zombie ended {row.id}"
            self._lost(before, old, row, actor)

    def _lost(self, before: Standing, old: Row, row: Row, actor: Actor) -> None:
        assert row.crashes == old.crashes + 1
        held = before.leases.get(f"run:{row.id}")
        silent_s = self._real() - self.prolonged.get(f"run:{row.id}", 0.0)
        is_over = held is None or (held[2] <= actor.now and silent_s >= _SURE_S) or silent_s >= TTL_S + _SURE_S
        assert is_over, f"{row.id} was taken from {old.holder}, who still had it"

    def _pipeline(self, before: Standing, name: str, actor: Actor) -> None:
        """What was ordered is what was settled, for each pipeline, in one transaction."""
        (since, was_paused), (until, _) = (each.pipelines.get(name, (None, False)) for each in (before, self.last))
        new = self._new(before, name)
        found = sorted(datetime.fromisoformat(row.fire_at) for row in new if row.kind in _TIMED and row.fire_at)
        assert since is None or (until is not None and until >= since), f"{name} goes back"
        if until == since:
            assert not found, f"{name} ordered {found} and settled nothing"
            return
        assert not was_paused, f"{name} is paused"
        plans = [code[name] for code in actor.codes if name in code]
        expected = [self._expected(before, name, plan, since, until) for plan in plans]
        assert found in expected, f"{name} ordered {found} for ({since}, {until}], not {expected}"

    def _expected(
        self, before: Standing, name: str, plan: Plan, since: datetime | None, until: datetime
    ) -> list[datetime]:
        if plan.kind == "continuous":
            assert before.own(name, "queued", "running") == 0, f"two runs of {name} at once"
            return [until]
        if plan.minutes:
            return plan.orders(since, until, is_full=before.is_full(name, plan))
        return []

    def _new(self, before: Standing, pipeline: str) -> list[Row]:
        return [
            row for name, row in self.last.requests.items() if name not in before.requests and row.pipeline == pipeline
        ]

    def _orders(self, before: Standing, actor: Actor) -> None:
        """Orders that nobody gave by hand are those of who leads; triggers join the run that waits."""
        by_itself = [
            row for name, row in self.last.requests.items() if name not in before.requests and row.kind != "hand"
        ]
        if not by_itself:
            return
        assert self.last.leases[LEADER][0] == actor.name, f"{actor.name} does not lead, and orders {by_itself}"
        for row in by_itself:
            assert not before.pipelines.get(row.pipeline, (None, False))[1], f"{row.pipeline} is paused"
            plans = [code[row.pipeline] for code in actor.codes if row.pipeline in code]
            if row.kind == "trigger":
                assert not all(before.is_full(row.pipeline, plan) for plan in plans), (
                    f"{row.pipeline} has one that waits"
                )
        times = [(row.pipeline, row.fire_at) for row in self.last.requests.values() if row.fire_at]
        assert len(times) == len(set(times)), "a time was ordered twice"

    def _moves(self, before: Standing) -> None:
        for run, holder in self.last.moves - before.moves:
            row = before.requests[run]
            assert (row.status, row.holder) == ("running", holder), f"a zombie, {holder}, moved {run}"

    def _read(self) -> Standing:
        rows: Iterable[tuple[Any, ...]] = self._connection.execute(
            "SELECT id, pipeline, kind, fire_at, status, tries, crashes, holder, cancelled_by, not_before FROM requests"
        )
        leases = self._connection.execute("SELECT name, holder, fence, expires_at FROM leases")
        pipelines = self._connection.execute("SELECT pipeline, fired_until, paused_at FROM pipeline_states")
        moves = self._connection.execute("SELECT run, message FROM releases WHERE run <> ''")
        return Standing(
            requests={row[0]: Row(*row) for row in rows},
            leases={name: (holder, fence, datetime.fromisoformat(at)) for name, holder, fence, at in leases},
            pipelines={name: (_moment(until), bool(paused)) for name, until, paused in pipelines},
            moves=frozenset(moves),
        )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
