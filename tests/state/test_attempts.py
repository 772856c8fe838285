"""Attempts: a row before each begins, what it used when it ends, and what a dead worker was in the middle of."""

import sqlite3

from headwater.state.attempts import (
    Beginning,
    Ending,
    Work,
    attempts_of,
    begin_attempts,
    crashed,
    end_attempts,
    note_well,
    running_attempts,
)
from headwater.state.database import Database
from headwater.state.migrations import MIGRATIONS
from headwater.state.orchestration_tables import ATTEMPTS
from headwater.state.runs import last_runs
from tests.state.making import NOON, later


def begin(db: Database, *tasks: str, run: str = "r1") -> list[int]:
    return begin_attempts(
        db,
        [
            Beginning(
                run=run,
                environment="dev",
                task=task,
                node=task.upper(),
                version="v1",
                slots=2,
                attempt=1,
                because="its inputs moved",
                worker="w1",
                at=NOON,
            )
            for task in tasks
        ],
    )


def test_an_attempt_is_known_before_it_begins(db: Database) -> None:
    begin(db, "a")
    (row,) = running_attempts(db, "r1")
    assert (row.task, row.node, row.status, row.ended_at, row.slots) == ("a", "A", "running", None, 2)
    assert (row.because, row.worker, row.started_at) == ("its inputs moved", "w1", NOON)


def test_an_attempt_says_what_it_used(db: Database) -> None:
    work = Work(
        rows_in=5, rows_out=3, rejects=1, bytes_read=50, bytes_moved=20, bytes_written=30, cpu_s=0.25, peak_bytes=7
    )
    (seq,) = begin(db, "a")
    end_attempts(db, [Ending(seq=seq, status="done", at=later(9), seconds=8.5, work=work, message="x\udcff")])
    (row,) = attempts_of(db, "r1")
    assert (row.status, row.ended_at, row.seconds, row.work, row.message) == ("done", later(9), 8.5, work, "x\\udcff")
    assert running_attempts(db, "r1") == ()


def test_what_a_dead_worker_was_in_the_middle_of_has_crashed(db: Database) -> None:
    first, _ = begin(db, "a", "b")
    end_attempts(db, [Ending(seq=first, status="done", at=later(1))])
    assert [row.task for row in crashed(db, "r1", later(5))] == ["b"]
    assert [(row.task, row.status) for row in attempts_of(db, "r1")] == [("a", "done"), ("b", "crashed")]
    assert crashed(db, "r1", later(6)) == ()


def test_a_zombie_cannot_end_what_was_given_up(db: Database) -> None:
    (seq,) = begin(db, "a")
    crashed(db, "r1", later(5))
    end_attempts(db, [Ending(seq=seq, status="done", at=later(9))])
    assert attempts_of(db, "r1")[0].status == "crashed"


def test_another_runs_attempts_are_left_alone(db: Database) -> None:
    begin(db, "a", run="r2")
    assert crashed(db, "r1", later(5)) == ()
    assert running_attempts(db, "r2")


def test_a_node_that_is_well_without_work_says_so(db: Database) -> None:
    (seq,) = begin(db, "a")
    end_attempts(db, [Ending(seq=seq, status="failed", at=later(1), message="no space")])
    note_well(db, "r2", "dev", [("A", "v1")], later(2))
    assert (last_runs(db, "dev")["A"].status, last_runs(db, "dev")["A"].slots) == ("done", 0)


def test_tasks_of_older_states_become_attempts() -> None:
    connection = sqlite3.connect(":memory:")
    for step in MIGRATIONS[: MIGRATIONS.index(ATTEMPTS)]:
        for statement in step:
            connection.execute(statement)
    connection.execute(
        "INSERT INTO runs (id, environment, kind, started_at, author, code, status) VALUES"
        " ('r1', 'dev', 'run', 'x', 'ada', 'c', 'done')"
    )
    connection.execute("INSERT INTO tasks VALUES (1, 'r1', 'a', 3, 'done', 100, 2000, 0.5, 1, '', 'later')")
    connection.execute("INSERT INTO last_tasks VALUES ('dev', 'a', 1)")
    for statement in ATTEMPTS:
        connection.execute(statement)
    found = connection.execute("SELECT run, environment, node, slots, status, rows_out, seconds FROM attempts")
    assert found.fetchall() == [("r1", "dev", "a", 3, "done", 100, 0.5)]
    assert connection.execute("SELECT * FROM last_attempts").fetchall() == [("dev", "a", "r1")]
