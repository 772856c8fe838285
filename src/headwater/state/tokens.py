"""Tokens of the API: who may do what until when. Only a hash of each is kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import moment, optional_moment, optional_stamp, stamp

Role = Literal["viewer", "operator", "admin"]
ROLES: Final[tuple[Role, ...]] = ("viewer", "operator", "admin")
"""What a token may do, each more than the one before."""
_COLUMNS: Final = "id, name, role, hash, created_at, author, expires_at, revoked_at"
_Row = tuple[str, str, Role, str, str, str, str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as the state knows it: its secret cannot be got from it."""

    id: str
    name: str
    role: Role
    hash: str
    created_at: datetime
    author: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it opens anything at a time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def add_token(db: Database, token: Token) -> None:
    """Keep a new token."""
    row = (
        token.id,
        token.name,
        token.role,
        token.hash,
        stamp(token.created_at),
        token.author,
        optional_stamp(token.expires_at),
        optional_stamp(token.revoked_at),
    )
    with db.write() as connection:
        connection.execute(f"INSERT INTO tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def revoke_token(db: Database, token_id: str, at: datetime) -> bool:
    """Take a token away for good; False if there is none, or it was revoked before."""
    with db.write() as connection:
        done = connection.execute(
            "UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL RETURNING id", (stamp(at), token_id)
        ).fetchall()
    return bool(done)


def find_token(db: Database, token_id: str) -> Token | None:
    """Give a token by its id, live or not."""
    with db.read() as connection:
        return next(iter(_select(connection, "WHERE id = ?", token_id)), None)


def tokens(db: Database) -> tuple[Token, ...]:
    """Give all tokens, the oldest first, with those that were revoked."""
    with db.read() as connection:
        return tuple(_select(connection, "ORDER BY created_at, id"))


def _select(connection: Connection, where: str, *values: object) -> list[Token]:
    return [_token(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM tokens {where}", values)]


def _token(row: _Row) -> Token:
    name, label, role, digest, created_at, author, expires_at, revoked_at = row
    return Token(
        id=name,
        name=label,
        role=role,
        hash=digest,
        created_at=moment(created_at),
        author=author,
        expires_at=optional_moment(expires_at),
        revoked_at=optional_moment(revoked_at),
    )
