"""Runs and tasks: what was tried and how it ended."""

from headwater.state.attempts import AttemptStatus, Beginning, Ending, Work, begin_attempts, end_attempts
from headwater.state.database import Database
from headwater.state.runs import finish_run, last_runs, runs, start_run
from tests.state.making import NOON, later


def task(db: Database, run: str, node: str, status: AttemptStatus, attempt: int = 1, message: str = "") -> None:
    beginning = Beginning(
        run=run, environment="dev", task=node, node=node, version="v1", slots=3, attempt=attempt, at=later(attempt - 1)
    )
    (seq,) = begin_attempts(db, [beginning])
    work = Work(rows_out=100, bytes_written=2000) if status == "done" else Work()
    end_attempts(db, [Ending(seq=seq, status=status, at=later(attempt), seconds=0.5, work=work, message=message)])


def test_a_run_is_running_until_it_ends(db: Database) -> None:
    start_run(db, "r1", "dev", "run", NOON, "ada", "c1")
    assert [(r.id, r.status, r.ended_at) for r in runs(db, "dev", 5)] == [("r1", "running", None)]
    finish_run(db, "r1", later(9), "failed", "a.csv changed \udcff")
    (row,) = runs(db, "dev", 5)
    assert (row.status, row.ended_at, row.message, row.by) == ("failed", later(9), "a.csv changed \\udcff", "ada")


def test_a_worker_whose_run_is_anothers_does_not_say_how_it_ended(db: Database) -> None:
    start_run(db, "r1", "dev", "run", NOON, "ada", "c1", worker="slow")
    start_run(db, "r1", "dev", "run", NOON, "ada", "c1", worker="heir")
    finish_run(db, "r1", later(8), "done", "", worker="heir")
    finish_run(db, "r1", later(9), "cancelled", "its lease was lost", worker="slow")
    (row,) = runs(db, "dev", 5)
    assert (row.status, row.ended_at, row.message) == ("done", later(8), "")


def test_runs_are_newest_first_and_per_environment(db: Database) -> None:
    for number, environment in enumerate(["dev", "prod", "dev"]):
        start_run(db, f"r{number}", environment, "run", later(number), "ada", "c1")
    assert [r.id for r in runs(db, "dev", 5)] == ["r2", "r0"]
    assert [r.id for r in runs(db, None, 2)] == ["r2", "r1"]


def test_the_last_run_of_each_node_is_the_sum_of_its_attempts(db: Database) -> None:
    task(db, "r1", "a", "retried", 1, "a.csv changed")
    task(db, "r1", "a", "done", 2)
    task(db, "r1", "b", "done")
    last = last_runs(db, "dev")
    assert {node: (found.status, found.attempt) for node, found in last.items()} == {"a": ("done", 2), "b": ("done", 1)}
    assert (last["a"].rows, last["a"].bytes, last["a"].slots, last["a"].seconds) == (100, 2000, 3, 1.0)
    assert (last["a"].run, last["a"].at) == ("r1", later(2))


def test_a_node_has_failed_if_one_of_its_tasks_has(db: Database) -> None:
    task(db, "r1", "a", "failed", message="out of memory")
    task(db, "r1", "a", "done")
    assert (last_runs(db, "dev")["a"].status, last_runs(db, "dev")["a"].message) == ("failed", "out of memory")


def test_a_run_that_goes_on_after_its_worker_died_is_well_at_last(db: Database) -> None:
    task(db, "r1", "a", "crashed")
    task(db, "r1", "a", "done")
    assert last_runs(db, "dev")["a"].status == "done"


def test_only_the_last_run_that_had_work_for_a_node_counts(db: Database) -> None:
    task(db, "r1", "a", "failed")
    task(db, "r2", "b", "done")
    assert {node: found.run for node, found in last_runs(db, "dev").items()} == {"a": "r1", "b": "r2"}
    task(db, "r2", "a", "done")
    assert last_runs(db, "dev")["a"].status == "done"


def test_environments_do_not_share_last_runs(db: Database) -> None:
    task(db, "r1", "a", "done")
    assert last_runs(db, "prod") == {}
