"""Environments: made (from a parent, as it stands), listed, deleted. One that was never written has an empty head."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.diagnostics import Conflict, Invalid, error, suggest
from headwater.state import audit
from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import moment, optional_moment, optional_stamp, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRow:
    """What the state knows of an environment."""

    name: str
    created_at: datetime
    parent: str | None
    """The environment whose entries it took when it was made."""
    origin_release: str | None
    """The parent's release at that moment."""
    like: str | None
    """The template it was made after."""
    expires: datetime | None
    code: str
    release: str | None
    released_at: datetime | None


_COPIED: Final = {
    "head_nodes": "node, version, rollup, slots, settled",
    "entries": "node, site, slot, fill, digest, moving",
    "holds": "node, site, slot, moving",
    "observations": "source, site, items, at",
    "conditions": "node, blocked, waiting, score",
}
"""What a new environment takes from its parent, as it stands."""
_OWNED: Final = (*_COPIED, "deltas", "scores")
"""What goes with an environment; its releases stay, as history."""
_NAMED: Final = ("alert_marks", "pipeline_states", "suspects", "arrivals", "last_attempts")
"""What is kept by an environment's name, and must not be found by the next one of that name."""


def create(
    db: Database, name: str, *, at: datetime, parent: str | None, like: str | None, expires: datetime | None
) -> None:
    """Make an environment; with a parent it takes its nodes, entries, holds and code as they stand.

    Raises Conflict if it exists. A parent that was never written is empty, and so will be the child.
    """
    with db.write() as connection:
        if connection.execute("SELECT 1 FROM environments WHERE name = ?", (name,)).fetchone():
            hint = "delete it first, or take another name"
            raise Conflict(error("HW0607", f"the environment `{name}` exists already", hint=hint))
        number = take_number(connection, name, at)
        connection.execute(
            "UPDATE environments SET parent = ?, template = ?, expires_at = ? WHERE number = ?",
            (parent, like, optional_stamp(expires), number),
        )
        if parent is not None:
            _take(connection, number, parent)
        document = {"environment": name, "parent": parent, "like": like, "expires": optional_stamp(expires)}
        audit.append(connection, "environment created", document, at)


def environments(db: Database) -> tuple[EnvironmentRow, ...]:
    """Give all environments that were made or written, by name."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT e.name, e.created_at, e.parent, e.origin_release, e.template, e.expires_at, e.code, r.id, r.at"
            " FROM environments AS e LEFT JOIN releases AS r ON r.seq = e.seq ORDER BY e.name"
        )
        return tuple(map(_row, rows))


def delete(db: Database, name: str, *, at: datetime | None = None) -> None:
    """Delete an environment's head and all it could be rolled back to; its releases stay as history.

    Raises Invalid if there is none. ``at`` is for the audit chain.
    """
    with db.write() as connection:
        number = number_of(connection, name)
        if not number:
            names = [known for (known,) in connection.execute("SELECT name FROM environments")]
            raise Invalid(error("HW0608", f"there is no environment `{name}` to delete", hint=suggest(name, names)))
        for table in _OWNED:
            connection.execute(f"DELETE FROM {table} WHERE environment = ?", (number,))
        connection.execute("DELETE FROM environments WHERE number = ?", (number,))
        connection.execute(
            "UPDATE incidents SET closed_at = last_at WHERE environment = ? AND closed_at IS NULL", (name,)
        )
        for table in _NAMED:
            connection.execute(f"DELETE FROM {table} WHERE environment = ?", (name,))
        connection.execute("DELETE FROM item_lists WHERE digest NOT IN (SELECT items FROM observations)")
        audit.append(connection, "environment deleted", {"environment": name}, at)


def number_of(connection: Connection, name: str) -> int:
    """Give the number of an environment; 0 if it was never written."""
    row = connection.execute("SELECT number FROM environments WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def take_number(connection: Connection, name: str, at: datetime) -> int:
    """Give the number of an environment that is about to be written, and make it if it is new."""
    connection.execute(
        "INSERT INTO environments (name, created_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, stamp(at))
    )
    return number_of(connection, name)


def _take(connection: Connection, number: int, parent: str) -> None:
    source = number_of(connection, parent)
    for table, columns in _COPIED.items():
        connection.execute(
            f"INSERT INTO {table} (environment, {columns}) SELECT ?, {columns} FROM {table} WHERE environment = ?",
            (number, source),
        )
    row = connection.execute(
        "SELECT e.code, r.id FROM environments AS e LEFT JOIN releases AS r ON r.seq = e.seq WHERE e.number = ?",
        (source,),
    ).fetchone()
    code, release = row or ("", None)
    held = connection.execute("SELECT node, site, slot, moving FROM holds WHERE environment = ?", (source,)).fetchall()
    connection.execute(
        "UPDATE environments SET code = ?, origin_code = ?, origin_release = ?, origin_holds = ? WHERE number = ?",
        (code, code, release, json.dumps(held), number),
    )


def _row(
    row: tuple[str, str, str | None, str | None, str | None, str | None, str, str | None, str | None],
) -> EnvironmentRow:
    name, created_at, parent, origin, template, expires_at, code, release, released_at = row
    return EnvironmentRow(
        name=name,
        created_at=moment(created_at),
        parent=parent,
        origin_release=origin,
        like=template,
        expires=optional_moment(expires_at),
        code=code,
        release=release,
        released_at=optional_moment(released_at),
    )
