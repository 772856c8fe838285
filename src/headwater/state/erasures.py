"""Tombstones: who was erased, as keyed hashes, the files that hold such rows, and what must go because of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.spec.fills import Fill
from headwater.state import audit
from headwater.state.database import Database
from headwater.state.fills import selected
from headwater.state.values import chunks, marks, optional_moment, stamp, storable

_PUT: Final = """
INSERT INTO tombstones (id, key_id, source, place, column_name, at, author) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING RETURNING id"""
_GET: Final = "SELECT id, key_id, source, place, column_name, done_at FROM tombstones ORDER BY id"
_ITEM: Final = """
INSERT INTO erased_items (tombstone, identity, row_count) VALUES (?, ?, ?)
ON CONFLICT (tombstone, identity) DO NOTHING"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """Somebody who was erased: ``id`` is the keyed hash of a value of a source's column."""

    id: str
    key_id: str
    """Of which key."""
    source: str
    place: str
    """Address of where the source is read: another name for the same files changes nothing."""
    column: str
    done_at: datetime | None = None


def tombstones(db: Database) -> tuple[Tombstone, ...]:
    """Give all tombstones."""
    with db.read() as connection:
        return tuple(
            Tombstone(id=id_, key_id=key, source=source, place=place, column=column, done_at=optional_moment(done))
            for id_, key, source, place, column, done in connection.execute(_GET)
        )


def set_tombstones(db: Database, found: Iterable[Tombstone], at: datetime, by: str) -> None:
    """Record tombstones in one durable transaction with their audit entry; those that stand are left alone."""
    with db.write() as connection:
        made = [
            each
            for each in found
            if connection.execute(
                _PUT,
                (each.id, each.key_id, each.source, each.place, each.column, stamp(at), storable(by)),
            ).fetchone()
        ]
        if made:
            columns = sorted({f"{each.source}.{each.column}" for each in made})
            document = {"columns": columns, "by": by, "tombstones": sorted(each.id for each in made)}
            audit.append(connection, "erasure begun", document, at)


def note_items(db: Database, found: Iterable[tuple[str, str, int]]) -> None:
    """Record (tombstone, identity of a file, rows in it), durably: its readers are due from then on."""
    with db.write() as connection:
        connection.executemany(_ITEM, list(found))


def erased_items(db: Database) -> dict[str, dict[str, int]]:
    """Give identity of a file → tombstone → rows of it."""
    found: dict[str, dict[str, int]] = {}
    with db.read() as connection:
        for tombstone, identity, rows in connection.execute(
            "SELECT tombstone, identity, row_count FROM erased_items ORDER BY identity, tombstone"
        ):
            found.setdefault(identity, {})[tombstone] = rows
    return found


def finish_erasure(db: Database, ids: Iterable[str], fills: int, at: datetime, by: str) -> None:
    """Note that nothing of these tombstones is left, with an audit entry; once."""
    with db.write() as connection:
        done = [
            each
            for each in sorted(set(ids))
            if connection.execute(
                "UPDATE tombstones SET done_at = ? WHERE id = ? AND done_at IS NULL RETURNING id", (stamp(at), each)
            ).fetchone()
        ]
        if done:
            audit.append(connection, "erasure done", {"by": by, "fills": fills, "tombstones": done}, at)


def was_erased_since(db: Database, at: datetime) -> bool:
    """Tell whether somebody was erased, or rows went by a policy, after a time: releases older than it lack them."""
    kinds = "('erasure begun', 'rows retained no longer')"
    with db.read() as connection:
        query = f"SELECT 1 FROM audit WHERE kind IN {kinds} AND at >= ? LIMIT 1"
        return connection.execute(query, (stamp(at),)).fetchone() is not None


def note_not_retained(db: Database, fills: int, rows: int, at: datetime) -> None:
    """Record in the audit what policies have let go: fills, and rows set aside."""
    with db.write() as connection:
        audit.append(connection, "rows retained no longer", {"fills": fills, "set_aside": rows}, at)


def forget_old_set_aside(db: Database, contract: str, before: datetime) -> int:
    """Delete the rows set aside under a contract before a time; give how many."""
    with db.write() as connection:
        query = "DELETE FROM set_aside WHERE contract = ? AND at < ? RETURNING 1"
        return len(connection.execute(query, (contract, stamp(before))).fetchall())


def unserved_fills(db: Database, nodes: Iterable[str]) -> tuple[Fill, ...]:
    """Give the fills of some nodes that no environment serves, whatever releases name them; condemned ones too."""
    where = "WHERE f.node IN ({}) AND NOT EXISTS (SELECT 1 FROM entries AS e WHERE e.fill = f.id) ORDER BY f.id"
    with db.read() as connection:
        return tuple(
            fill
            for piece in chunks(sorted(set(nodes)))
            for fill in selected(connection, where.format(marks(len(piece))), piece)
        )


def set_aside_texts(db: Database, contracts: Iterable[str]) -> tuple[tuple[str, str, int, int, str], ...]:
    """Give (contract, identity, position, line, payload) of all rows set aside under some contracts."""
    query = "SELECT contract, identity, position, line, payload FROM set_aside WHERE contract IN ({})"
    with db.read() as connection:
        return tuple(
            row
            for piece in chunks(sorted(set(contracts)))
            for row in connection.execute(query.format(marks(len(piece))), piece)
        )


def forget_set_aside(db: Database, keys: Iterable[tuple[str, str, int, int]]) -> int:
    """Delete rows set aside by (contract, identity, position, line); give how many there were."""
    query = "DELETE FROM set_aside WHERE contract = ? AND identity = ? AND position = ? AND line = ? RETURNING 1"
    with db.write() as connection:
        return sum(connection.execute(query, key).fetchone() is not None for key in keys)
