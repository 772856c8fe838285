"""What is forgotten of runs that ended long ago, so that the state does not grow for as long as pipelines run."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import chunks, marks, stamp

_ORDERS: Final = """
SELECT id FROM requests WHERE ended_at < ? EXCEPT SELECT id FROM requests WHERE backfill IN (
    SELECT backfill FROM requests WHERE backfill <> '' AND (ended_at IS NULL OR ended_at >= ?))"""
"""Orders of a backfill go together: how far it came is counted from them."""
_RUNS: Final = f"""
SELECT id FROM runs WHERE ended_at < ? EXCEPT SELECT run FROM last_attempts
EXCEPT SELECT id FROM requests WHERE id NOT IN ({_ORDERS})"""
"""The last run that had work for a node stays: `headwater status` tells of it, whenever it was."""
_OF_RUNS: Final = (("attempts", "run"), ("run_events", "run"), ("run_orders", "run"), ("runs", "id"))


@dataclass(frozen=True, slots=True)
class OldRuns:
    """Runs and orders of which nothing need be known any more."""

    orders: tuple[str, ...]
    runs: tuple[str, ...]

    def __len__(self) -> int:
        """Count the runs, whether they were ordered, begun, or both."""
        return len({*self.orders, *self.runs})


def old_runs(db: Database, before: datetime) -> OldRuns:
    """Give what ended before a time: runs, but the last of each node, and orders, but of backfills that go on."""
    at = stamp(before)
    with db.read() as connection:
        return OldRuns(
            orders=tuple(_names(connection, _ORDERS, at, at)), runs=tuple(_names(connection, _RUNS, at, at, at))
        )


def forget_runs(db: Database, old: OldRuns, before: datetime) -> None:
    """Delete the records of runs: orders, attempts, logs; and of workers and backfills that are as old.

    In many small transactions: those who work must not wait for one that takes long.
    """
    for piece in chunks(old.runs):
        with db.write(durable=False) as connection:
            for table, key in _OF_RUNS:
                connection.execute(f"DELETE FROM {table} WHERE {key} IN ({marks(len(piece))})", piece)
    for piece in chunks(old.orders):
        with db.write(durable=False) as connection:
            connection.execute(f"DELETE FROM requests WHERE id IN ({marks(len(piece))})", piece)
    with db.write(durable=False) as connection:
        connection.execute("DELETE FROM workers WHERE seen_at < ?", (stamp(before),))
        connection.execute(
            "DELETE FROM backfills WHERE created_at < ?"
            " AND id NOT IN (SELECT backfill FROM requests WHERE backfill <> '')",
            (stamp(before),),
        )


def _names(connection: Connection, query: str, *values: str) -> Iterator[str]:
    return (name for (name,) in connection.execute(query, values))
