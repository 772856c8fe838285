"""Arrivals: webhooks and messages that came from outside, in the order in which they came; each nonce is taken once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import moment, stamp, storable

ArrivalKind = Literal["webhook", "message"]
_COLUMNS: Final = "seq, environment, kind, name, nonce, at, body"
_Row = tuple[int, str, ArrivalKind, str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Something that came; ``seq`` grows from one to the next."""

    seq: int
    environment: str
    kind: ArrivalKind
    name: str
    nonce: str
    at: datetime
    body: str


def add_arrival(
    db: Database, environment: str, kind: ArrivalKind, name: str, nonce: str, at: datetime, body: str
) -> int | None:
    """Keep what came, and give its number; None, and nothing is kept, if its nonce came before."""
    row = (environment, kind, name, nonce, stamp(at), storable(body))
    with db.write() as connection:
        kept = connection.execute(
            "INSERT INTO arrivals (environment, kind, name, nonce, at, body) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (environment, kind, name, nonce) DO NOTHING RETURNING seq",
            row,
        ).fetchall()
    return int(kept[0][0]) if kept else None


def last_arrivals(db: Database, environment: str) -> dict[tuple[ArrivalKind, str], int]:
    """Give (kind, name) → the number of the last one that came to an environment."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT kind, name, max(seq) FROM arrivals WHERE environment = ? GROUP BY kind, name", (environment,)
        )
        return {(kind, name): int(seq) for kind, name, seq in rows}


def arrivals_after(
    db: Database, environment: str, kind: ArrivalKind, name: str, after: int, limit: int = 1000
) -> tuple[Arrival, ...]:
    """Give what came after a number, oldest first."""
    with db.read() as connection:
        where = "WHERE environment = ? AND kind = ? AND name = ? AND seq > ? ORDER BY seq LIMIT ?"
        return tuple(_select(connection, where, environment, kind, name, after, limit))


def forget_arrivals(db: Database, environment: str, kind: ArrivalKind, name: str, before: datetime, keep: int) -> None:
    """Drop what came before a time, except the last ``keep``: what remains is bounded by how fast it comes."""
    with db.write(durable=False) as connection:
        connection.execute(
            "DELETE FROM arrivals WHERE environment = ? AND kind = ? AND name = ? AND at < ? AND seq NOT IN ("
            " SELECT seq FROM arrivals WHERE environment = ? AND kind = ? AND name = ? ORDER BY seq DESC LIMIT ?)",
            (environment, kind, name, stamp(before), environment, kind, name, keep),
        )


def _select(connection: Connection, where: str, *values: object) -> list[Arrival]:
    return [_arrival(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM arrivals {where}", values)]


def _arrival(row: _Row) -> Arrival:
    seq, environment, kind, name, nonce, at, body = row
    return Arrival(seq=seq, environment=environment, kind=kind, name=name, nonce=nonce, at=moment(at), body=body)
