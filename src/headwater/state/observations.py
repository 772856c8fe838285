"""The last observation of each source that an environment made; equal lists of items are kept once."""

import hashlib
import json
import zlib
from datetime import datetime
from typing import Any

from headwater.spec.observations import Item, Observation
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.environments import number_of, take_number
from headwater.state.values import moment, optional_stamp, stamp

_PUT = """
INSERT INTO observations (environment, source, site, items, at, seq) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (environment, source, site) DO UPDATE SET items = excluded.items, at = excluded.at, seq = excluded.seq"""


def record_observation(db: Database, environment: str, observation: Observation, at: datetime) -> None:
    """Remember an observation as the environment's last of that source and site."""
    with db.write(durable=False) as connection:
        record_observation_in(connection, take_number(connection, environment, at), observation, at)


def record_observation_in(
    connection: Connection, number: int, observation: Observation, at: datetime, seq: int | None = None
) -> None:
    """Remember an observation in a transaction that is open; ``seq`` is the release that it came with."""
    body = json.dumps(as_json(observation.items), separators=(",", ":")).encode()
    digest = hashlib.blake2b(body, digest_size=16).hexdigest()  # not the position's: that one leaves the paths out
    if connection.execute("SELECT 1 FROM item_lists WHERE digest = ?", (digest,)).fetchone() is None:
        connection.execute("INSERT INTO item_lists (digest, body) VALUES (?, ?)", (digest, zlib.compress(body, 1)))
    key = (number, observation.source, observation.site)
    before = connection.execute(
        "SELECT items FROM observations WHERE environment = ? AND source = ? AND site = ?", key
    ).fetchone()
    connection.execute(_PUT, (*key, digest, stamp(at), seq))
    if before and before[0] != digest:
        drop_unused_lists(connection, before[0])


def last_observations(db: Database, environment: str) -> dict[tuple[str, str], Observation]:
    """Give (source, site) → what the environment last observed there."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT o.source, o.site, l.body FROM observations AS o JOIN item_lists AS l ON l.digest = o.items"
            " WHERE o.environment = ?",
            (number_of(connection, environment),),
        )
        return {(source, site): Observation(source, site, items_of(body)) for source, site, body in rows}


def forget_observations(db: Database, environment: str, source: str) -> bool:
    """Forget what an environment last observed of a source, at all sites; say whether there was anything."""
    with db.write() as connection:
        key = (number_of(connection, environment), source)
        rows = connection.execute("SELECT items FROM observations WHERE environment = ? AND source = ?", key).fetchall()
        connection.execute("DELETE FROM observations WHERE environment = ? AND source = ?", key)
        for (digest,) in rows:
            drop_unused_lists(connection, digest)
    return bool(rows)


def sites_seen(db: Database, environment: str) -> dict[str, datetime]:
    """Give site → when a source was last observed there for an environment."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT site, max(at) FROM observations WHERE environment = ? GROUP BY site",
            (number_of(connection, environment),),
        )
        return {site: moment(at) for site, at in rows}


def observed_paths(db: Database) -> frozenset[str]:
    """Give the paths of all items that some environment observed last."""
    with db.read() as connection:
        bodies = connection.execute("SELECT body FROM item_lists WHERE digest IN (SELECT items FROM observations)")
        return frozenset(item.path for (body,) in bodies for item in items_of(body))


def drop_unused_lists(connection: Connection, digest: str) -> None:
    """Forget a list of items that no environment names any more."""
    connection.execute(
        "DELETE FROM item_lists WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM observations WHERE items = ?)",
        (digest, digest),
    )


def items_of(body: bytes) -> tuple[Item, ...]:
    """Read a list of items as the database keeps it."""
    return from_json(json.loads(zlib.decompress(body)))


def as_json(items: tuple[Item, ...]) -> list[list[Any]]:
    """Write items as lists; paths that are no UTF-8 survive as JSON escapes."""
    return [[i.path, i.identity, i.size_bytes, i.values, optional_stamp(i.start), optional_stamp(i.end)] for i in items]


def from_json(rows: list[list[Any]]) -> tuple[Item, ...]:
    """Read what ``as_json`` wrote."""
    return tuple(
        Item(
            path,
            identity,
            size,
            tuple((name, value) for name, value in values),
            moment(start) if start else None,
            moment(end) if end else None,
        )
        for path, identity, size, values, start, end in rows
    )
