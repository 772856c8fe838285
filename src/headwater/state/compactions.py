"""Compactions: the one transaction that says of many fills where they lie now, and the record that it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from headwater.diagnostics import Conflict, error
from headwater.spec.fills import Fill, Pack
from headwater.state import audit
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.fills import body_of, selected
from headwater.state.packs import put_packs_in
from headwater.state.values import moment, stamp, storable

_TAKE = "UPDATE fills SET pack = ?, body = ? WHERE id = ? AND pack IS ? AND condemned = 0"
_RECORD = "INSERT INTO compactions (environment, at, author, node, fills, files, packs) VALUES (?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """What was packed at once: fills of a node that lay in many files, and lie in few."""

    environment: str
    at: datetime
    by: str
    node: str
    fills: int
    files: int
    """Files before, manifests among them."""
    packs: int
    """Packs after: each is a file and a manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repacked:
    """A pack that is sealed in the lake: its fills as they lay before, and as they lie in it."""

    pack: Pack
    before: Sequence[Fill]
    after: Sequence[Fill]


# Fills first: a node has few that are loose, and maybe a million entries.
_SERVED = "CROSS JOIN entries AS e ON e.fill = f.id CROSS JOIN environments AS n ON n.number = e.environment"
_LOOSE = f"{_SERVED} WHERE n.name = ? AND e.node = ? AND f.node = ? AND f.pack IS NULL AND f.condemned = 0"
_SMALL = """
FROM packs WHERE node = ? AND byte_count < ? AND slots < ? AND EXISTS (SELECT 1 FROM fills WHERE pack = packs.id)"""
_IN_SMALL = f"{_SERVED} WHERE n.name = ? AND e.node = ? AND f.pack IN (SELECT id {_SMALL}) AND f.condemned = 0"


def loose_fills(db: Database, environment: str, node: str, fewest: int) -> tuple[Fill, ...]:
    """Give the fills of a node, in the order of slots, that an environment serves from files of their own.

    None, without reading them, if they are fewer than ``fewest``.
    """
    values = (environment, node, node)
    with db.read() as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM fills AS f {_LOOSE}", values).fetchone()
        return tuple(selected(connection, f"{_LOOSE} ORDER BY f.slot, f.site", values)) if count >= fewest else ()


def fills_in_small_packs(
    db: Database, environment: str, node: str, *, below: tuple[int, int], fewest: int
) -> tuple[Fill, ...]:
    """Give the fills of a node, in the order of slots, that an environment serves from packs ``below`` (bytes, slots).

    None, without reading them, if there are fewer such packs than ``fewest``.
    """
    with db.read() as connection:
        if connection.execute(f"SELECT count(*) {_SMALL}", (node, *below)).fetchone()[0] < fewest:
            return ()
        where = f"{_IN_SMALL} ORDER BY f.slot, f.site"
        return tuple(selected(connection, where, (environment, node, node, *below)))


def repack(db: Database, packed: Sequence[Repacked], found: Compaction) -> None:
    """Say of fills where they lie now, in one durable transaction with the record of it; what is served stays as it is.

    Raises Conflict if one of them was condemned, or packed by somebody else, meanwhile; then nothing has changed.
    """
    with db.write() as connection:
        for each in packed:
            # Fills leave packs that readers may still have open: those wait as long as files of their own do.
            left = {fill.pack.id for fill in each.before if fill.pack}
            connection.executemany("UPDATE packs SET at = ? WHERE id = ?", [(stamp(found.at), pack) for pack in left])
            put_packs_in(connection, [each.pack], found.at)
            for before, after in zip(each.before, each.after, strict=True):
                _take(connection, each.pack, before, after)
        row = (found.environment, stamp(found.at), storable(found.by), found.node)
        connection.execute(_RECORD, (*row, found.fills, found.files, found.packs))
        document = {"environment": found.environment, "node": found.node, "by": found.by, "fills": found.fills}
        files = {"files": found.files, "packs": sorted(each.pack.id for each in packed)}
        audit.append(connection, "fills packed", document | files, found.at)


def _take(connection: Connection, pack: Pack, before: Fill, after: Fill) -> None:
    row = (pack.id, body_of(after), after.id, before.pack.id if before.pack else None)
    if connection.execute(_TAKE, row).rowcount != 1:
        message = f"fills of `{pack.node}` were packed, or given up, by somebody else meanwhile"
        raise Conflict(error("HW0590", message, hint="nothing is lost; what is left is packed the next time"))


def fills_in_pack(db: Database, pack: str) -> tuple[Fill, ...]:
    """Give the fills that lie in a pack, condemned ones too."""
    with db.read() as connection:
        return tuple(selected(connection, "WHERE f.pack = ?", (pack,)))


def compactions(db: Database, environment: str | None, limit: int) -> tuple[Compaction, ...]:
    """Give the last compactions, newest first."""
    where, values = ("WHERE environment = ?", [environment]) if environment is not None else ("", [])
    query = f"SELECT environment, at, author, node, fills, files, packs FROM compactions {where}"
    with db.read() as connection:
        rows = connection.execute(f"{query} ORDER BY seq DESC LIMIT ?", (*values, limit))
        return tuple(
            Compaction(environment=name, at=moment(at), by=by, node=node, fills=fills, files=files, packs=packs)
            for name, at, by, node, fills, files, packs in rows
        )
