"""The file index: when each file has rows, to the hour or finer, and which were set aside; once per contract."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from headwater.spec.observations import Inspection, Runs, SetAside
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import NUL, chunks, marks, optional_moment, optional_stamp, stamp, storable

_PUT = """
INSERT INTO inspections (contract, identity, source, row_count, hours, not_after, at, granule_s)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (contract, identity) DO UPDATE SET
    hours = excluded.hours, granule_s = excluded.granule_s WHERE excluded.granule_s < inspections.granule_s"""
_PUT_ROW = """
INSERT INTO set_aside (contract, identity, position, line, recovered, source, path, reason, column_name, message,
    payload, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (contract, identity, position, line) DO NOTHING"""
ROW = "identity, path, position, line, reason, column_name, message, payload, recovered"


def inspections(db: Database, contract: str, identities: Iterable[str]) -> dict[str, Inspection]:
    """Give what is known of files: identity → inspection, whose ``set_aside`` holds only the recovered rows."""
    query = (
        "SELECT identity, row_count, hours, not_after, granule_s FROM inspections"
        " WHERE contract = ? AND identity IN ({})"
    )
    found: dict[str, Inspection] = {}
    with db.read() as connection:
        for piece in chunks(dict.fromkeys(identities)):
            recovered = _recovered(connection, contract, piece)
            for identity, rows, runs, not_after, granule_s in connection.execute(
                query.format(marks(len(piece))), (contract, *piece)
            ):
                found[identity] = Inspection(
                    identity=identity,
                    rows=rows,
                    occupied=_occupied(runs, granule_s),
                    set_aside=tuple(recovered.get(identity, ())),
                    not_after=optional_moment(not_after),
                    granule_s=granule_s,
                )
    return found


def record_inspections(
    db: Database, contract: str, source: str, inspections: Iterable[Inspection], at: datetime
) -> None:
    """Record what files hold, with their rows set aside; a file that is known stays as it is.

    Only when its rows lie is told more finely, if it was looked at again for that.
    """
    with db.write(durable=False) as connection:
        for found in inspections:
            put_rows(connection, contract, source, found.set_aside, at)
            not_after = optional_stamp(found.not_after)
            row = (contract, found.identity, source, found.rows, _runs(found), not_after, stamp(at), found.granule_s)
            connection.execute(_PUT, row)


def replace_inspections(
    db: Database, contract: str, source: str, inspections: Iterable[Inspection], at: datetime, *, indexed: bool = True
) -> None:
    """Put what was found anew in the place of what was known of these files, rows set aside included.

    ``indexed``: the source has a file index; otherwise only its rows set aside are kept.
    """
    with db.write(durable=False) as connection:
        fresh = list(inspections)
        for piece in chunks(found.identity for found in fresh):
            for table in ("inspections", "set_aside"):
                connection.execute(
                    f"DELETE FROM {table} WHERE contract = ? AND identity IN ({marks(len(piece))})", (contract, *piece)
                )
        if indexed:
            record_inspections(db, contract, source, fresh, at)
        for found in () if indexed else fresh:
            put_rows(connection, contract, source, found.set_aside, at)


def record_set_aside(db: Database, contract: str, source: str, rows: Iterable[SetAside], at: datetime) -> None:
    """Record rows that a scan set aside; one that is known, by (identity, position, contract), stays as it is."""
    with db.write(durable=False) as connection:
        put_rows(connection, contract, source, rows, at)


def row_of(columns: tuple[str, str, int, int, str, str, str, str, int]) -> SetAside:
    """Make a row set aside of ``ROW``."""
    identity, path, position, line, reason, column, message, payload, recovered = columns
    kept = payload.replace(NUL, "\0")
    return SetAside(identity, path, position, line, reason, column, message, kept, bool(recovered))


def put_rows(connection: Connection, contract: str, source: str, rows: Iterable[SetAside], at: datetime) -> None:
    """Record rows set aside in a transaction that is open; one that is known stays as it is."""
    when = stamp(at)
    connection.executemany(
        _PUT_ROW,
        (
            (
                contract,
                row.identity,
                row.position,
                row.line,
                int(row.recovered),
                source,
                storable(row.path),
                row.reason,
                storable(row.column),
                storable(row.message),
                storable(row.payload),
                when,
            )
            for row in rows
        ),
    )


def _recovered(connection: Connection, contract: str, identities: Sequence[str]) -> dict[str, list[SetAside]]:
    found: dict[str, list[SetAside]] = {}
    query = (
        f"SELECT {ROW} FROM set_aside WHERE recovered = 1 AND contract = ? AND identity IN ({marks(len(identities))})"
    )
    for columns in connection.execute(f"{query} ORDER BY identity, position, line", (contract, *identities)):
        found.setdefault(columns[0], []).append(row_of(columns))
    return found


def _runs(found: Inspection) -> str:
    """Write stretches of time as (first, count) of granules: a whole year is one."""
    size = found.granule_s
    return json.dumps([[start // size, (end - start) // size] for start, end in found.occupied], separators=(",", ":"))


def _occupied(text: str, granule_s: int) -> Runs:
    return tuple((first * granule_s, (first + count) * granule_s) for first, count in json.loads(text))
