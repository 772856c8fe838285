"""Much at once: what a look costs does not grow with what waits or has ended, and nothing is late for ever.

Costs are counted in steps of the database, which are the same on every machine, not in seconds.
"""

import gc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from headwater.app.serving.allowing import Limits
from headwater.app.serving.leading import Leader
from headwater.app.workspace import Effects, open_workspace
from headwater.graph.encoding import encode
from headwater.graph.values import Graph, PipelineNode
from headwater.spec.releases import Move
from headwater.spec.schedules import Timetable
from headwater.state.backends.sqlite import SqliteBackend, SqliteSession
from headwater.state.database import Database, open_database
from headwater.state.moves import move
from headwater.state.requests import Request, claim, enqueue, finish, last_requests, open_requests, under_way
from headwater.state.values import stamp

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PIPELINES = 1000
_STEP = 100


class Counted(SqliteBackend):
    """Counts what SQLite does, in hundreds of steps."""

    steps = 0

    def connect(self) -> SqliteSession:
        made = super().connect()
        made.connection.set_progress_handler(self._count, _STEP)
        return made

    def _count(self) -> int:
        self.steps += 1
        return 0


@pytest.fixture
def db(tmp_path):
    with open_database(tmp_path / "state.db") as opened:
        opened._drop_idle()
        opened.backend = Counted(tmp_path / "state.db", 5.0)
        yield opened


def fill(db: Database, first: int, last: int, **given) -> None:
    with db.write(durable=False):
        for number in range(first, last):
            request = Request(
                id=f"r{number:06}", environment="prod", pipeline=f"p{number % 7}", created_at=NOON, not_before=NOON
            )
            enqueue(db, request)


def steps(db: Database, act: Callable[[], object]) -> int:
    before = db.backend.steps
    act()
    return db.backend.steps - before


def test_taking_one_of_ten_thousand_costs_what_one_of_a_hundred_does(db):
    def take() -> None:
        claimed = claim(db, "w/1", NOON, 7.0)
        assert claimed is not None
        finish(db, claimed.request.id, "w/1", "done", "", NOON)

    fill(db, 0, 100)
    few = steps(db, lambda: [take() for _ in range(20)])
    fill(db, 100, 10_000)
    many = steps(db, lambda: [take() for _ in range(20)])
    assert many <= 2 * few + 5, (few, many)


def test_what_has_ended_costs_nothing(db):
    def look() -> None:
        claimed = claim(db, "w/1", NOON, 7.0)
        assert claimed is not None
        under_way(db, "prod")
        open_requests(db, "prod")
        finish(db, claimed.request.id, "w/1", "done", "", NOON)

    fill(db, 0, 10)
    before = steps(db, look)
    fill(db, 10, 10_000)
    with db.write(durable=False) as connection:
        connection.execute("UPDATE requests SET status = 'done', ended_at = created_at WHERE id > 'r000010'")
    after = steps(db, look)
    assert after <= 2 * before + 5, (before, after)


def test_ten_thousand_that_must_wait_cost_little_each_time_somebody_looks(db):
    """A pipeline's limit is judged once, not once for each of its orders."""
    fill(db, 0, 10_000)
    asked = []

    def nobody(request, running):
        asked.append(request.pipeline)
        return False

    assert claim(db, "w", NOON, 7.0, nobody) is None
    assert sorted(asked) == [f"p{number}" for number in range(7)]


@pytest.fixture
def server(tmp_path):
    """A leader with a thousand pipelines that are due each minute, and its clock."""
    clock = [NOON - timedelta(seconds=30)]
    (tmp_path / "headwater.yaml").write_text("project: load\n")
    every_minute = (Timetable(cron="* * * * *", timezone="Europe/Berlin"),)
    pipelines = tuple(
        PipelineNode(name=f"p{n:04}", select=("*",), schedule=every_minute, max_active=1) for n in range(PIPELINES)
    )
    with open_workspace(tmp_path, effects=Effects(clock=lambda: clock[0])) as workspace:
        code = encode(Graph(project="load", nodes=(), pipelines=pipelines, digest="c"))
        made = Move(environment="prod", kind="apply", at=clock[0], by="ann", code="c", graph=code)
        move(workspace.db, made, "r1")
        yield Leader(workspace, "me"), clock


@pytest.mark.slow
def test_a_thousand_pipelines_that_are_due_together_are_ordered_in_one_look_minute_after_minute(server):
    leader, clock = server
    db = leader.workspace.db
    leader.step(clock[0])
    sizes = []
    for minute in range(15):
        clock[0] = NOON + minute * MINUTE + timedelta(seconds=1)
        assert leader.step(clock[0]) == PIPELINES, f"in minute {minute}"
        assert leader.step(clock[0]) == 0
        _work_off(db, clock[0])
        gc.collect()
        sizes.append(len(gc.get_objects()))
    assert sizes[-1] - sizes[4] < PIPELINES, sizes
    newest = last_requests(db, limit=PIPELINES)
    assert {each.created_at - each.fire_at for each in newest} == {timedelta(seconds=1)}


@pytest.mark.slow
def test_what_cannot_be_worked_off_does_not_pile_up(server):
    """Of each pipeline one run waits at most, however long nobody works; then it is the last time that is run."""
    leader, clock = server
    leader.step(clock[0])
    for minute in range(10):
        clock[0] = NOON + minute * MINUTE + timedelta(seconds=1)
        leader.step(clock[0])
    assert len(open_requests(leader.workspace.db)) == PIPELINES


def test_a_limit_holds_with_a_thousand_that_wait(server):
    leader, clock = server
    db = leader.workspace.db
    leader.step(clock[0])
    clock[0] = NOON + timedelta(seconds=1)
    leader.step(clock[0])
    limits = Limits(db)
    taken = [claim(db, f"w/{n}", clock[0], 7.0, limits) for n in range(30)]
    names = [each.request.pipeline for each in taken if each]
    assert (len(names), len(set(names))) == (30, 30)


def _work_off(db: Database, now: datetime) -> None:
    """Let all that waits be done: as workers would, but in one transaction."""
    with db.write(durable=False) as connection:
        connection.execute("UPDATE requests SET status = 'done', ended_at = ? WHERE status = 'queued'", (stamp(now),))
