"""Logs, lists and statistics of runs, on each kind of database."""

from datetime import UTC, datetime, timedelta

import pytest

from headwater.app.statistics import statistics
from headwater.app.watching import Watcher
from headwater.state.attempts import Beginning, Ending, Work, begin_attempts, end_attempts
from headwater.state.requests import Request, enqueue
from headwater.state.run_events import RunEvent, append_events, count_events, forget_events, last_events, run_events
from headwater.state.run_records import run_record, run_records, runs_like
from headwater.state.runs import finish_run, start_run

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def said(run, level="info", kind="Phase", node="", message="m"):
    return RunEvent(run=run, environment="dev", at=NOON, kind=kind, level=level, node=node, message=message, body="{}")


def ran(db, run, minute, status="done"):
    start_run(db, run, "dev", "run", at(minute), "me", "c", pipeline="morning")
    begun = Beginning(run=run, environment="dev", task="t", node="n", version="v", slots=1, attempt=2, at=at(minute))
    (seq,) = begin_attempts(db, [begun])
    work = Work(rows_out=3, bytes_written=10)
    end_attempts(db, [Ending(seq=seq, status="done" if status == "done" else "failed", at=at(minute + 1), work=work)])
    finish_run(db, run, at(minute + 2), status, "")


def test_events_are_given_in_order_and_by_what_is_wanted(db):
    append_events(
        db, [said("a", message="1"), said("b"), said("a", "error", "TaskFailed", "n", "2"), said("a", "debug")]
    )
    assert [event.message for event in run_events(db, "a")] == ["1", "2", "m"]
    first = run_events(db, "a")[0].seq
    assert [event.message for event in run_events(db, "a", after=first, levels=["error", "info"])] == ["2"]
    assert [event.node for event in run_events(db, "a", node="n")] == ["n"]
    assert count_events(db, "a") == {"Phase": 2, "TaskFailed": 1}
    assert last_events(db, "a", ["Phase"])["Phase"].level == "debug"


@pytest.mark.parametrize("text", ["a\x00b", "half a \udc80 letter"])
def test_any_text_fits_into_a_log(db, text):
    append_events(db, [said("a", message=text)])
    assert len(run_events(db, "a")) == 1


def test_runs_and_orders_are_one_list_newest_first(db):
    ran(db, "a", 0)
    ran(db, "b", 5, "failed")
    order = Request(id="c", environment="dev", pipeline="morning", created_at=at(9), not_before=at(9))
    assert enqueue(db, order)
    assert [(run.id, run.status) for run in run_records(db)] == [("c", "queued"), ("b", "failed"), ("a", "done")]
    assert [run.id for run in run_records(db, "dev", pipeline="morning", statuses=["done", "failed"], limit=1)] == ["b"]
    assert [run.id for run in run_records(db, since=at(5))] == ["c", "b"]
    assert run_records(db, "prod") == ()


def test_a_run_sums_up_its_attempts(db):
    ran(db, "a", 0, "failed")
    run = run_record(db, "a")
    assert (run.rows, run.bytes, run.retries, run.seconds, run.failed_at) == (3, 10, 1, 120.0, at(0))


def test_a_run_that_was_ordered_is_listed_once(db):
    assert enqueue(db, Request(id="a", environment="dev", created_at=at(-3), not_before=at(-3), fire_at=at(-4)))
    ran(db, "a", 0)
    (run,) = run_records(db)
    assert (run.status, run.ordered_at, run.started_at, run.fire_at) == ("queued", at(-3), at(0), at(-4))


def test_the_beginning_of_an_id_is_taken_literally(db):
    ran(db, "a_1", 0)
    ran(db, "ab1", 1)
    assert [run.id for run in runs_like(db, "a_")] == ["a_1"]


def test_statistics_are_those_of_the_records(db):
    ran(db, "a", 0, "failed")
    ran(db, "b", 5)
    (found,) = statistics(db, "dev", at(-60), at(60))
    assert (found.pipeline, found.runs, found.outages, found.rows, found.retries) == ("morning", 2, 1, 6, 2)
    assert (found.time_to_detect_s, found.time_to_recovery_s) == (120, 420)


def test_a_look_at_an_empty_state_shows_nothing(db):
    look = Watcher(db).look(NOON)
    assert (look.working, look.queue, look.next, look.workers, look.incidents) == ((), (), (), (), ())


def test_old_logs_are_forgotten(db):
    ran(db, "a", 0)
    append_events(db, [said("a"), said("still running")])
    assert forget_events(db, at(60)) == 1
    assert len(run_events(db, "still running")) == 1


def test_a_look_counts_the_whole_queue_and_shows_its_first(db):
    for number in range(60):
        enqueue(db, Request(id=f"r{number:02}", environment="dev", created_at=NOON, not_before=at(number)))
    look = Watcher(db, "dev").look(NOON)
    assert (look.queued, len(look.queue), look.queue[0].id) == (60, 50, "r00")
    assert Watcher(db, "prod").look(NOON).queued == 0
