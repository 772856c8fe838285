"""Suspects: tasks in the middle of which their worker died; after some deaths in a row a task is set aside."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.state.database import Database
from headwater.state.values import moment, optional_moment, stamp

_COUNT: Final = """
INSERT INTO suspects (environment, node, version, crashes, last_at, last_run) VALUES (?, ?, ?, 1, ?, ?)
ON CONFLICT (environment, node, version) DO UPDATE
SET crashes = suspects.crashes + 1, last_at = excluded.last_at, last_run = excluded.last_run
RETURNING node, version, crashes"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A node's logic under which workers have died since it last succeeded."""

    node: str
    version: str
    crashes: int
    last_at: datetime
    last_run: str
    set_aside_at: datetime | None = None
    """Since when it is not tried any more."""


def note_crashes(
    db: Database, environment: str, tasks: Iterable[tuple[str, str]], run: str, at: datetime, most: int
) -> tuple[str, ...]:
    """Count a worker's death against the tasks (node, version) it was in; give the nodes that are set aside by it."""
    with db.write() as connection:
        rows = [
            connection.execute(_COUNT, (environment, node, version, stamp(at), run)).fetchone()
            for node, version in sorted(set(tasks))
        ]
        aside = [(node, version) for node, version, crashes in rows if crashes >= most]
        connection.executemany(
            "UPDATE suspects SET set_aside_at = ? WHERE environment = ? AND node = ? AND version = ?",
            [(stamp(at), environment, node, version) for node, version in aside],
        )
    return tuple(node for node, _ in aside)


def clear_suspects(db: Database, environment: str, nodes: Iterable[str]) -> int:
    """Forget what was held against nodes: they succeeded, or shall be tried again. Gives how many there were."""
    with db.write() as connection:
        return sum(
            len(
                connection.execute(
                    "DELETE FROM suspects WHERE environment = ? AND node = ? RETURNING node", (environment, node)
                ).fetchall()
            )
            for node in sorted(set(nodes))
        )


def suspects(db: Database, environment: str) -> tuple[Suspect, ...]:
    """Give the tasks under which workers have died."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT node, version, crashes, last_at, last_run, set_aside_at FROM suspects"
            " WHERE environment = ? ORDER BY node, version",
            (environment,),
        )
        return tuple(
            Suspect(
                node=node,
                version=version,
                crashes=crashes,
                last_at=moment(last_at),
                last_run=run,
                set_aside_at=optional_moment(aside),
            )
            for node, version, crashes, last_at, run, aside in rows
        )
