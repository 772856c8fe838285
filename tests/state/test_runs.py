"""Runs and tasks: what was tried and how it ended."""

from headwater.state.database import Database
from headwater.state.runs import finish_run, last_runs, record_task, runs, start_run, tasks_of
from tests.state.making import NOON, later


def task(db: Database, run: str, node: str, status: str, attempt: int = 1, message: str = "") -> None:
    record_task(db, run, node, 3, status, 100, 2000, 0.5, attempt, message, later(attempt))


def test_a_run_is_running_until_it_ends(db: Database) -> None:
    start_run(db, "r1", "dev", "run", NOON, "ada", "c1")
    assert [(r.id, r.status, r.ended_at) for r in runs(db, "dev", 5)] == [("r1", "running", None)]
    finish_run(db, "r1", later(9), "failed", "a.csv changed \udcff")
    (row,) = runs(db, "dev", 5)
    assert (row.status, row.ended_at, row.message, row.by) == ("failed", later(9), "a.csv changed \\udcff", "ada")


def test_runs_are_newest_first_and_per_environment(db: Database) -> None:
    for number, environment in enumerate(["dev", "prod", "dev"]):
        start_run(db, f"r{number}", environment, "run", later(number), "ada", "c1")
    assert [r.id for r in runs(db, "dev", 5)] == ["r2", "r0"]
    assert [r.id for r in runs(db, None, 2)] == ["r2", "r1"]


def test_the_last_attempt_of_each_node_is_known(db: Database) -> None:
    start_run(db, "r1", "dev", "run", NOON, "ada", "c1")
    task(db, "r1", "a", "failed", 1, "out of memory")
    task(db, "r1", "a", "done", 2)
    task(db, "r1", "b", "done")
    last = last_runs(db, "dev")
    assert {node: (found.status, found.attempt) for node, found in last.items()} == {"a": ("done", 2), "b": ("done", 1)}
    assert (last["a"].rows, last["a"].bytes, last["a"].slots, last["a"].run) == (100, 2000, 3, "r1")
    assert [found.status for found in tasks_of(db, "r1")] == ["failed", "done", "done"]


def test_environments_do_not_share_last_attempts(db: Database) -> None:
    start_run(db, "r1", "dev", "run", NOON, "ada", "c1")
    task(db, "r1", "a", "done")
    assert last_runs(db, "prod") == {}
