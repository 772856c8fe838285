"""What is counted for metrics: read on from where one was, so that a look costs what has happened since."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from headwater.state.database import Database
from headwater.state.values import chunks, marks, moment, optional_moment, stamp

PAGE: Final = 5000
_ATTEMPT: Final = """
SELECT seq, environment, node, status, rows_out, rejects, bytes_read, bytes_moved, bytes_written, cpu_s
FROM attempts"""
_ENDED: Final = """
SELECT r.id, r.environment, coalesce(nullif(r.pipeline, ''), q.pipeline, ''), r.status, r.started_at, r.ended_at,
    q.fire_at
FROM runs AS r LEFT JOIN requests AS q ON q.id = r.id
WHERE r.ended_at >= ? AND (r.ended_at > ? OR r.id > ?) ORDER BY r.ended_at, r.id LIMIT ?"""
_QUEUE: Final = """
SELECT environment, pipeline, status, count(*), min(created_at) FROM requests
WHERE status IN ('queued', 'running') GROUP BY environment, pipeline, status"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run that has ended."""

    id: str
    environment: str
    pipeline: str
    status: str
    started_at: datetime
    ended_at: datetime
    fire_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedAttempt:
    """What of an attempt is counted."""

    seq: int
    environment: str
    node: str
    status: str
    rows: int
    rejects: int
    bytes_read: int
    bytes_moved: int
    bytes_written: int
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """How many orders of a pipeline wait or run, and since when the first."""

    environment: str
    pipeline: str
    status: str
    count: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCondition:
    """How a node was left by what last ran."""

    environment: str
    node: str
    blocked: int
    waiting: int
    score: float | None


def ended_runs(db: Database, since: datetime) -> Iterator[EndedRun]:
    """Give the runs that ended at a time or later, in the order in which they ended."""
    at, last = stamp(since), ""
    while True:
        with db.read() as connection:
            rows = connection.execute(_ENDED, (at, at, last, PAGE)).fetchall()
        for row in rows:
            yield _ended(row)
        if len(rows) < PAGE:
            return
        at, last = rows[-1][5], rows[-1][0]


def attempts_after(db: Database, seq: int) -> Iterator[CountedAttempt]:
    """Give the attempts with a larger number, in order; some may still run."""
    while True:
        with db.read() as connection:
            rows = connection.execute(f"{_ATTEMPT} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, PAGE)).fetchall()
        yield from map(_attempt, rows)
        if len(rows) < PAGE:
            return
        seq = rows[-1][0]


def attempts_numbered(db: Database, numbers: Iterable[int]) -> Iterator[CountedAttempt]:
    """Give attempts by their numbers."""
    for piece in chunks(numbers):
        with db.read() as connection:
            rows = connection.execute(f"{_ATTEMPT} WHERE seq IN ({marks(len(piece))})", piece).fetchall()
        yield from map(_attempt, rows)


def events_after(db: Database, seq: int, kind: str) -> Iterator[tuple[int, str, str]]:
    """Give (number, environment, fields as JSON) of the events of a kind with a larger number, in order."""
    query = "SELECT seq, environment, body FROM run_events WHERE seq > ? AND kind = ? ORDER BY seq LIMIT ?"
    while True:
        with db.read() as connection:
            rows = connection.execute(query, (seq, kind, PAGE)).fetchall()
        yield from rows
        if len(rows) < PAGE:
            return
        seq = rows[-1][0]


def queued(db: Database) -> tuple[Queued, ...]:
    """Give what waits and what runs, by pipeline."""
    with db.read() as connection:
        return tuple(
            Queued(environment=environment, pipeline=pipeline, status=status, count=int(count), since=moment(since))
            for environment, pipeline, status, count, since in connection.execute(_QUEUE)
        )


def open_by_severity(db: Database) -> dict[tuple[str, str], int]:
    """Give (environment, severity) → how many incidents are open."""
    query = (
        "SELECT environment, severity, count(*) FROM incidents WHERE closed_at IS NULL GROUP BY environment, severity"
    )
    with db.read() as connection:
        return {(environment, severity): int(count) for environment, severity, count in connection.execute(query)}


def node_conditions(db: Database) -> tuple[NodeCondition, ...]:
    """Give how all nodes of all environments were left."""
    query = (
        "SELECT e.name, c.node, c.blocked, c.waiting, c.score FROM conditions AS c"
        " JOIN environments AS e ON e.number = c.environment ORDER BY e.name, c.node"
    )
    with db.read() as connection:
        return tuple(
            NodeCondition(environment=environment, node=node, blocked=blocked, waiting=waiting, score=score)
            for environment, node, blocked, waiting, score in connection.execute(query)
        )


def _ended(row: tuple[Any, ...]) -> EndedRun:
    name, environment, pipeline, status, started_at, ended_at, fire_at = row
    return EndedRun(
        id=name,
        environment=environment,
        pipeline=pipeline,
        status=status,
        started_at=moment(started_at),
        ended_at=moment(ended_at),
        fire_at=optional_moment(fire_at),
    )


def _attempt(row: tuple[Any, ...]) -> CountedAttempt:
    seq, environment, node, status, rows, rejects, bytes_read, bytes_moved, bytes_written, cpu_s = row
    return CountedAttempt(
        seq=seq,
        environment=environment,
        node=node,
        status=status,
        rows=rows,
        rejects=rejects,
        bytes_read=bytes_read,
        bytes_moved=bytes_moved,
        bytes_written=bytes_written,
        cpu_s=cpu_s,
    )
