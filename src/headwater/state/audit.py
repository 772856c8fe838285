"""The audit chain: every entry carries the hash of the one before, so that no entry can be changed unseen."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from headwater.state.connections import Connection
from headwater.state.database import Database
from headwater.state.values import stamp

_START: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done. ``at`` is empty where the time was not told."""

    sequence: int
    at: str
    kind: str
    document: Mapping[str, Any]
    previous: str
    hash: str


def append(connection: Connection, kind: str, document: Mapping[str, Any], at: datetime | None) -> str:
    """Add an entry to the chain in a transaction that is open; give its hash."""
    (sequence,) = connection.execute(
        "UPDATE counters SET value = value + 1 WHERE name = 'audit' RETURNING value"
    ).fetchone()
    row = connection.execute("SELECT hash FROM audit WHERE seq = ?", (sequence - 1,)).fetchone()
    previous = row[0] if row else _START
    when, text = stamp(at) if at else "", json.dumps(document, sort_keys=True, separators=(",", ":"))
    digest = _hash(sequence, when, kind, text, previous)
    connection.execute(
        "INSERT INTO audit (seq, at, kind, document, previous, hash) VALUES (?, ?, ?, ?, ?, ?)",
        (sequence, when, kind, text, previous, digest),
    )
    return digest


def verify(db: Database) -> tuple[int, int | None]:
    """Recompute the chain: how many entries hold, and the sequence of the first that does not (None: all hold).

    An entry that was changed, taken out, put in, or cut off at the end breaks the chain.
    """
    expected, count = _START, 0
    with db.read() as connection:
        (last,) = connection.execute("SELECT value FROM counters WHERE name = 'audit'").fetchone()
        rows = connection.execute("SELECT seq, at, kind, document, previous, hash FROM audit ORDER BY seq")
        for sequence, at, kind, text, previous, digest in rows:
            intact = digest == _hash(sequence, at, kind, text, previous)
            if sequence != count + 1 or previous != expected or not intact:
                return count, count + 1
            expected, count = digest, count + 1
    return count, None if count == last else count + 1


def audit_entries(db: Database, after: int = 0) -> Iterator[AuditEntry]:
    """Give the entries after a sequence, oldest first."""
    with db.read() as connection:
        rows = connection.execute(
            "SELECT seq, at, kind, document, previous, hash FROM audit WHERE seq > ? ORDER BY seq", (after,)
        )
        for sequence, at, kind, text, previous, digest in rows:
            yield AuditEntry(sequence, at, kind, json.loads(text), previous, digest)


def hashed_texts(db: Database) -> Iterator[tuple[str, str]]:
    """Give for each entry, oldest first, the text that its hash is the SHA-256 of, and that hash."""
    with db.read() as connection:
        rows = connection.execute("SELECT seq, at, kind, document, previous, hash FROM audit ORDER BY seq")
        for *parts, digest in rows:
            yield _hashed(*parts), digest


def last_entries(db: Database, limit: int, kind: str | None = None) -> tuple[AuditEntry, ...]:
    """Give the last entries, newest first; of one kind if it is named."""
    where, values = ("", ()) if kind is None else ("WHERE kind = ?", (kind,))
    with db.read() as connection:
        rows = connection.execute(
            f"SELECT seq, at, kind, document, previous, hash FROM audit {where} ORDER BY seq DESC LIMIT ?",
            (*values, limit),
        ).fetchall()
    return tuple(AuditEntry(number, at, what, json.loads(text), *hashes) for number, at, what, text, *hashes in rows)


def _hash(sequence: int, at: str, kind: str, text: str, previous: str) -> str:
    return hashlib.sha256(_hashed(sequence, at, kind, text, previous).encode()).hexdigest()


def _hashed(sequence: int, at: str, kind: str, text: str, previous: str) -> str:
    return json.dumps([sequence, at, kind, text, previous], separators=(",", ":"))
