"""Runs and their tasks: what was tried, when, by whom, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from headwater.state.database import Database
from headwater.state.values import moment, optional_moment, stamp, storable

_RUNS: Final = (
    "SELECT id, environment, kind, started_at, author, code, ended_at, status, message, release, pipeline, because,"
    " worker, tries FROM runs"
)
_TASK = """
INSERT INTO tasks (run, node, slots, status, row_count, byte_count, seconds, attempt, message, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq"""
_LAST = """
INSERT INTO last_tasks (environment, node, task) SELECT environment, ?, ? FROM runs WHERE id = ?
ON CONFLICT (environment, node) DO UPDATE SET task = excluded.task"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One execution of due work; ``status`` is ``running`` until it ends."""

    id: str
    environment: str
    kind: str
    started_at: datetime
    by: str
    code: str
    ended_at: datetime | None
    status: str
    message: str
    release: str | None
    pipeline: str = ""
    because: str = ""
    """Why it ran, for people."""
    worker: str = ""
    """Who performed it last."""
    tries: int = 1
    """How many workers have performed it: more than one if some have died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """One attempt at a task of a run."""

    run: str
    node: str
    slots: int
    status: str
    rows: int
    bytes: int
    seconds: float
    attempt: int
    message: str
    at: datetime


def start_run(
    db: Database,
    run_id: str,
    environment: str,
    kind: str,
    at: datetime,
    by: str,
    code: str,
    *,
    pipeline: str = "",
    because: str = "",
    worker: str = "",
) -> None:
    """Note that a run began, or that another worker goes on with it: it keeps its id and its beginning."""
    with db.write(durable=False) as connection:
        connection.execute(
            "INSERT INTO runs (id, environment, kind, started_at, author, code, status, pipeline, because, worker)"
            " VALUES (?, ?, ?, ?, ?, ?, 'running', ?, ?, ?) ON CONFLICT (id) DO UPDATE SET status = 'running',"
            " ended_at = NULL, message = '', worker = excluded.worker, tries = runs.tries + 1",
            (run_id, environment, kind, stamp(at), storable(by), code, pipeline, storable(because), worker),
        )


def finish_run(db: Database, run_id: str, at: datetime, status: str, message: str) -> None:
    """Note how a run ended."""
    with db.write(durable=False) as connection:
        connection.execute(
            "UPDATE runs SET ended_at = ?, status = ?, message = ? WHERE id = ?",
            (stamp(at), status, storable(message), run_id),
        )


def record_task(
    db: Database,
    run_id: str,
    node: str,
    slots: int,
    status: str,
    rows: int,
    bytes: int,  # noqa: A002 - the word of the receipt
    seconds: float,
    attempt: int,
    message: str,
    at: datetime,
) -> None:
    """Note one attempt at a task of a run that has started; it becomes its node's last."""
    with db.write(durable=False) as connection:
        row = (run_id, node, slots, status, rows, bytes, seconds, attempt, storable(message), stamp(at))
        (seq,) = connection.execute(_TASK, row).fetchone()
        connection.execute(_LAST, (node, seq, run_id))


def last_runs(db: Database, environment: str) -> dict[str, TaskRow]:
    """Give node → the last attempt at a task of it in an environment."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT t.run, t.node, t.slots, t.status, t.row_count, t.byte_count, t.seconds, t.attempt, t.message, t.at"
            " FROM last_tasks AS l JOIN tasks AS t ON t.seq = l.task WHERE l.environment = ?",
            (environment,),
        )
        return {row[1]: _task(row) for row in rows}


def tasks_of(db: Database, run_id: str) -> tuple[TaskRow, ...]:
    """Give the attempts of a run, in the order they ended."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT run, node, slots, status, row_count, byte_count, seconds, attempt, message, at FROM tasks"
            " WHERE run = ? ORDER BY seq",
            (run_id,),
        )
        return tuple(map(_task, rows))


def runs(db: Database, environment: str | None, limit: int) -> tuple[RunRow, ...]:
    """Give the last runs, newest first; of all environments if ``environment`` is None."""
    where, values = ("WHERE environment = ?", [environment]) if environment is not None else ("", [])
    with db.read() as connection:
        rows = connection.execute(f"{_RUNS} {where} ORDER BY started_at DESC, id DESC LIMIT ?", (*values, limit))
        return tuple(map(_run, rows))


def runs_since(db: Database, environment: str, since: datetime) -> tuple[RunRow, ...]:
    """Give the runs of an environment that started at a time or later, oldest first."""
    with db.read() as connection:
        rows = connection.execute(
            f"{_RUNS} WHERE environment = ? AND started_at >= ? ORDER BY started_at, id", (environment, stamp(since))
        )
        return tuple(map(_run, rows))


def find_run(db: Database, run_id: str) -> RunRow | None:
    """Give a run by its id."""
    with db.read() as connection:
        row = connection.execute(f"{_RUNS} WHERE id = ?", (run_id,)).fetchone()
        return _run(row) if row else None


def _run(row: tuple[Any, ...]) -> RunRow:
    name, environment, kind, started_at, by, code, ended_at, status, message, release, pipeline, because, worker, n = (
        row
    )
    return RunRow(
        id=name,
        environment=environment,
        kind=kind,
        started_at=moment(started_at),
        by=by,
        code=code,
        ended_at=optional_moment(ended_at),
        status=status,
        message=message,
        release=release,
        pipeline=pipeline,
        because=because,
        worker=worker,
        tries=n,
    )


def _task(row: tuple[str, str, int, str, int, int, float, int, str, str]) -> TaskRow:
    run, node, slots, status, rows, size, seconds, attempt, message, at = row
    return TaskRow(
        run=run,
        node=node,
        slots=slots,
        status=status,
        rows=rows,
        bytes=size,
        seconds=seconds,
        attempt=attempt,
        message=message,
        at=moment(at),
    )
