"""Landed ranges: what was copied into the lake of each source, where the next copy begins, and what was set aside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from headwater.spec.observations import SetAside
from headwater.spec.ranges import LandedRange
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.file_index import put_rows
from headwater.state.values import moment, stamp

_COLUMNS = (
    "location, site, ordinal, source, at, file, row_count, byte_count, sha256, content,"
    " cursor_from, cursor_to, whole, rejects"
)
_PUT = f"""
INSERT INTO landed_ranges ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (location, site, ordinal) DO NOTHING"""
_SEE = """
INSERT INTO landing_places (location, site, token, seen_at) VALUES (?, ?, ?, ?)
ON CONFLICT (location, site) DO UPDATE SET token = excluded.token, seen_at = excluded.seen_at"""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of which rows were landed: in which state it was when somebody looked last."""

    location: str
    site: str
    token: str | None
    seen_at: datetime


def landed_ranges(db: Database, location: str, site: str) -> list[LandedRange]:
    """Give the ranges of a place, in order."""
    query = f"SELECT {_COLUMNS} FROM landed_ranges WHERE location = ? AND site = ? ORDER BY ordinal"
    with db.read() as connection:
        return [_range(row) for row in connection.execute(query, (location, site))]


def every_range(db: Database) -> list[LandedRange]:
    """Give all ranges, place by place."""
    with db.read() as connection:
        rows = connection.execute(f"SELECT {_COLUMNS} FROM landed_ranges ORDER BY location, site, ordinal")
        return [_range(row) for row in rows]


def record_range(db: Database, landed: LandedRange, rejects: Sequence[SetAside]) -> None:
    """Record a sealed range with the rows set aside, in one durable transaction; one that is known stays as it is."""
    with db.write() as connection:
        record_range_in(connection, landed, rejects)


def record_range_in(connection: Connection, landed: LandedRange, rejects: Sequence[SetAside]) -> None:
    """Record a range in a transaction that is open. A snapshot's rows set aside take the place of those before."""
    each = landed
    place_of = each.location, each.site, each.ordinal, each.source, stamp(each.at)
    rows = each.file, each.rows, each.bytes, each.sha256, each.content
    row = *place_of, *rows, each.cursor_from, each.cursor_to, int(each.whole), each.rejects
    if connection.execute(_PUT, row).rowcount:
        if each.whole:
            _forget_rejects(connection, each)
        put_rows(connection, each.location, each.source, rejects, each.at)


def note_place(db: Database, location: str, site: str, token: str | None, at: datetime) -> None:
    """Remember that somebody has looked at a place, and in which state it was."""
    with db.write(durable=False) as connection:
        connection.execute(_SEE, (location, site, token, stamp(at)))


def place(db: Database, location: str, site: str) -> Place | None:
    """Give what is remembered of a place; None if nobody has looked at it."""
    return next((each for each in places(db) if (each.location, each.site) == (location, site)), None)


def places(db: Database) -> list[Place]:
    """Give all places."""
    with db.read() as connection:
        rows = connection.execute("SELECT location, site, token, seen_at FROM landing_places ORDER BY location, site")
        return [Place(location, site, token, moment(seen)) for location, site, token, seen in rows]


def known_rejects(db: Database, location: str) -> frozenset[str]:
    """Give the identities of the rows set aside at a location, whichever range they came with."""
    with db.read() as connection:
        rows = connection.execute("SELECT identity FROM set_aside WHERE contract = ?", (location,))
        return frozenset(identity for (identity,) in rows)


def forget_ranges(db: Database, ranges: Iterable[LandedRange]) -> None:
    """Forget ranges, and in which state their places were; a place without ranges is forgotten with its rejects."""
    with db.write() as connection:
        for each in ranges:
            key = (each.location, each.site)
            connection.execute(
                "DELETE FROM landed_ranges WHERE location = ? AND site = ? AND ordinal = ?", (*key, each.ordinal)
            )
            connection.execute("UPDATE landing_places SET token = NULL WHERE location = ? AND site = ?", key)
            left = "SELECT 1 FROM landed_ranges WHERE location = ? AND site = ?"
            if connection.execute(left, key).fetchone() is None:
                connection.execute("DELETE FROM landing_places WHERE location = ? AND site = ?", key)
                _forget_rejects(connection, each)


def kept_codes(db: Database, keep_after: datetime) -> frozenset[str]:
    """Give the codes that environments run or come from, and those of releases in force at ``keep_after`` or later."""
    query = """
    SELECT code FROM environments UNION SELECT origin_code FROM environments
    UNION SELECT code FROM releases WHERE at >= ?
    UNION SELECT r.code FROM releases AS r JOIN (
        SELECT environment, max(seq) AS last FROM releases WHERE at < ? GROUP BY environment
    ) AS before ON r.environment = before.environment AND r.seq = before.last"""
    with db.read() as connection:
        rows = connection.execute(query, (stamp(keep_after), stamp(keep_after)))
        return frozenset(code for (code,) in rows if code)


def _forget_rejects(connection: Connection, place_of: LandedRange) -> None:
    """Rows set aside where sources land are known as ``site/…`` (see ``run.landing.judging``)."""
    begins = f"{place_of.site}/"
    connection.execute(
        "DELETE FROM set_aside WHERE contract = ? AND substr(identity, 1, ?) = ?",
        (place_of.location, len(begins), begins),
    )


def _range(row: Sequence[object]) -> LandedRange:
    location, site, ordinal, source, at, file, rows, size, sha256, content, cursor_from, cursor_to, whole, rejects = row
    return LandedRange(
        location=str(location),
        site=str(site),
        ordinal=int(str(ordinal)),
        source=str(source),
        at=moment(str(at)),
        file=str(file),
        rows=int(str(rows)),
        bytes=int(str(size)),
        sha256=str(sha256),
        content=str(content),
        cursor_from=None if cursor_from is None else str(cursor_from),
        cursor_to=None if cursor_to is None else str(cursor_to),
        whole=bool(whole),
        rejects=int(str(rejects)),
    )
