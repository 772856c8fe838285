"""Runs as one list: what waits, what runs and what has ended, whether a server was asked for it or a terminal."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import moment, optional_moment, stamp

_COLUMNS: Final = """
q.id, r.id, q.environment, r.environment, q.pipeline, r.pipeline, q.kind, r.kind, q.because, r.because, q.fire_at,
q.created_at, q.author, r.author, q.not_before, q.status, r.status, q.tries, r.tries, q.holder, r.worker,
q.cancelled_by, r.started_at, q.started_at, r.ended_at, q.ended_at, q.message, r.message, r.release, q.backfill"""
_ORDERED: Final = f"SELECT {_COLUMNS} FROM requests AS q LEFT JOIN runs AS r ON r.id = q.id"
_PERFORMED: Final = f"SELECT {_COLUMNS} FROM runs AS r LEFT JOIN requests AS q ON q.id = r.id"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """One run, whether it waits, runs or has ended."""

    id: str
    environment: str
    pipeline: str
    kind: str
    """``apply`` or ``run`` in a terminal; else what ordered it: ``schedule, trigger, continuous, hand, …``."""
    status: str
    """``queued, running, done, failed, cancelled`` or ``set_aside``."""
    because: str
    by: str
    created_at: datetime
    """When it was ordered, or began in a terminal."""
    fire_at: datetime | None
    not_before: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    tries: int
    worker: str
    cancelled_by: str
    message: str
    release: str | None
    backfill: str


def list_runs(
    db: Database,
    *,
    environment: str | None = None,
    pipeline: str | None = None,
    status: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> tuple[RunEntry, ...]:
    """Give runs, newest first; those that come after a run in that order, if ``after`` names one (unknown: none)."""
    with db.read() as connection:
        last = _find(connection, after) if after is not None else None
        if after is not None and last is None:
            return ()
        where = {"environment": environment, "pipeline": pipeline, "status": status}
        given = {name: value for name, value in where.items() if value is not None}
        ordered = _page(connection, _ORDERED, "q", "created_at", given, last, limit)
        alone = _page(connection, _PERFORMED, "r", "started_at", given, last, limit, " AND q.id IS NULL")
        merged = sorted((*ordered, *alone), key=lambda each: (each.created_at, each.id), reverse=True)
    return tuple(merged[:limit])


def waiting_runs(db: Database, environment: str | None, limit: int) -> tuple[RunEntry, ...]:
    """Give the runs that wait for a worker, the earliest first; of all environments if None."""
    where, values = ("", []) if environment is None else (" AND q.environment = ?", [environment])
    query = f"{_ORDERED} WHERE q.status = 'queued'{where} ORDER BY q.not_before, q.id LIMIT ?"
    with db.read() as connection:
        return tuple(map(_entry, connection.execute(query, (*values, limit)).fetchall()))


def find_run_entry(db: Database, run_id: str) -> RunEntry | None:
    """Give a run by its id."""
    with db.read() as connection:
        return _find(connection, run_id)


def _find(connection: Connection, run_id: str) -> RunEntry | None:
    for query, name in ((_ORDERED, "q"), (_PERFORMED, "r")):
        row = connection.execute(f"{query} WHERE {name}.id = ?", (run_id,)).fetchone()
        if row:
            return _entry(row)
    return None


def _page(
    connection: Connection,
    query: str,
    table: str,
    at: str,
    given: dict[str, str],
    last: RunEntry | None,
    limit: int,
    more: str = "",
) -> Iterator[RunEntry]:
    where, values = "1 = 1", list(given.values())
    for name in given:
        where += f" AND {table}.{name} = ?"
    if last is not None:
        when = stamp(last.created_at)
        where += f" AND ({table}.{at} < ? OR ({table}.{at} = ? AND {table}.id < ?))"
        values += [when, when, last.id]
    order = f"ORDER BY {table}.{at} DESC, {table}.id DESC LIMIT ?"
    rows = connection.execute(f"{query} WHERE {where}{more} {order}", (*values, limit))
    return map(_entry, rows.fetchall())


def _entry(row: tuple[Any, ...]) -> RunEntry:
    (
        ordered, performed, q_environment, r_environment, q_pipeline, r_pipeline, q_kind, r_kind, q_because, r_because,
        fire_at, created_at, q_author, r_author, not_before, q_status, r_status, q_tries, r_tries, holder, worker,
        cancelled_by, r_started, q_started, r_ended, q_ended, q_message, r_message, release, backfill,
    ) = row  # fmt: skip
    started, ended = (r_started or q_started), (q_ended if ordered else r_ended)
    return RunEntry(
        id=ordered or performed,
        environment=q_environment or r_environment,
        pipeline=q_pipeline or r_pipeline or "",
        kind=q_kind or r_kind,
        status=q_status or r_status,
        because=q_because or r_because or "",
        by=q_author or r_author or "",
        created_at=moment(created_at or r_started),
        fire_at=optional_moment(fire_at),
        not_before=optional_moment(not_before),
        started_at=optional_moment(started),
        ended_at=optional_moment(ended),
        tries=q_tries if ordered else r_tries,
        worker=holder or worker or "",
        cancelled_by=cancelled_by or "",
        message=q_message or r_message or "",
        release=release,
        backfill=backfill or "",
    )
