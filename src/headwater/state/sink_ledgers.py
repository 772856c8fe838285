"""What functions that are sinks have taken: (environment, sink, site, slot) → fill, noted when a call ended well."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from headwater.state.database import Database
from headwater.state.values import stamp

Key = tuple[str, str]
"""(site, slot)"""
_PUT = """
INSERT INTO sink_ledgers (environment, sink, site, slot, fill, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (environment, sink, site, slot) DO UPDATE SET fill = excluded.fill, at = excluded.at"""


def sink_ledger(db: Database, environment: str, sink: str) -> dict[Key, str]:
    """Give (site, slot) → fill that a sink has taken in an environment."""
    query = "SELECT site, slot, fill FROM sink_ledgers WHERE environment = ? AND sink = ?"
    with db.read() as connection:
        return {(site, slot): fill for site, slot, fill in connection.execute(query, (environment, sink))}


def note_taken(
    db: Database, environment: str, sink: str, taken: Mapping[Key, str], gone: Iterable[Key], at: datetime
) -> None:
    """Note slots that were taken, and forget those that are gone, in one durable transaction."""
    with db.write() as connection:
        connection.executemany(
            "DELETE FROM sink_ledgers WHERE environment = ? AND sink = ? AND site = ? AND slot = ?",
            [(environment, sink, *key) for key in sorted(gone)],
        )
        rows = [(environment, sink, *key, fill, stamp(at)) for key, fill in sorted(taken.items())]
        connection.executemany(_PUT, rows)
