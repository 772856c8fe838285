"""Attempts: a row for every try at a task, from before it begins, with what it read, wrote and used."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import chunks, marks, moment, optional_moment, stamp, storable

AttemptStatus = Literal["running", "done", "retried", "failed", "cancelled", "crashed"]
_COLUMNS: Final = (
    "seq, run, environment, task, node, version, slots, attempt, because, worker, status, started_at, ended_at,"
    " seconds, rows_in, rows_out, rejects, bytes_read, bytes_moved, bytes_written, cpu_s, peak_bytes, message"
)
_BEGIN: Final = """
INSERT INTO attempts (run, environment, task, node, version, slots, attempt, because, worker, status, started_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?) RETURNING seq"""
_END: Final = """
UPDATE attempts SET status = ?, ended_at = ?, seconds = ?, rows_in = ?, rows_out = ?, rejects = ?, bytes_read = ?,
    bytes_moved = ?, bytes_written = ?, cpu_s = ?, peak_bytes = ?, message = ?
WHERE seq = ? AND status = 'running'"""
_WELL: Final = """
DELETE FROM suspects WHERE (environment, node, version) IN (
    SELECT environment, node, version FROM attempts WHERE seq IN ({}))"""
_LAST: Final = """
INSERT INTO last_attempts (environment, node, run) VALUES (?, ?, ?)
ON CONFLICT (environment, node) DO UPDATE SET run = excluded.run"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """An attempt that is about to begin."""

    run: str
    environment: str
    task: str
    node: str
    version: str
    slots: int
    attempt: int
    because: str = ""
    """Why it runs."""
    worker: str = ""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an attempt has read, written and used, as far as it is known."""

    rows_in: int = 0
    """Rows of what it was given to read."""
    rows_out: int = 0
    rejects: int = 0
    bytes_read: int = 0
    """Bytes of the files it was given to read."""
    bytes_moved: int = 0
    """Of these, those that lay at another site."""
    bytes_written: int = 0
    cpu_s: float = 0.0
    peak_bytes: int = 0


NO_WORK: Final = Work()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ended. ``seconds`` are measured, not the difference of two times of day."""

    seq: int
    status: AttemptStatus
    at: datetime
    seconds: float = 0.0
    work: Work = NO_WORK
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at one task."""

    seq: int
    run: str
    environment: str
    task: str
    node: str
    version: str
    slots: int
    attempt: int
    because: str
    worker: str
    status: AttemptStatus
    started_at: datetime
    ended_at: datetime | None
    seconds: float
    work: Work
    message: str


def begin_attempts(db: Database, beginnings: Iterable[Beginning]) -> list[int]:
    """Note attempts before they begin; give the number of each row. Their run is the last one of their nodes."""
    with db.write(durable=False) as connection:
        return [_begin(connection, each) for each in beginnings]


def end_attempts(db: Database, endings: Iterable[Ending]) -> None:
    """Note how attempts ended; one that was given up as crashed meanwhile stays so.

    What went well is no longer suspected of killing its worker: deaths count that follow each other.
    """
    with db.write(durable=False) as connection:
        well = []
        for each in endings:
            connection.execute(_END, (each.status, stamp(each.at), *_ended(each), each.seq))
            well += [each.seq] if each.status == "done" else []
        for some in chunks(well):
            connection.execute(_WELL.format(marks(len(some))), some)


def note_well(db: Database, run: str, environment: str, nodes: Iterable[tuple[str, str]], at: datetime) -> None:
    """Note of (node, version) that a run found nothing to compute where one before it had failed."""
    because = "nothing is left to compute"
    rows = [
        Beginning(
            run=run,
            environment=environment,
            task="",
            node=node,
            version=version,
            slots=0,
            attempt=1,
            because=because,
            at=at,
        )
        for node, version in nodes
    ]
    with db.write(durable=False):
        end_attempts(db, [Ending(seq=seq, status="done", at=at) for seq in begin_attempts(db, rows)])


def attempts_of(db: Database, run: str) -> tuple[Attempt, ...]:
    """Give the attempts of a run, in the order they began."""
    with db.read() as connection:
        query = f"SELECT {_COLUMNS} FROM attempts WHERE run = ? ORDER BY seq"
        return tuple(map(_attempt, connection.execute(query, (run,))))


def running_attempts(db: Database, run: str) -> tuple[Attempt, ...]:
    """Give what a run is in the middle of."""
    with db.read() as connection:
        return tuple(_running(connection, run))


def has_done_since(db: Database, run: str, since: datetime) -> bool:
    """Whether an attempt of a run has ended well since a time."""
    with db.read() as connection:
        query = "SELECT 1 FROM attempts WHERE run = ? AND status = 'done' AND ended_at > ? LIMIT 1"
        return connection.execute(query, (run, stamp(since))).fetchone() is not None


def crashed(db: Database, run: str, at: datetime) -> tuple[Attempt, ...]:
    """Note that the worker of a run is dead: what it was in the middle of has crashed with it. Gives these attempts."""
    with db.write(durable=False) as connection:
        found = tuple(_running(connection, run))
        connection.execute(
            "UPDATE attempts SET status = 'crashed', ended_at = ?, message = 'its worker died'"
            " WHERE run = ? AND status = 'running'",
            (stamp(at), run),
        )
    return found


def _begin(connection: Connection, new: Beginning) -> int:
    row = (
        *(new.run, new.environment, new.task, new.node, new.version, new.slots, new.attempt),
        *(storable(new.because), new.worker, stamp(new.at)),
    )
    (seq,) = connection.execute(_BEGIN, row).fetchone()
    connection.execute(_LAST, (new.environment, new.node, new.run))
    return int(seq)


def _ended(ending: Ending) -> tuple[object, ...]:
    work = ending.work
    return (
        *(round(ending.seconds, 6), work.rows_in, work.rows_out, work.rejects, work.bytes_read, work.bytes_moved),
        *(work.bytes_written, round(work.cpu_s, 6), work.peak_bytes, storable(ending.message)),
    )


def _running(connection: Connection, run: str) -> Iterator[Attempt]:
    query = f"SELECT {_COLUMNS} FROM attempts WHERE run = ? AND status = 'running' ORDER BY seq"
    return map(_attempt, connection.execute(query, (run,)).fetchall())


def _attempt(row: Sequence[Any]) -> Attempt:
    seq, run, environment, task, node, version, slots, attempt, because, worker, status, start, end, *rest = row
    seconds, rows_in, rows_out, rejects, bytes_read, bytes_moved, bytes_written, cpu_s, peak_bytes, message = rest
    return Attempt(
        seq=seq,
        run=run,
        environment=environment,
        task=task,
        node=node,
        version=version,
        slots=slots,
        attempt=attempt,
        because=because,
        worker=worker,
        status=status,
        started_at=moment(start),
        ended_at=optional_moment(end),
        seconds=seconds,
        work=Work(
            rows_in=rows_in,
            rows_out=rows_out,
            rejects=rejects,
            bytes_read=bytes_read,
            bytes_moved=bytes_moved,
            bytes_written=bytes_written,
            cpu_s=cpu_s,
            peak_bytes=peak_bytes,
        ),
        message=message,
    )
