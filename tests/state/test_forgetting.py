"""What ended long ago is forgotten, but not what somebody still asks about."""

from datetime import UTC, datetime, timedelta

import pytest

from headwater.state.attempts import Beginning, attempts_of, begin_attempts
from headwater.state.database import Database
from headwater.state.forgetting import forget_runs, old_runs
from headwater.state.requests import Request, claim, enqueue, finish, requests_of
from headwater.state.run_events import RunEvent, append_events, run_events
from headwater.state.run_records import run_records
from headwater.state.runs import finish_run, last_runs, start_run
from headwater.state.workers import Worker, note_worker, workers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


def ran(db: Database, run: str, *nodes: str, at: datetime = NOON, ends: bool = True) -> None:
    """A run with an attempt at each of some nodes, and a line in its log."""
    start_run(db, run, "prod", "run", at, "ann", "c")
    tries = [
        Beginning(run=run, environment="prod", task="t", node=node, version="v", slots=1, attempt=1, at=at)
        for node in nodes
    ]
    begin_attempts(db, tries)
    said = RunEvent(run=run, environment="prod", at=at, kind="Phase", level="info", node="", message="m", body="{}")
    append_events(db, [said])
    if ends:
        finish_run(db, run, at, "done", "")


def ordered(db: Database, run: str, *, ends: datetime | None = NOON, backfill: str = "") -> None:
    """An order that a worker has taken, and maybe ended."""
    request = Request(id=run, environment="prod", created_at=NOON, not_before=NOON, backfill=backfill)
    enqueue(db, request)
    if ends:
        claim(db, "w", NOON, 6.0)
        finish(db, run, "w", "done", "", ends)


def forget(db: Database, before: datetime = LATER) -> list[str]:
    forget_runs(db, old_runs(db, before), before)
    return sorted(run.id for run in run_records(db))


def test_a_run_that_ended_long_ago_goes_with_all_that_is_known_of_it(db: Database) -> None:
    ordered(db, "a")
    ran(db, "a", "orders")
    ran(db, "b", "orders", at=LATER)
    assert len(old_runs(db, LATER)) == 1
    assert forget(db) == ["b"]
    assert (attempts_of(db, "a"), run_events(db, "a")) == ((), ())
    assert len(run_events(db, "b")) == 1


def test_the_last_run_of_a_node_stays(db: Database) -> None:
    ran(db, "a", "orders", "customers")
    ran(db, "b", "orders")
    assert forget(db) == ["a", "b"]
    assert {node: run.run for node, run in last_runs(db, "prod").items()} == {"orders": "b", "customers": "a"}


@pytest.mark.parametrize("ends", [None, LATER])
def test_what_goes_on_or_ended_lately_stays(db: Database, ends: datetime | None) -> None:
    ordered(db, "a", ends=ends)
    ran(db, "a")
    ran(db, "b", ends=False)
    assert forget(db) == ["a", "b"]


def test_an_order_that_never_ran_goes(db: Database) -> None:
    ordered(db, "a")
    assert forget(db) == []


def test_chunks_go_when_their_backfill_is_over(db: Database) -> None:
    for name, ends in (("a", NOON), ("b", LATER)):
        ordered(db, name, ends=ends, backfill="b1")
        ran(db, name)
    assert forget(db) == ["a", "b"]
    assert forget(db, LATER + timedelta(seconds=1)) == []
    assert requests_of(db, backfill="b1") == ()


def test_workers_that_were_never_heard_of_again_go(db: Database) -> None:
    for name, seen in (("old", NOON), ("new", LATER)):
        note_worker(db, Worker(id=name, kind="worker", host="h", pid=1, version="1", started_at=NOON, seen_at=seen))
    forget(db)
    assert [worker.id for worker in workers(db)] == ["new"]
