"""Runs and the orders behind them as one list: what is queued, what runs, what has ended, and what each has done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import chunks, marks, moment, optional_moment, stamp

_RUNS: Final = """
SELECT r.id, r.environment, coalesce(nullif(r.pipeline, ''), q.pipeline, '') AS pipeline,
    coalesce(q.kind, r.kind) AS kind, coalesce(nullif(r.because, ''), q.because, '') AS because,
    coalesce(q.status, r.status) AS status, coalesce(q.created_at, r.started_at) AS ordered_at,
    r.started_at AS started_at, r.ended_at AS ended_at, q.fire_at AS fire_at, coalesce(q.author, r.author) AS author,
    r.worker AS worker, coalesce(q.tries, r.tries) AS tries, coalesce(q.crashes, 0) AS crashes,
    coalesce(nullif(q.message, ''), r.message) AS message, r.release AS release, coalesce(q.backfill, '') AS backfill,
    coalesce(q.cancelled_by, '') AS cancelled_by, q.not_before AS not_before
FROM runs AS r LEFT JOIN requests AS q ON q.id = r.id WHERE r.id IN ({})"""
_ORDERS: Final = """
SELECT q.id, q.environment, q.pipeline, q.kind, q.because, q.status, q.created_at, q.started_at, q.ended_at, q.fire_at,
    q.author, q.holder, q.tries, q.crashes, q.message, NULL, q.backfill, q.cancelled_by, q.not_before
FROM requests AS q WHERE q.id IN ({}) AND NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.id = q.id)"""
_LISTS: Final = (
    ("requests", "created_at", ""),
    ("runs", "started_at", " AND NOT EXISTS (SELECT 1 FROM requests AS q WHERE q.id = t.id)"),
)
"""Where runs are listed: the table, when they were ordered, and which of it are not in the other."""
_COLUMNS: Final = (
    "id, environment, pipeline, kind, because, status, ordered_at, started_at, ended_at, fire_at, author, worker,"
    " tries, crashes, message, release, backfill, cancelled_by, not_before"
)
_WORK: Final = """
SELECT run, sum(rows_out), sum(bytes_written), sum(CASE WHEN attempt > 1 THEN 1 ELSE 0 END),
    min(CASE WHEN status IN ('failed', 'retried', 'crashed') THEN started_at END)
FROM attempts WHERE run IN ({}) GROUP BY run"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run, ordered or by hand; ``status``: ``queued, running, done, failed, cancelled`` or ``set_aside``."""

    id: str
    environment: str
    pipeline: str
    """Empty: it was no pipeline's."""
    kind: str
    """``schedule, trigger, continuous, hand, backfill, rerun`` of orders; ``run``, ``apply`` of commands."""
    because: str
    status: str
    ordered_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    fire_at: datetime | None
    """The scheduled time that it is for."""
    author: str
    worker: str
    tries: int
    crashes: int
    message: str
    release: str | None
    backfill: str = ""
    """The backfill that it is a chunk of."""
    cancelled_by: str = ""
    """Who wants it to stop; empty: nobody."""
    not_before: datetime | None = None
    """From when on a worker may take it; None: it was not ordered."""
    rows: int = 0
    bytes: int = 0
    retries: int = 0
    failed_at: datetime | None = None
    """When the first attempt that failed had begun."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status not in {"queued", "running"}

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it has not ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, (self.ended_at - self.started_at).total_seconds())


def run_records(
    db: Database,
    environment: str | None = None,
    *,
    pipeline: str | None = None,
    statuses: Sequence[str] = (),
    since: datetime | None = None,
    after: RunRecord | None = None,
    limit: int = 50,
) -> tuple[RunRecord, ...]:
    """Give runs and orders, newest first; of all environments if None, ``since`` they were ordered.

    ``after`` is the last one of a list before: those that follow it, however many have come since.
    """
    conditions: list[tuple[str, list[Any]]] = []
    if environment is not None:
        conditions.append(("t.environment = ?", [environment]))
    if pipeline is not None:
        conditions.append(("t.pipeline = ?", [pipeline]))
    if statuses:
        conditions.append((f"t.status IN ({marks(len(statuses))})", list(statuses)))
    return _select(db, conditions, limit, since, after)


def run_record(db: Database, run: str) -> RunRecord | None:
    """Give one run by its id."""
    return next(iter(_select(db, [("t.id = ?", [run])], 1)), None)


def runs_like(db: Database, beginning: str) -> tuple[RunRecord, ...]:
    """Give the runs whose id begins so, two at most."""
    escaped = beginning.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return _select(db, [("t.id LIKE ? ESCAPE '\\'", [f"{escaped}%"])], 2)


def waiting_runs(db: Database, environment: str | None, limit: int) -> tuple[RunRecord, ...]:
    """Give the runs that wait for a worker, the earliest first; of all environments if None."""
    where, values = ("", []) if environment is None else (" AND environment = ?", [environment])
    query = f"SELECT id FROM requests WHERE status = 'queued'{where} ORDER BY not_before, id LIMIT ?"
    with db.read() as connection:
        chosen = [run for (run,) in connection.execute(query, (*values, limit)).fetchall()]
        return _read(connection, chosen)


def _select(
    db: Database,
    conditions: Sequence[tuple[str, list[Any]]],
    limit: int,
    since: datetime | None = None,
    after: RunRecord | None = None,
) -> tuple[RunRecord, ...]:
    """The newest are chosen first, from indexes; only these are read."""
    where = "".join(f" AND {text}" for text, _ in conditions)
    values = [value for _, each in conditions for value in each]
    values += [stamp(after.ordered_at), after.id] if after is not None else []
    found: list[tuple[str, str]] = []
    with db.read() as connection:
        for table, at, alone in _LISTS:
            follows = f" AND (t.{at}, t.id) < (?, ?)" if after is not None else ""
            rows = connection.execute(
                f"SELECT t.{at}, t.id FROM {table} AS t WHERE t.{at} >= ?{where}{follows}{alone}"
                f" ORDER BY t.{at} DESC, t.id DESC LIMIT ?",
                (stamp(since) if since is not None else "", *values, limit),
            )
            found += [(str(when), str(run)) for when, run in rows]
        chosen = [run for _, run in sorted(found, reverse=True)[:limit]]
        return _read(connection, chosen)


def _read(connection: Connection, chosen: Sequence[str]) -> tuple[RunRecord, ...]:
    read = {row[0]: row for query in (_RUNS, _ORDERS) for row in _by_id(connection, query, chosen)}
    work = {row[0]: row[1:] for row in _by_id(connection, _WORK, chosen)}
    return tuple(_record(read[run], work.get(run)) for run in chosen)


def _by_id(connection: Connection, query: str, runs: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    for part in chunks(runs):
        yield from connection.execute(query.format(marks(len(part))), part)


def _record(row: tuple[Any, ...], work: tuple[Any, ...] | None) -> RunRecord:
    values: dict[str, Any] = dict(zip((name.strip() for name in _COLUMNS.split(",")), row, strict=True))
    values["ordered_at"] = moment(values["ordered_at"])
    for name in ("started_at", "ended_at", "fire_at", "not_before"):
        values[name] = optional_moment(values[name])
    rows, size, retries, failed_at = work or (0, 0, 0, None)
    return RunRecord(
        **values, rows=int(rows), bytes=int(size), retries=int(retries), failed_at=optional_moment(failed_at)
    )
