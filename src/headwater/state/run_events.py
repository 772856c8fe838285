"""What happened in runs, as it happened: each run's log, in the order in which it was written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import marks, moment, stamp, storable

_COLUMNS: Final = "seq, run, environment, at, kind, level, node, message, body"
_PUT: Final = """
INSERT INTO run_events (run, environment, at, kind, level, node, message, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """One fact about a run, in words and as it was; ``seq`` orders the facts of all runs."""

    seq: int = 0
    run: str
    environment: str
    at: datetime
    kind: str
    """Name of the event, such as ``TaskFinished``."""
    level: str
    """``debug, info, warning`` or ``error``."""
    node: str
    """Of which node it speaks; empty: of the run."""
    message: str
    body: str
    """The event's fields as JSON."""


def append_events(db: Database, events: Iterable[RunEvent]) -> None:
    """Add events in one transaction; it is not waited for the disk."""
    rows = [
        (e.run, e.environment, stamp(e.at), e.kind, e.level, storable(e.node), storable(e.message), storable(e.body))
        for e in events
    ]
    with db.write(durable=False) as connection:
        connection.executemany(_PUT, rows)


def run_events(
    db: Database,
    run: str,
    *,
    after: int = 0,
    node: str | None = None,
    levels: Iterable[str] = (),
    limit: int = 100_000,
) -> tuple[RunEvent, ...]:
    """Give a run's events in order: those after a ``seq``, of one node, of some levels (empty: all)."""
    where, values = "run = ? AND seq > ?", [run, after]
    if node is not None:
        where, values = f"{where} AND node = ?", [*values, node]
    wanted = list(levels)
    if wanted:
        where, values = f"{where} AND level IN ({marks(len(wanted))})", [*values, *wanted]
    with db.read() as connection:
        return tuple(_select(connection, f"WHERE {where} ORDER BY seq LIMIT ?", *values, limit))


def last_events(db: Database, run: str, kinds: Iterable[str]) -> dict[str, RunEvent]:
    """Give kind → the last event of it in a run."""
    found: dict[str, RunEvent] = {}
    with db.read() as connection:
        for kind in kinds:
            where = "WHERE run = ? AND kind = ? ORDER BY seq DESC LIMIT 1"
            found |= {event.kind: event for event in _select(connection, where, run, kind)}
    return found


def count_events(db: Database, run: str, after: int = 0) -> dict[str, int]:
    """Give kind → how many events of it a run has had since a ``seq``."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT kind, count(*) FROM run_events WHERE run = ? AND seq > ? GROUP BY kind", (run, after)
        )
        return {kind: int(count) for kind, count in rows}


def forget_events(db: Database, before: datetime) -> int:
    """Delete the logs of runs that ended before a time; give how many events went."""
    ended = "SELECT id FROM runs WHERE ended_at < ?"
    with db.write() as connection:
        done = connection.execute(f"DELETE FROM run_events WHERE run IN ({ended})", (stamp(before),))
        return done.rowcount


def logged_runs(db: Database, before: datetime) -> tuple[str, ...]:
    """Give the runs that ended before a time and have a log."""
    query = "SELECT id FROM runs WHERE ended_at < ? AND EXISTS (SELECT 1 FROM run_events AS e WHERE e.run = runs.id)"
    with db.read() as connection:
        return tuple(run for (run,) in connection.execute(query, (stamp(before),)))


def forget_logs(db: Database, runs: Sequence[str]) -> None:
    """Delete the logs of a few runs."""
    with db.write(durable=False) as connection:
        connection.execute(f"DELETE FROM run_events WHERE run IN ({marks(len(runs))})", tuple(runs))


def _select(connection: Connection, where: str, *values: Any) -> list[RunEvent]:
    return [
        RunEvent(
            seq=seq,
            run=run,
            environment=environment,
            at=moment(at),
            kind=kind,
            level=level,
            node=node,
            message=message,
            body=body,
        )
        for seq, run, environment, at, kind, level, node, message, body in connection.execute(
            f"SELECT {_COLUMNS} FROM run_events {where}", values
        )
    ]
