"""Packs: where the rows of many small fills lie together."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from headwater.spec.addresses import Version
from headwater.spec.fills import Pack
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import stamp

if TYPE_CHECKING:
    import msgspec

_PUT = """
INSERT INTO packs (id, node, version, byte_count, slots, body, at, is_loose) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING"""
_EMPTY = "NOT EXISTS (SELECT 1 FROM fills WHERE fills.pack = packs.id)"


def put_packs_in(connection: Connection, packs: Iterable[Pack], at: datetime | None = None) -> None:
    """Record packs in a transaction that is open; ``at``: since when fills that had files of their own lie in them."""
    when = (stamp(at) if at else "", int(at is not None))
    encode = _encoder().encode
    rows = [(p.id, p.node, p.version, p.file.bytes, p.slots, encode(p), *when) for p in packs]
    connection.executemany(_PUT, rows)


def pack_in(connection: Connection, pack: str) -> Pack:
    """Read a pack that a fill names."""
    (body,) = connection.execute("SELECT body FROM packs WHERE id = ?", (pack,)).fetchone()
    return _decoder().decode(body)


def pack_ids(db: Database, node: str, version: Version) -> frozenset[str]:
    """Name the packs of a node's version that the state knows."""
    with db.read() as connection:
        rows = connection.execute("SELECT id FROM packs WHERE node = ? AND version = ?", (node, version))
        return frozenset(pack for (pack,) in rows)


def known_packs(db: Database) -> frozenset[str]:
    """Name all packs."""
    with db.read() as connection:
        return frozenset(pack for (pack,) in connection.execute("SELECT id FROM packs"))


def with_loose_files(db: Database, before: datetime) -> tuple[str, ...]:
    """Name the packs whose fills may still have files of their own, though they were packed before a time."""
    with db.read() as connection:
        rows = connection.execute("SELECT id FROM packs WHERE is_loose = 1 AND at < ?", (stamp(before),))
        return tuple(pack for (pack,) in rows)


def note_no_loose_files(db: Database, packs: Iterable[str]) -> None:
    """Remember that the fills of packs have no files of their own any more."""
    with db.write(durable=False) as connection:
        connection.executemany("UPDATE packs SET is_loose = 0 WHERE id = ?", [(pack,) for pack in packs])


def unused_packs(db: Database, before: datetime) -> tuple[Pack, ...]:
    """Give the packs in which no fill lies any more, and none did since a time."""
    query = f"SELECT body FROM packs WHERE at < ? AND {_EMPTY} ORDER BY id"
    with db.read() as connection:
        return tuple(_decoder().decode(body) for (body,) in connection.execute(query, (stamp(before),)))


def forget_packs(db: Database, packs: Iterable[str]) -> frozenset[str]:
    """Forget those of the packs in which no fill lies; give them: their files may be deleted now."""
    with db.write() as connection:
        return frozenset(
            found
            for pack in packs
            for (found,) in connection.execute(f"DELETE FROM packs WHERE id = ? AND {_EMPTY} RETURNING id", (pack,))
        )


@cache
def _encoder() -> "msgspec.json.Encoder":
    import msgspec

    return msgspec.json.Encoder()


@cache
def _decoder() -> "msgspec.json.Decoder[Pack]":
    import msgspec

    return msgspec.json.Decoder(Pack)
