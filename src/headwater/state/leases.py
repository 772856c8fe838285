"""Leases: who works on what until when; each grant has a number, the fence, that never comes back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from headwater.diagnostics import Conflict
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import chunks, marks, moment, stamp

_PUT = """
INSERT INTO leases (name, holder, fence, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, expires_at = excluded.expires_at"""
_CLOCKS_APART: Final = 20
"""A lease that would last so many times as long as any is granted for comes from a clock that was wrong."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it was last granted or renewed; whether it has expired is for who knows the time."""

    name: str
    holder: str
    fence: int
    expires_at: datetime


def acquire(
    db: Database, names: Sequence[str], holder: str, now: datetime, ttl_s: float, *, durable: bool = True
) -> dict[str, int]:
    """Take those of the leases that are free, expired or already the holder's: name → fence.

    A lease taken anew gets a fence larger than any before it; the holder's own keeps its fence and is prolonged. A
    lease on ``a`` is one on all ``a/…``: while somebody has one of them, nobody else gets the other. Without
    ``durable`` a loss of power may lose it: for names that nobody else would ever take.
    """
    until, absurd = stamp(now + timedelta(seconds=ttl_s)), now + timedelta(seconds=_CLOCKS_APART * ttl_s)
    with db.write(durable=durable) as connection:
        standing = {row.name: row for row in _leases(connection, names)}
        taken = _covered(connection, names, holder, now, absurd)
        granted: dict[str, int] = {}
        mine = (name for name in dict.fromkeys(names) if name not in taken)
        free = [name for name in mine if _is_free(standing.get(name), holder, now, absurd)]
        fence = _take_fences(connection, sum(_is_new(standing.get(name), holder) for name in free))
        for name in free:
            fence += _is_new(standing.get(name), holder)
            granted[name] = fence if _is_new(standing.get(name), holder) else standing[name].fence
        connection.executemany(_PUT, [(name, holder, number, until) for name, number in sorted(granted.items())])
    return granted


def renew(db: Database, names: Iterable[str], holder: str, now: datetime, ttl_s: float) -> frozenset[str]:
    """Prolong the leases that are still the holder's (nobody took them, though they may have expired); give these."""
    until = stamp(now + timedelta(seconds=ttl_s))
    with db.write(durable=False) as connection:
        mine = [lease.name for lease in _leases(connection, names) if lease.holder == holder]
        connection.executemany("UPDATE leases SET expires_at = ? WHERE name = ?", [(until, name) for name in mine])
    return frozenset(mine)


def release_leases(db: Database, names: Iterable[str], holder: str) -> None:
    """Give back the leases that are the holder's; others are left alone."""
    with db.write(durable=False) as connection:
        connection.executemany(
            "DELETE FROM leases WHERE name = ? AND holder = ?", [(name, holder) for name in sorted(set(names))]
        )


def release_all(db: Database, holder: str) -> int:
    """Give back all leases of a holder that is known to be dead, and of its tries (``holder/1``); how many."""
    with db.write(durable=False) as connection:
        length = len(holder) + 1
        query = "DELETE FROM leases WHERE holder = ? OR substr(holder, 1, ?) = ? RETURNING name"
        return len(connection.execute(query, (holder, length, f"{holder}/")).fetchall())


def require(connection: Connection, name: str, fence: int) -> None:
    """Raise Conflict, in a transaction that is open, unless a lease is still the one that was granted."""
    row = connection.execute("SELECT fence FROM leases WHERE name = ?", (name,)).fetchone()
    if row != (fence,):
        hint = "somebody else took it after it had expired; start again"
        raise Conflict.of("HW0616", f"the lease `{name}` was lost", hint=hint)


def lease(db: Database, name: str) -> Lease | None:
    """Give a lease, expired or not; None if it is free."""
    with db.read() as connection:
        return next(iter(_leases(connection, [name])), None)


def leases_named(db: Database, names: Iterable[str]) -> tuple[Lease, ...]:
    """Give those of the leases that somebody has, expired or not."""
    with db.read() as connection:
        return tuple(_leases(connection, names))


def live_leases(db: Database, now: datetime) -> frozenset[str]:
    """Name the leases that somebody holds at a time: what nobody else may take from under them."""
    with db.read() as connection:
        rows = connection.execute("SELECT name FROM leases WHERE expires_at > ?", (stamp(now),))
        return frozenset(name for (name,) in rows)


def _leases(connection: Connection, names: Iterable[str]) -> list[Lease]:
    query = "SELECT name, holder, fence, expires_at FROM leases WHERE name IN ({})"
    return [
        Lease(name, holder, fence, moment(expires_at))
        for piece in chunks(dict.fromkeys(names))
        for name, holder, fence, expires_at in connection.execute(query.format(marks(len(piece))), piece)
    ]


def _covered(
    connection: Connection, names: Iterable[str], holder: str, now: datetime, absurd: datetime
) -> frozenset[str]:
    """Find the names of which somebody else has what they are a part of, or a part."""
    parts = {name: name.partition("/")[0] for name in names if "/" in name}
    others = [each for each in _leases(connection, parts.values()) if not _is_free(each, holder, now, absurd)]
    wholes = frozenset(each.name for each in others)
    taken = {name for name, whole in parts.items() if whole in wholes}
    for family in {name.partition(":")[0] for name in names if "/" not in name}:
        rows = connection.execute(
            "SELECT name FROM leases WHERE name LIKE ? AND holder <> ? AND expires_at > ? AND expires_at < ?",
            (f"{family}:%/%", holder, stamp(now), stamp(absurd)),
        )
        taken |= {name.partition("/")[0] for (name,) in rows}
    return frozenset(taken)


def _is_free(standing: Lease | None, holder: str, now: datetime, absurd: datetime) -> bool:
    if standing is None or standing.holder == holder:
        return True
    # A lease from a time when the clock was far ahead must not last until the clock is there again.
    return not now < standing.expires_at < absurd


def _is_new(standing: Lease | None, holder: str) -> bool:
    return standing is None or standing.holder != holder


def _take_fences(connection: Connection, count: int) -> int:
    """Reserve as many fences; give the number before the first. One counter for all names: it outlives every lease."""
    if not count:  # who asks in vain, again and again, changes nothing, and waits for no disk
        return 0
    (last,) = connection.execute(
        "UPDATE counters SET value = value + ? WHERE name = 'fence' RETURNING value", (count,)
    ).fetchone()
    return int(last) - count
