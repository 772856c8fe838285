"""Backfills: what was ordered in chunks, how far it is, and which slots are left to it meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.spec.backfills import Advance, Backfill
from headwater.spec.orders import Order, decode_order
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.requests import Request
from headwater.state.values import marks, optional_moment, stamp

_OPEN: Final = """
SELECT b.body, r.body FROM requests AS r JOIN backfills AS b ON b.id = r.backfill
WHERE r.backfill <> '' AND r.status IN ('queued', 'running') AND r.environment = ? ORDER BY r.id"""
_ADVANCE: Final = """
SELECT backfill, status, count(*), max(ended_at) FROM requests WHERE backfill IN ({}) GROUP BY backfill, status"""
_AS: Final = {"set_aside": "failed"}


@dataclass(frozen=True, slots=True)
class OpenChunk:
    """A chunk that waits or runs."""

    backfill: Backfill
    order: Order


def add_backfill(connection: Connection, backfill: Backfill) -> None:
    """Note a backfill; a part of the transaction that orders its chunks."""
    import msgspec.json

    connection.execute(
        "INSERT INTO backfills (id, environment, body, created_at, author) VALUES (?, ?, ?, ?, ?)",
        (
            backfill.id,
            backfill.environment,
            msgspec.json.encode(backfill).decode(),
            stamp(backfill.created_at),
            backfill.author,
        ),
    )


def find_backfill(db: Database, backfill_id: str) -> Backfill | None:
    """Give a backfill by its id."""
    with db.read() as connection:
        row = connection.execute("SELECT body FROM backfills WHERE id = ?", (backfill_id,)).fetchone()
    return _backfill(row[0]) if row else None


def backfills(db: Database, environment: str | None = None, limit: int = 50) -> tuple[Backfill, ...]:
    """Give the last backfills, newest first; of all environments if None."""
    where, values = ("", ()) if environment is None else ("WHERE environment = ?", (environment,))
    with db.read() as connection:
        rows = connection.execute(
            f"SELECT body FROM backfills {where} ORDER BY created_at DESC, id DESC LIMIT ?", (*values, limit)
        )
        return tuple(_backfill(body) for (body,) in rows)


def advance_of(db: Database, ids: Sequence[str]) -> Mapping[str, Advance]:
    """Give backfill → how far it is."""
    counts: dict[str, dict[str, int]] = {name: {} for name in ids}
    ends: dict[str, str] = {}
    if not ids:
        return {}
    with db.read() as connection:
        for name, status, count, ended_at in connection.execute(_ADVANCE.format(marks(len(ids))), tuple(ids)):
            key = _AS.get(status, status)
            counts[name][key] = counts[name].get(key, 0) + count
            ends[name] = max(ends.get(name, ""), ended_at or "")
    return {
        name: Advance(
            queued=found.get("queued", 0),
            running=found.get("running", 0),
            done=found.get("done", 0),
            failed=found.get("failed", 0),
            cancelled=found.get("cancelled", 0),
            ended_at=None if found.get("queued") or found.get("running") else optional_moment(ends.get(name) or None),
        )
        for name, found in counts.items()
    }


def open_chunks(db: Database, environment: str) -> tuple[OpenChunk, ...]:
    """Give the chunks of an environment's backfills that wait or run: their slots are left to them."""
    with db.read() as connection:
        rows = connection.execute(_OPEN, (environment,)).fetchall()
    known = {body: _backfill(body) for body in dict.fromkeys(body for body, _ in rows)}
    return tuple(OpenChunk(known[body], decode_order(order)) for body, order in rows)


def may_start(db: Database, request: Request, running: Sequence[Request]) -> bool:
    """Whether a chunk may start: there is room for one more of its backfill; what comes last waits for all others."""
    order = decode_order(request.body)
    if order.within is not None:
        return sum(other.backfill == request.backfill for other in running) < (order.parts_at_once or 1)
    with db.read() as connection:
        others = connection.execute(
            "SELECT 1 FROM requests WHERE backfill = ? AND id <> ? AND status IN ('queued', 'running') LIMIT 1",
            (request.backfill, request.id),
        ).fetchone()
    return others is None


def _backfill(body: str) -> Backfill:
    import msgspec.json

    return msgspec.json.decode(body, type=Backfill)
