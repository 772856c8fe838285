"""Runs: when they began, by whom, how they ended, and what the last of them did with each node."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from headwater.state.attempts import AttemptStatus
from headwater.state.database import Database
from headwater.state.values import moment, optional_moment, stamp, storable

_RUNS: Final = (
    "SELECT id, environment, kind, started_at, author, code, ended_at, status, message, release, pipeline, because,"
    " worker, tries FROM runs"
)
_LAST: Final = """
SELECT a.run, a.node, a.status, sum(a.slots), sum(a.rows_out), sum(a.bytes_written), sum(a.seconds), max(a.attempt),
    max(a.message), max(coalesce(a.ended_at, a.started_at)), max(a.seq)
FROM last_attempts AS l JOIN attempts AS a ON a.run = l.run AND a.node = l.node
WHERE l.environment = ? GROUP BY a.run, a.node, a.status"""


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
class LastRun:
    """What the last run that had work for a node did with it: its attempts together."""

    run: str
    node: str
    status: AttemptStatus
    """``failed`` if a task of the node failed for good, else the status of the attempt that began last."""
    slots: int
    """Slots, rows and bytes that it made."""
    rows: int
    bytes: int
    seconds: float
    attempt: int
    """The largest number of attempts at one task."""
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


def finish_run(
    db: Database, run_id: str, at: datetime, status: str, message: str, *, worker: str | None = None
) -> None:
    """Note how a run ended; ``worker``: only if it was the last to begin with it, as another may have taken it over."""
    own, values = ("", ()) if worker is None else (" AND worker = ?", (worker,))
    with db.write(durable=False) as connection:
        connection.execute(
            f"UPDATE runs SET ended_at = ?, status = ?, message = ? WHERE id = ?{own}",
            (stamp(at), status, storable(message), run_id, *values),
        )


def last_runs(db: Database, environment: str) -> dict[str, LastRun]:
    """Give node → what the last run that had work for it did, in an environment."""
    found: dict[str, list[LastRun]] = {}
    with db.read() as connection:
        rows = connection.execute(_LAST, (environment,)).fetchall()
    for *row, _ in sorted(rows, key=lambda row: row[-1]):
        part = _last_run(*row)
        found.setdefault(part.node, []).append(part)
    return {node: _together(parts) for node, parts in found.items()}


def runs(db: Database, environment: str | None, limit: int) -> tuple[RunRow, ...]:
    """Give the last runs, newest first; of all environments if ``environment`` is None."""
    where, values = ("WHERE environment = ?", [environment]) if environment is not None else ("", [])
    with db.read() as connection:
        rows = connection.execute(f"{_RUNS} {where} ORDER BY started_at DESC, id DESC LIMIT ?", (*values, limit))
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


def _last_run(
    run: str, node: str, status: AttemptStatus, slots: int, rows: int, size: int, seconds: float, attempt: int,
    message: str, at: str,
) -> LastRun:  # fmt: skip
    return LastRun(
        run=run,
        node=node,
        status=status,
        slots=int(slots),
        rows=int(rows),
        bytes=int(size),
        seconds=seconds,
        attempt=attempt,
        message=message,
        at=moment(at),
    )


def _together(parts: Sequence[LastRun]) -> LastRun:
    """Make one of the sums for each status, in the order in which the last attempts of each began."""
    decisive = next((part for part in parts if part.status == "failed"), parts[-1])
    done = [part for part in parts if part.status == "done"]
    return replace(
        decisive,
        slots=sum(part.slots for part in done),
        rows=sum(part.rows for part in done),
        bytes=sum(part.bytes for part in done),
        seconds=sum(part.seconds for part in parts),
        attempt=max(part.attempt for part in parts),
        at=max(part.at for part in parts),
    )
