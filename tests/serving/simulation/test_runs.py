"""Random histories of workers that perform real runs on a small project, and die at any event or statement.

In the end every table equals a plain build; no fill was computed twice, but where a worker died or was too slow;
nothing was moved twice, and releases follow each other without gaps.
"""

import os
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from headwater.app.control.ordering import order_run
from headwater.app.serving.allowing import Limits
from headwater.app.serving.leading import Leader
from headwater.app.serving.stopping import Stop
from headwater.app.serving.working import Working
from headwater.diagnostics import HeadwaterError
from headwater.events import Event
from headwater.events import Phase as Entered
from headwater.run.leasing import TTL_S
from headwater.spec.orders import Order
from headwater.state.environments import environments
from headwater.state.leases import release_all
from headwater.state.requests import last_requests, open_requests
from headwater.state.suspects import suspects
from headwater.state.workers import Worker
from tests.harness import Project
from tests.serving.simulation.failing import FailingBackend, Fate, Fault, Killed
from tests.serving.simulation.world import memory

EXAMPLES = int(os.environ.get("HEADWATER_CHAOS_RUNS", "30"))
STEPS = 8
DAY = timedelta(days=1)
FIRST = datetime(2024, 1, 9)
DAYS = 2
COLUMNS = ("made", "k", "v")
ROWS = st.lists(st.tuples(st.integers(0, DAYS * 24 - 1), st.integers(0, 2), st.integers(-5, 9)), min_size=1, max_size=4)
PLACES = st.integers(0, 1)
MEANWHILE = st.sampled_from(["file", "other", "takeover", "takeover"])


class _Process(Project):
    """What one process sees of the project: its own connections, its own fate."""

    def __init__(self, root: Path, now: datetime, tokens: str) -> None:
        super().__init__(root, now=now, tokens=tokens)
        self.fate = Fate()
        self.dies_at: int | None = None
        self.meanwhile: Callable[[], None] | None = None
        self.meanwhile_at = 0
        self.real = 0.0

    def open(self) -> "_Process":
        db = self.workspace.db
        db._drop_idle()
        db.backend = FailingBackend(self.root / ".headwater/state.db", self.fate)
        return self

    @property
    def effects(self):
        return replace(super().effects, monotonic=lambda: self.real)

    def _see(self, event: Event) -> None:
        """Die at an event, or let others do something when the run enters a phase."""
        if self.fate.is_over:
            raise Killed
        if self.dies_at is not None:
            self.dies_at -= 1
            if self.dies_at < 0:
                self.fate.end()
                raise Killed
        if isinstance(event, Entered) and self.meanwhile:
            self.meanwhile_at -= 1
            if self.meanwhile_at < 0:
                act, self.meanwhile = self.meanwhile, None
                act()
        super()._see(event)


class Runs(RuleBasedStateMachine):
    """What may happen to workers that share a state."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(dir=memory()))
        self.now, self.real = datetime(2024, 1, 10, 12, tzinfo=UTC), 0.0
        self.numbers = count(1)
        self.files: dict[str, list[tuple]] = {}
        self.person = self._process("person")
        self.server = self._process("server")
        self.leader = Leader(self.server.workspace, "server")
        self.workers: list[_Process | None] = [None, None]
        self.crashes = self.takeovers = 0

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._settle()
        finally:
            for each in (self.person, self.server, *self.workers):
                if each:
                    each.reopen()
            shutil.rmtree(self.root, ignore_errors=True)

    @initialize(rows=ROWS)
    def begin(self, rows: list) -> None:
        person = self.person
        times = {"time": "day", "every": "1d", "start": FIRST.isoformat(), "end": (FIRST + DAYS * DAY).isoformat()}
        person.settings(pipelines={"all": {"select": ["*"], "when": {"files": "data/events/*.csv"}, "max_active": 2}})
        person.source("events", {"made": "timestamp", "k": "integer", "v": "integer"}, time="made")
        cut = "WHERE made >= $start AND made < $end"
        person.model(
            "clean", f"SELECT date_trunc('day', made) AS day, k, v FROM events {cut}", kind="incremental", **times
        )
        cut = "WHERE day >= $start AND day < $end"
        person.model(
            "days", f"SELECT day, k, sum(v)::BIGINT AS v FROM clean {cut} GROUP BY ALL", kind="incremental", **times
        )
        person.model("keys", "SELECT k, sum(v)::BIGINT AS v FROM days GROUP BY ALL")
        person.model("total", "SELECT sum(v)::BIGINT AS v, count(*) AS n FROM clean")
        self._file(rows)
        person.apply()
        self._tick()

    # What happens

    @rule(rows=ROWS, at=PLACES, after=st.integers(0, 30))
    def a_worker_dies_at_an_event(self, rows: list, at: int, after: int) -> None:
        worker = self._worker(at)
        worker.dies_at = after
        self._run(rows, at)

    @rule(rows=ROWS, at=PLACES, fault=st.sampled_from(["crash", "crash", "refuse"]), after=st.integers(0, 150))
    def a_worker_dies_or_the_disk_is_full_at_a_statement(self, rows: list, at: int, fault: Fault, after: int) -> None:
        self._worker(at).fate.decide(fault, after)
        self._run(rows, at)

    @rule(rows=ROWS, at=PLACES, after=st.integers(0, 5), how=MEANWHILE)
    def something_happens_meanwhile(self, rows: list, at: int, after: int, how: str) -> None:
        worker = self._worker(at)
        worker.meanwhile, worker.meanwhile_at = (lambda: self._meanwhile(at, how)), after
        self._run(rows, at)

    @rule(rows=ROWS, at=PLACES, ordered=st.booleans())
    def all_goes_well(self, rows: list, at: int, ordered: bool) -> None:
        if ordered:
            self._order()
        self._run(rows, at)

    def _run(self, rows: list, at: int) -> None:
        self._file(rows)
        self._pass(6)
        self._tick()
        self._work(at)
        worker = self.workers[at]
        if worker:
            worker.dies_at = worker.meanwhile = None
            worker.fate.decide(None)

    # How

    def _meanwhile(self, at: int, how: str) -> None:
        if how == "file":
            self._file([(5, 1, 1)])
            return
        if how == "takeover":  # this worker stands still for so long that another gets its run
            self.takeovers += 1
            for seconds in (1, TTL_S + 2, 2):
                self._pass(seconds)
                self._tick()
        self._work(1 - at)

    def _work(self, at: int) -> bool:
        worker = self._worker(at)
        now = self.now
        me = Worker(id=worker._prefix, kind="worker", host="h", pid=1, version="1", started_at=now, seen_at=now)
        try:
            return Working(worker.workspace, me, Stop(), Limits(worker.workspace.db)).one()
        except HeadwaterError:  # the disk was full when it looked into the queue: it looks again
            return False
        except Killed:
            self.crashes += 1
            self._bury(at)
            return True

    def _bury(self, at: int) -> None:
        """Throw a process's memory away, and let its server notice."""
        worker = self.workers[at]
        self.workers[at] = None
        worker.fate.end()
        worker.reopen()
        release_all(self.server.workspace.db, worker._prefix)

    def _tick(self) -> None:
        self.leader.step(self.now)

    def _pass(self, seconds: float) -> None:
        self.now, self.real = self.now + timedelta(seconds=seconds), self.real + seconds
        for each in (self.person, self.server, *self.workers):
            if each:
                each.now, each.real = self.now, self.real

    def _process(self, name: str) -> _Process:
        made = _Process(self.root, self.now, f"{name}{next(self.numbers)}x")
        made.real = self.real
        return made

    def _worker(self, at: int) -> _Process:
        found = self.workers[at] or self._process(f"w{at}").open()
        self.workers[at] = found
        return found

    def _order(self, **more: object) -> None:
        order = Order(environment="dev", select=("all",), pipeline="all", **more)
        order_run(self.person.workspace, order, kind="hand", by="ann")

    def _file(self, rows: list) -> None:
        name = f"f{next(self.numbers)}.csv"
        made = [(FIRST + timedelta(hours=hour), k, v) for hour, k, v in rows]
        self.person.file("events", name, COLUMNS, made)
        self.files[name] = made

    # The end

    def _settle(self) -> None:
        for _ in range(8):
            self._pass(TTL_S + 2)
            self._tick()
            while self._work(0):
                continue
        db = self.person.workspace.db
        assert open_requests(db) == ()
        failed = [each for each in last_requests(db) if each.status != "done"]
        if failed:  # a task that its workers died over three times in a row waits for a person
            assert suspects(db, "dev"), failed
            self._order(retry_set_aside=("clean", "days", "keys", "total"))
            self._pass(1)
            assert self._work(0)
        self._expect_tables()
        self._expect_history()

    def _expect_tables(self) -> None:
        rows = [(made.replace(hour=0), k, v) for file in self.files.values() for made, k, v in file]
        days: Counter = Counter()
        keys: Counter = Counter()
        for day, k, v in rows:
            days[day, k] += v
            keys[k] += v
        assert self.person.table("clean") == sorted(rows, key=repr)
        assert self.person.table("days") == sorted([(*key, v) for key, v in days.items()], key=repr)
        assert self.person.table("keys") == sorted(keys.items(), key=repr)
        assert self.person.table("total") == [(sum(v for *_, v in rows), len(rows))]

    def _expect_history(self) -> None:
        releases = self.person.history()
        assert [each.parent for each in releases[:-1]] == [each.id for each in releases[1:]]
        assert environments(self.person.workspace.db)[0].release == releases[0].id
        with self.person.workspace.db.read() as connection:
            running = connection.execute("SELECT run FROM attempts WHERE status = 'running'").fetchall()
            (done,) = connection.execute("SELECT sum(slots) FROM attempts WHERE status = 'done'").fetchone()
            held = connection.execute("SELECT name FROM leases WHERE name NOT LIKE 'serve:%'").fetchall()
            twice = connection.execute(
                "SELECT new_fill FROM deltas WHERE new_fill IS NOT NULL AND new_fill = old_fill"
            ).fetchall()
        assert (running, held, twice) == ([], [], [])
        if not (self.crashes or self.takeovers):
            fills = len(list((self.root / ".headwater/lake").rglob("*.json"))) - len(releases)
            assert done <= fills, f"{done} slots were computed for {fills} fills"


@pytest.fixture(autouse=True)
def dead_threads_are_silent():
    """A thread of a process that was killed ends with it."""
    before = threading.excepthook
    threading.excepthook = lambda args: None if args.exc_type is Killed else before(args)
    yield
    threading.excepthook = before


@pytest.mark.slow
@pytest.mark.chaos
def test_histories_of_real_runs():
    how = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Runs, settings=how)
