"""Who works on this state: servers and their worker processes, and when each was last seen."""

from dataclasses import dataclass
from datetime import datetime

from headwater.state.database import Database
from headwater.state.values import moment, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process that works, or has the lead."""

    id: str
    kind: str
    """``server`` or ``worker``."""
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    run: str = ""
    """What it works on; empty: it waits."""
    url: str = ""
    """Where a server's API answers."""
    machine: str = ""
    """What it shares process numbers with; empty: nobody knows."""


def note_worker(db: Database, worker: Worker) -> None:
    """Say that a worker lives, and what it does."""
    with db.write(durable=False) as connection:
        connection.execute(
            "INSERT INTO workers (id, kind, host, pid, version, started_at, seen_at, run, url, machine)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
            " SET seen_at = excluded.seen_at, run = excluded.run, url = excluded.url",
            (
                worker.id,
                worker.kind,
                worker.host,
                worker.pid,
                worker.version,
                stamp(worker.started_at),
                stamp(worker.seen_at),
                worker.run,
                worker.url,
                worker.machine,
            ),
        )


def forget_worker(db: Database, worker: str) -> None:
    """Say that a worker has ended."""
    with db.write(durable=False) as connection:
        connection.execute("DELETE FROM workers WHERE id = ?", (worker,))


def workers(db: Database, seen_since: datetime | None = None) -> tuple[Worker, ...]:
    """Give all workers, or those seen since a time; servers first."""
    since = stamp(seen_since) if seen_since else ""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT id, kind, host, pid, version, started_at, seen_at, run, url, machine FROM workers"
            " WHERE seen_at >= ? ORDER BY kind, host, pid, id",
            (since,),
        )
        return tuple(
            Worker(
                id=name,
                kind=kind,
                host=host,
                pid=pid,
                version=version,
                started_at=moment(started),
                seen_at=moment(seen),
                run=run,
                url=url,
                machine=machine,
            )
            for name, kind, host, pid, version, started, seen, run, url, machine in rows
        )
