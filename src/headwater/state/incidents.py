"""Incidents: what is wrong from when to when, in which environment, and who has acknowledged it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import chunks, marks, moment, optional_moment, optional_stamp, stamp, storable

_COLUMNS: Final = (
    "id, environment, rule, subject, owner, severity, message, seen, opened_at, last_at, closed_at, acked_at,"
    " acked_by, body"
)
_OPEN: Final = f"""
INSERT INTO incidents ({_COLUMNS}) VALUES ({marks(14)}) ON CONFLICT DO NOTHING RETURNING id"""
_AGAIN: Final = """
UPDATE incidents SET seen = seen + 1, last_at = ?, severity = ?, message = ?, body = ?
WHERE id = ? AND closed_at IS NULL"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that is, or was, wrong. Of one rule and subject at most one is open."""

    id: str
    environment: str
    rule: str
    subject: str
    """What it is about: a pipeline, a node, a machine."""
    owner: str
    severity: str
    message: str
    seen: int = 1
    """How often it happened, or was found to have changed."""
    opened_at: datetime
    last_at: datetime
    """When it happened last, or was found to have changed."""
    closed_at: datetime | None = None
    acked_at: datetime | None = None
    acked_by: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    """``run``, ``hint``, and ``evidence``: it is seen again when that changes."""

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.closed_at is None


def open_incidents(db: Database, environment: str) -> tuple[Incident, ...]:
    """Give what is wrong now in an environment."""
    query = f"SELECT {_COLUMNS} FROM incidents WHERE environment = ? AND closed_at IS NULL ORDER BY opened_at, id"
    with db.read() as connection:
        return tuple(map(_incident, connection.execute(query, (environment,))))


def incidents(db: Database, environment: str | None, *, limit: int, closed: bool = False) -> tuple[Incident, ...]:
    """Give the last incidents, newest first: those that are open, or (``closed``) all; of one environment or of all."""
    where = ["1 = 1" if closed else "closed_at IS NULL"] + (["environment = ?"] if environment is not None else [])
    values = [environment] if environment is not None else []
    query = f"SELECT {_COLUMNS} FROM incidents WHERE {' AND '.join(where)} ORDER BY opened_at DESC, id LIMIT ?"
    with db.read() as connection:
        return tuple(map(_incident, connection.execute(query, (*values, limit))))


def incidents_called(db: Database, beginning: str) -> tuple[Incident, ...]:
    """Give the incidents whose ids begin so, at most a few."""
    query = f"SELECT {_COLUMNS} FROM incidents WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT 5"
    with db.read() as connection:
        return tuple(map(_incident, connection.execute(query, (len(beginning), beginning))))


def incidents_by_id(connection: Connection, ids: Iterable[str]) -> dict[str, Incident]:
    """Give incidents by their ids, in a transaction that is open."""
    query = f"SELECT {_COLUMNS} FROM incidents WHERE id IN ({{}})"
    return {
        row[0]: _incident(row)
        for piece in chunks(dict.fromkeys(ids))
        for row in connection.execute(query.format(marks(len(piece))), piece)
    }


def open_in(connection: Connection, incident: Incident) -> bool:
    """Open an incident in a transaction that is open; False if one of its rule and subject is open already."""
    row = (
        *(incident.id, incident.environment, incident.rule, incident.subject, storable(incident.owner)),
        *(incident.severity, storable(incident.message), incident.seen, stamp(incident.opened_at)),
        *(stamp(incident.last_at), optional_stamp(incident.closed_at), optional_stamp(incident.acked_at)),
        *(incident.acked_by, json.dumps(dict(incident.body))),
    )
    return bool(connection.execute(_OPEN, row).fetchall())


def see_again_in(connection: Connection, incident: Incident) -> None:
    """Note that it happened once more, with what is known of it now."""
    row = (
        *(stamp(incident.last_at), incident.severity, storable(incident.message), json.dumps(dict(incident.body))),
        incident.id,
    )
    connection.execute(_AGAIN, row)


def close_in(connection: Connection, incident: str, at: datetime) -> None:
    """Note that it is over."""
    connection.execute("UPDATE incidents SET closed_at = ? WHERE id = ? AND closed_at IS NULL", (stamp(at), incident))


def prune_in(connection: Connection, environment: str, before: datetime) -> None:
    """Forget incidents that were over before a time, with what was told of them, if nothing of it is still to tell."""
    old = "SELECT id FROM incidents WHERE environment = ? AND closed_at IS NOT NULL AND closed_at < ?"
    idle = "NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.incident = i.id AND d.status IN ('waiting', 'sending'))"
    query = f"SELECT id FROM incidents AS i WHERE i.id IN ({old}) AND {idle} LIMIT 500"
    gone = [name for (name,) in connection.execute(query, (environment, stamp(before))).fetchall()]
    if gone:
        connection.execute(f"DELETE FROM deliveries WHERE incident IN ({marks(len(gone))})", gone)
        connection.execute(f"DELETE FROM incidents WHERE id IN ({marks(len(gone))})", gone)


def acknowledge(db: Database, incident: str, by: str, at: datetime) -> bool:
    """Note that somebody looks after it: it is not told again. False if it is over, or somebody was first."""
    with db.write() as connection:
        done = connection.execute(
            "UPDATE incidents SET acked_at = ?, acked_by = ? WHERE id = ? AND closed_at IS NULL AND acked_at IS NULL"
            " RETURNING id",
            (stamp(at), storable(by), incident),
        )
        return bool(done.fetchall())


def read_mark(connection: Connection, environment: str, name: str) -> str | None:
    """Give how far the rules have looked, in a transaction that is open; None: they have not."""
    row = connection.execute(
        "SELECT value FROM alert_marks WHERE environment = ? AND name = ?", (environment, name)
    ).fetchone()
    return None if row is None else str(row[0])


def write_mark(connection: Connection, environment: str, name: str, value: str) -> None:
    """Note how far the rules have looked."""
    connection.execute(
        "INSERT INTO alert_marks (environment, name, value) VALUES (?, ?, ?)"
        " ON CONFLICT (environment, name) DO UPDATE SET value = excluded.value",
        (environment, name, value),
    )


def forget_marks(connection: Connection, environment: str) -> None:
    """Forget how far the rules have looked: nobody is to be told any more."""
    connection.execute("DELETE FROM alert_marks WHERE environment = ?", (environment,))


def _incident(row: Sequence[Any]) -> Incident:
    name, environment, rule, subject, owner, severity, message, seen, opened, last, closed, acked, by, body = row
    return Incident(
        id=name,
        environment=environment,
        rule=rule,
        subject=subject,
        owner=owner,
        severity=severity,
        message=message,
        seen=seen,
        opened_at=moment(opened),
        last_at=moment(last),
        closed_at=optional_moment(closed),
        acked_at=optional_moment(acked),
        acked_by=by,
        body=json.loads(body),
    )
