"""What was measured of fills: kept per (fill, metric), written once, so that every judgement can be made again."""

from collections.abc import Collection, Iterable

from headwater.spec.addresses import ALL, HUB, Slot
from headwater.spec.quality import Measurement
from headwater.spec.releases import SlotKey
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.environments import number_of
from headwater.state.values import chunks, marks, moment, stamp

_INSERT = """
INSERT INTO measurements (fill, metric, value, version, at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (fill, metric) DO NOTHING"""
_COLUMNS = "fill, metric, value, version, at"
_LAST = (
    "SELECT site, slot, fill FROM entries WHERE environment = ? AND node = ? AND site = ? ORDER BY slot DESC LIMIT ?"
)
_WHOLE = f"""
SELECT old_fill, new_fill FROM deltas WHERE environment = ? AND node = ? AND slot = '{ALL}' ORDER BY seq DESC LIMIT ?"""


def record_measurements(db: Database, measured: Iterable[Measurement]) -> None:
    """Record measurements outside a move (of refused fills); one that is known stays as it is."""
    with db.write() as connection:
        record_measurements_in(connection, measured)


def record_measurements_in(connection: Connection, measured: Iterable[Measurement]) -> None:
    """Record measurements in a transaction that is open; one that is known stays as it is."""
    ordered = sorted(measured, key=lambda each: (each.fill, each.metric))
    connection.executemany(_INSERT, [(m.fill, m.metric, m.value, m.version, stamp(m.at)) for m in ordered])


def measurements(db: Database, fills: Iterable[str], metrics: Collection[str]) -> dict[tuple[str, str], Measurement]:
    """Give what is known of fills: (fill, metric) → measurement, for these metrics."""
    query = f"SELECT {_COLUMNS} FROM measurements WHERE fill IN ({{}})"
    found: dict[tuple[str, str], Measurement] = {}
    with db.read() as connection:
        for piece in chunks(fills):
            for row in connection.execute(query.format(marks(len(piece))), piece):
                if row[1] in metrics:
                    found[row[0], row[1]] = _measurement(row)
    return found


def earlier_fills(db: Database, environment: str, node: str, limit: int) -> tuple[str, ...]:
    """Give the fills of a whole table that an environment has served in its last releases, newest first; some twice."""
    with db.read() as connection:
        number = number_of(connection, environment)
        found = [row[2] for row in connection.execute(_LAST, (number, node, HUB, 1)) if row[1] == ALL]
        for old, new in connection.execute(_WHOLE, (number, node, limit)):
            found += [fill for fill in (new, old) if fill is not None]
    return tuple(found)


def last_entries(db: Database, environment: str, node: str, site: str, limit: int) -> dict[SlotKey, str]:
    """Give the fills of a node's last slots at a site, quickly however many slots there are."""
    with db.read() as connection:
        rows = connection.execute(_LAST, (number_of(connection, environment), node, site, limit))
        return {(site, Slot(slot)): fill for site, slot, fill in rows}


def _measurement(row: tuple[str, str, float | None, str, str]) -> Measurement:
    fill, metric, value, version, at = row
    return Measurement(fill=fill, metric=metric, value=value, version=version, at=moment(at))
