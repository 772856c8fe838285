"""The fills that the state knows: what may be put into a head, and what is condemned."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from headwater.spec.addresses import Digest, FillId, Slot, Version, address
from headwater.spec.fills import MANIFEST_FORMAT, Entry, Fill, Pack, StoredColumn, StoredFile
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.packs import pack_in, put_packs_in
from headwater.state.values import chunks, marks, optional_stamp

if TYPE_CHECKING:
    import msgspec

_INSERT = """
INSERT INTO fills (id, node, version, site, slot, digest, moving, schema_digest, body, refused_at, pack)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"""
SELECT = """
SELECT f.id, f.node, f.version, f.site, f.slot, f.digest, f.moving, f.schema_digest, f.body, f.pack
FROM fills AS f"""


@dataclass(frozen=True, slots=True)
class _Body:
    """What nobody searches for."""

    files: tuple[StoredFile, ...]
    rejects: int = 0
    rejects_file: str = ""
    attempt: str = ""
    seconds: float = 0.0
    inputs: tuple[tuple[str, str], ...] = ()
    format: int = MANIFEST_FORMAT
    rows: int = 0
    """Of its pack."""
    bytes: int = 0
    lows: tuple[tuple[str, ...], ...] = ()
    read: tuple[tuple[str, str, str], ...] = ()


def record(db: Database, fills: Iterable[Fill], *, at: datetime | None = None) -> None:
    """Record fills outside a move (refused ones); a known id is a no-op.

    ``at`` is when they were refused: the janitor then leaves them for as long as it leaves releases.
    """
    with db.write() as connection:
        record_in(connection, fills, refused_at=at)


def record_in(connection: Connection, fills: Iterable[Fill], *, refused_at: datetime | None = None) -> None:
    """Record fills in a transaction that is open."""
    schemas = _Schemas(connection)
    refused = optional_stamp(refused_at)
    listed = sorted(fills, key=lambda fill: fill.id)
    put_packs_in(connection, {fill.pack.id: fill.pack for fill in listed if fill.pack}.values())
    rows = (
        (
            *(f.id, f.node, f.version, f.site, f.slot, f.digest, f.moving),
            *(schemas.digest(f), body_of(f), refused, f.pack.id if f.pack else None),
        )
        for f in listed
    )
    connection.executemany(_INSERT, rows)


def known(db: Database, ids: Iterable[FillId]) -> dict[FillId, Fill]:
    """Give those of the fills that are recorded and not condemned."""
    with db.read() as connection:
        return {
            fill.id: fill
            for piece in chunks(ids)
            for fill in selected(connection, f"WHERE f.condemned = 0 AND f.id IN ({marks(len(piece))})", piece)
        }


def recorded(db: Database, ids: Iterable[FillId]) -> frozenset[FillId]:
    """Give those of the ids whose fills are recorded and not condemned, without reading the fills."""
    query = "SELECT id FROM fills WHERE condemned = 0 AND id IN ({})"
    with db.read() as connection:
        return frozenset(
            FillId(fill)
            for piece in chunks(ids)
            for (fill,) in connection.execute(query.format(marks(len(piece))), piece)
        )


def files_of(db: Database, ids: Iterable[FillId]) -> dict[FillId, tuple[StoredFile, ...]]:
    """Give the files of the fills that are recorded and not condemned."""
    decode = _decoder().decode
    query = "SELECT id, body FROM fills WHERE condemned = 0 AND id IN ({})"
    with db.read() as connection:
        return {
            FillId(fill): decode(body).files
            for piece in chunks(ids)
            for fill, body in connection.execute(query.format(marks(len(piece))), piece)
        }


def shared_files(db: Database, gone: Iterable[Fill]) -> frozenset[str]:
    """Give the names of files of folds in ``gone`` that a fill which stays has, too (folds share buckets)."""
    folds = [fill for fill in gone if fill.lows]
    names = {file.name for fill in folds for file in fill.files}
    places = {(fill.node, fill.version) for fill in folds}
    ids = {fill.id for fill in folds}
    of_place = "WHERE f.condemned = 0 AND f.pack IS NULL AND f.node = ? AND f.version = ?"
    with db.read() as connection:
        stay = [
            fill for place in sorted(places) for fill in selected(connection, of_place, place) if fill.id not in ids
        ]
    return frozenset(file.name for fill in stay for file in fill.files if file.name in names)


def condemned(db: Database) -> tuple[Fill, ...]:
    """Give the fills that a janitor has condemned and not yet forgotten: their files are going or gone."""
    with db.read() as connection:
        return tuple(selected(connection, "WHERE f.condemned = 1 ORDER BY f.id"))


def served_elsewhere(db: Database, node: str, version: Version, site: str, slot: Slot, moving: Digest) -> Fill | None:
    """Give a fill of a slot that some environment serves now and that stands on these moving inputs.

    Where rows are not determined by position (``now()``), promotion takes the very fill that was looked at.
    """
    where = """
        WHERE f.version = ? AND f.moving = ? AND f.condemned = 0 AND f.id IN (
            SELECT e.fill FROM environments AS n CROSS JOIN entries AS e
            WHERE e.environment = n.number AND e.node = ? AND e.site = ? AND e.slot = ?
        ) ORDER BY f.id LIMIT 1"""
    with db.read() as connection:
        return next(selected(connection, where, (version, moving, node, site, slot)), None)


def chain_elsewhere(db: Database, node: str, version: Version) -> dict[tuple[str, Slot], Entry]:
    """Give the entries of the environment that serves most links of a node's version; empty if none serves any."""
    most = """
        SELECT e.environment FROM entries AS e JOIN fills AS f ON f.id = e.fill
        WHERE e.node = ? AND f.version = ? AND f.condemned = 0 GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"""
    entries = f"SELECT site, slot, fill, digest, moving FROM entries WHERE node = ? AND environment = ({most})"
    with db.read() as connection:
        return {
            (site, Slot(slot)): Entry(FillId(fill), Digest(digest), Digest(moving))
            for site, slot, fill, digest, moving in connection.execute(entries, (node, node, version))
        }


def selected(connection: Connection, where: str, values: Iterable[object] = ()) -> Iterator[Fill]:
    """Read fills that a condition over ``f`` names."""
    decode = _decoder().decode
    columns: dict[str, tuple[StoredColumn, ...]] = {}
    packs: dict[str, Pack] = {}
    for fill, node, version, site, slot, digest, moving, schema, stored, pack in connection.execute(
        f"{SELECT} {where}", tuple(values)
    ):
        if schema not in columns:
            columns[schema] = _columns(connection, schema)
        if pack is not None and pack not in packs:
            packs[pack] = pack_in(connection, pack)
        body = decode(stored)
        yield Fill(
            FillId(fill),
            node,
            Version(version),
            site,
            Slot(slot),
            Digest(digest),
            Digest(moving),
            columns[schema],
            body.files,
            body.rejects,
            body.rejects_file,
            body.attempt,
            body.seconds,
            body.inputs,
            body.format,
            packs[pack] if pack is not None else None,
            body.rows,
            body.bytes,
            body.lows,
            body.read,
        )


class _Schemas:
    """Column lists, each written once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._digests: dict[tuple[StoredColumn, ...], str] = {}

    def digest(self, fill: Fill) -> str:
        if fill.columns not in self._digests:
            self._digests[fill.columns] = self._written(fill.columns)
        return self._digests[fill.columns]

    def _written(self, columns: tuple[StoredColumn, ...]) -> str:
        import json

        text = json.dumps([[c.name, c.type, c.stored] for c in columns])
        digest = address(text)
        self._connection.execute(
            "INSERT INTO schemas (digest, columns) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING", (digest, text)
        )
        return digest


def _columns(connection: Connection, digest: str) -> tuple[StoredColumn, ...]:
    import json

    (text,) = connection.execute("SELECT columns FROM schemas WHERE digest = ?", (digest,)).fetchone()
    return tuple(StoredColumn(*column) for column in json.loads(text))


def body_of(fill: Fill) -> bytes:
    """Write what nobody searches for in a fill."""
    parts = (fill.files, fill.rejects, fill.rejects_file, fill.attempt, fill.seconds, fill.inputs, fill.format)
    return _encoder().encode(_Body(*parts, fill.packed_rows, fill.packed_bytes, fill.lows, fill.read))


@cache
def _encoder() -> "msgspec.json.Encoder":
    import msgspec

    return msgspec.json.Encoder()


@cache
def _decoder() -> "msgspec.json.Decoder[_Body]":
    import msgspec

    return msgspec.json.Decoder(_Body)
