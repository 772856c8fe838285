"""Requests: the queue of what was ordered to run; who takes one holds the lease `run:<id>`, and loses it by dying."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.leases import acquire
from headwater.state.values import moment, optional_moment, optional_stamp, stamp, storable

Status = Literal["queued", "running", "done", "failed", "cancelled", "set_aside"]
ENDED: Final[tuple[Status, ...]] = ("done", "failed", "cancelled", "set_aside")
_COLUMNS: Final = (
    "id, environment, pipeline, kind, because, fire_at, body, priority, created_at, author, not_before, status,"
    " tries, crashes, stalls, holder, cancelled_by, started_at, ended_at, message, backfill"
)
_OPEN: Final = "ORDER BY priority DESC, not_before, created_at, id"
_LONGEST_WAIT: Final = timedelta(minutes=2)
"""What was tried waits less than that for its next try: who is to wait longer does so because a clock was wrong."""
_HELD: Final = """
SELECT name, expires_at FROM leases WHERE name IN (SELECT 'run:' || id FROM requests WHERE status = 'running')"""
_UNDER_WAY: Final = """
SELECT pipeline, status, count(*) FROM requests
WHERE environment = ? AND status IN ('queued', 'running') AND backfill = '' GROUP BY pipeline, status"""
_RIPE: Final = """
SELECT id, environment, pipeline, backfill FROM requests WHERE status = 'queued' AND (
    not_before <= ? OR (tries = 0 AND not_before <= created_at) OR (tries > 0 AND not_before > ?)
) """


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An order to run something. Its id is the id of the run, however many workers try it."""

    id: str
    environment: str
    pipeline: str = ""
    kind: str = "hand"
    """``schedule, trigger, continuous, hand, backfill`` or ``rerun``."""
    because: str = ""
    fire_at: datetime | None = None
    """The scheduled time that it is for; ordered once."""
    body: str = "{}"
    """What the run is asked for, as JSON."""
    priority: int = 0
    created_at: datetime
    author: str = ""
    not_before: datetime
    status: Status = "queued"
    tries: int = 0
    """How many workers have taken it."""
    crashes: int = 0
    """How many of them died over it."""
    stalls: int = 0
    """How many of these in a row, without anything done in between."""
    holder: str = ""
    cancelled_by: str = ""
    """Who wants it to stop; empty: nobody."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    message: str = ""
    backfill: str = field(default="")

    @property
    def lease(self) -> str:
        """Name of the lease that its worker holds."""
        return f"run:{self.id}"

    @property
    def has_ended(self) -> bool:
        """Whether nobody will work on it any more."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that a worker has taken, with the fence of its lease."""

    request: Request
    fence: int


def enqueue(db: Database, request: Request) -> bool:
    """Add an order; False, and nothing is added, if its scheduled time was ordered before."""
    marks = ", ".join("?" * len(_COLUMNS.split(",")))
    with db.write() as connection:
        done = connection.execute(
            f"INSERT INTO requests ({_COLUMNS}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING id", _row(request)
        ).fetchall()
    return bool(done)


def claim(
    db: Database,
    holder: str,
    now: datetime,
    ttl_s: float,
    is_allowed: Callable[[Request, Sequence[Request]], bool] = lambda *_: True,
) -> Claim | None:
    """Take the most urgent request whose time has come, and its lease; None if there is none.

    ``is_allowed`` is asked with a candidate and all that run: limits are its matter. They are limits of a pipeline, or
    of a backfill: what it says of one request of them goes for the others.
    """
    with db.read() as connection:  # the usual cases, none waits or none may, must not take the writer's lock
        if _next(connection, now, is_allowed) is None:
            return None
    with db.write() as connection:
        request = _next(connection, now, is_allowed)
        granted = acquire(db, [request.lease], holder, now, ttl_s) if request else {}
        if request is None or not granted:
            return None
        return Claim(_take(connection, request, holder, now), granted[request.lease])


def finish(db: Database, request_id: str, holder: str, status: Status, message: str, at: datetime) -> bool:
    """Say how a request ended; False if its holder has lost it, and another will say."""
    with db.write() as connection:
        done = connection.execute(
            "UPDATE requests SET status = ?, message = ?, ended_at = ?"
            " WHERE id = ? AND holder = ? AND status = 'running' RETURNING id",
            (status, storable(message), stamp(at), request_id, holder),
        ).fetchall()
        connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (f"run:{request_id}", holder))
    return bool(done)


def hand_back(db: Database, request_id: str, holder: str, message: str, not_before: datetime) -> bool:
    """Put a request back into the queue, unharmed: its worker stops, or what it needs is away. False if it lost it.

    One that somebody has cancelled meanwhile has ended with that.
    """
    with db.write() as connection:
        done = connection.execute(
            "UPDATE requests SET status = CASE cancelled_by WHEN '' THEN 'queued' ELSE 'cancelled' END,"
            " ended_at = CASE cancelled_by WHEN '' THEN NULL ELSE ? END, holder = '', message = ?, not_before = ?"
            " WHERE id = ? AND holder = ? AND status = 'running' RETURNING id",
            (stamp(not_before), storable(message), stamp(not_before), request_id, holder),
        ).fetchall()
        connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (f"run:{request_id}", holder))
    return bool(done)


def running_requests(db: Database) -> tuple[tuple[Request, datetime | None], ...]:
    """Give what is under way, and until when its worker holds it; None: its lease was given back."""
    with db.read() as connection:
        running = _select(connection, "WHERE status = 'running'")
        held = dict(connection.execute(_HELD))
        return tuple((request, optional_moment(held.get(request.lease))) for request in running)


def take_back(db: Database, request: Request, status: Status, message: str, at: datetime, stalls: int) -> bool:
    """End a dead worker's hold on a request, counting its crash; False if somebody else was quicker.

    ``at`` is when it may be taken again, or when it ended.
    """
    ended = None if status == "queued" else stamp(at)
    with db.write() as connection:
        done = connection.execute(
            "UPDATE requests SET status = ?, crashes = crashes + 1, stalls = ?, holder = '', message = ?,"
            " not_before = ?, ended_at = ? WHERE id = ? AND holder = ? AND status = 'running' RETURNING id",
            (status, stalls, storable(message), stamp(at), ended, request.id, request.holder),
        ).fetchall()
        connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (request.lease, request.holder))
    return bool(done)


def ask_to_cancel(db: Database, request_id: str, by: str, at: datetime) -> Request | None:
    """Cancel a request: at once if nobody works on it, else its worker will see it. Gives it as it was before."""
    with db.write() as connection:
        found = next(iter(_select(connection, "WHERE id = ?", request_id)), None)
        if found is None or found.has_ended:
            return found
        if found.status == "queued":
            connection.execute(
                "UPDATE requests SET status = 'cancelled', cancelled_by = ?, ended_at = ? WHERE id = ?",
                (by, stamp(at), request_id),
            )
        else:
            connection.execute("UPDATE requests SET cancelled_by = ? WHERE id = ?", (by, request_id))
    return found


def cancel_all(db: Database, environment: str, by: str, at: datetime) -> None:
    """Cancel what an environment waits for, and ask the workers of what runs in it to stop."""
    with db.write() as connection:
        connection.execute(
            "UPDATE requests SET cancelled_by = ?, ended_at = CASE status WHEN 'queued' THEN ? ELSE ended_at END,"
            " status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END"
            " WHERE environment = ? AND status IN ('queued', 'running')",
            (by, stamp(at), environment),
        )


def find_request(db: Database, request_id: str) -> Request | None:
    """Give a request by its id."""
    with db.read() as connection:
        return next(iter(_select(connection, "WHERE id = ?", request_id)), None)


def open_requests(db: Database, environment: str | None = None, *, pipeline: str | None = None) -> tuple[Request, ...]:
    """Give what is queued or running, the most urgent first; of all environments and pipelines if None."""
    wanted = {"environment": environment, "pipeline": pipeline}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = "".join(f" AND {name} = ?" for name in given)
    with db.read() as connection:
        return tuple(_select(connection, f"WHERE status IN ('queued', 'running'){where} {_OPEN}", *given.values()))


def next_requests(db: Database, environment: str | None, limit: int) -> tuple[Request, ...]:
    """Give what waits, the most urgent first; of all environments if None."""
    where, values = ("", ()) if environment is None else (" AND environment = ?", (environment,))
    with db.read() as connection:
        return tuple(_select(connection, f"WHERE status = 'queued'{where} {_OPEN} LIMIT ?", *values, limit))


def under_way(db: Database, environment: str) -> dict[tuple[str, Status], int]:
    """Count what is queued and running by (pipeline, status), without chunks of backfills: they hold nothing up."""
    with db.read() as connection:
        rows = connection.execute(_UNDER_WAY, (environment,))
        return {(pipeline, status): int(count) for pipeline, status, count in rows}


def requests_of(db: Database, *, backfill: str) -> tuple[Request, ...]:
    """Give all requests of a backfill, in the order in which they are worked off."""
    with db.read() as connection:
        return tuple(_select(connection, "WHERE backfill = ? ORDER BY created_at, id", backfill))


def last_requests(
    db: Database, environment: str | None = None, pipeline: str | None = None, limit: int = 50
) -> tuple[Request, ...]:
    """Give the last requests, newest first, ended or not."""
    wanted = {"environment": environment, "pipeline": pipeline}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = " AND ".join(f"{name} = ?" for name in given)
    with db.read() as connection:
        return tuple(
            _select(
                connection,
                f"{'WHERE ' + where if where else ''} ORDER BY created_at DESC, id DESC LIMIT ?",
                *given.values(),
                limit,
            )
        )


def _next(
    connection: Connection, now: datetime, is_allowed: Callable[[Request, Sequence[Request]], bool]
) -> Request | None:
    """Find the most urgent request that may be taken."""
    running = _select(connection, "WHERE status = 'running'")
    refused: set[tuple[str, str, str]] = set()
    for request_id, *group in connection.execute(_RIPE + _OPEN, (stamp(now), stamp(now + _LONGEST_WAIT))):
        if tuple(group) in refused:
            continue
        (request,) = _select(connection, "WHERE id = ?", request_id)
        if is_allowed(request, running):
            return request
        refused.add((request.environment, request.pipeline, request.backfill))
    return None


def _take(connection: Connection, request: Request, holder: str, now: datetime) -> Request:
    connection.execute(
        "UPDATE requests SET status = 'running', holder = ?, tries = tries + 1,"
        " started_at = coalesce(started_at, ?) WHERE id = ?",
        (holder, stamp(now), request.id),
    )
    return _select(connection, "WHERE id = ?", request.id)[0]


def _select(connection: Connection, where: str, *values: object) -> list[Request]:
    return [_request(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM requests {where}", values)]


def _row(request: Request) -> tuple[object, ...]:
    return (
        request.id,
        request.environment,
        request.pipeline,
        request.kind,
        storable(request.because),
        optional_stamp(request.fire_at),
        request.body,
        request.priority,
        stamp(request.created_at),
        request.author,
        stamp(request.not_before),
        request.status,
        request.tries,
        request.crashes,
        request.stalls,
        request.holder,
        request.cancelled_by,
        optional_stamp(request.started_at),
        optional_stamp(request.ended_at),
        storable(request.message),
        request.backfill,
    )


def _request(row: tuple[Any, ...]) -> Request:
    names = [name.strip() for name in _COLUMNS.split(",")]
    values: dict[str, Any] = dict(zip(names, row, strict=True))
    for name in ("created_at", "not_before"):
        values[name] = moment(values[name])
    for name in ("fire_at", "started_at", "ended_at"):
        values[name] = optional_moment(values[name])
    return Request(**values)
