"""A state in a file of SQLite: opened, locked, and told apart from another file that takes its place."""

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from headwater.diagnostics import HeadwaterError
from headwater.state.backends import Session
from headwater.state.connections import Connection
from headwater.state.failures import FileGone, of_sqlite

_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


class SqliteBackend:
    """A file. Whoever writes locks it; readers see the last commit."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    is_remote = False
    founding: tuple[str, ...] = ()

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s

    def connect(self) -> "SqliteSession":
        """Open a further connection; raises sqlite3.Error."""
        if _identity(self._path) is None:
            raise FileGone
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=rw",
            uri=True,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -64000")
        return SqliteSession(connection, self._path)

    def explained(self, failure: Exception) -> HeadwaterError | None:
        """Say what SQLite said."""
        return of_sqlite(failure, self._path) if isinstance(failure, sqlite3.Error) else None

    def was_committed(self, session: Session, mark: str) -> bool | None:
        """A commit that failed was not made: the log has no mark of it."""
        del session, mark
        return False

    def columns(self, connection: Connection) -> Mapping[str, tuple[str, ...]]:
        """Give table → columns."""
        names = [name for (name,) in connection.execute(_TABLES)]
        query = "SELECT name FROM pragma_table_info(?) ORDER BY cid"
        return {name: tuple(column for (column,) in connection.execute(query, (name,))) for name in names}

    def numbers(self, connection: Connection) -> Mapping[str, int]:
        """Give table → last number."""
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
            return {}
        return dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))

    def set_number(self, connection: Connection, table: str, number: int) -> None:
        """Set what the next number follows; tables without AUTOINCREMENT take the largest that they hold."""
        if "AUTOINCREMENT" in str(
            connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        ):
            connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, number))

    def damage(self, connection: Connection, shown: int) -> Iterator[str]:
        """Look at pages, and at references."""
        for (finding,) in connection.execute(f"PRAGMA quick_check({shown})").fetchall():
            if finding != "ok":
                yield str(finding)
        for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(shown):
            yield f"`{table}` names a row of `{parent}` that is not there"


class SqliteSession:
    """A connection to a file, which statements are given to as it is."""

    mark = ""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self._path = path
        self._file = _identity(path)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.connection.in_transaction

    def set_up(self) -> None:
        """Let readers and a writer work at the same time."""
        self.connection.execute("PRAGMA journal_mode = WAL")

    def begin(self, *, writes: bool, durable: bool, numbered: bool) -> int:
        """Begin; a writer waits for the lock as long as the connection was told to."""
        if _identity(self._path) != self._file:
            raise FileGone
        if writes:
            self.connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self.connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        if not numbered:
            return 0
        (number,) = self.connection.execute("SELECT max(number) FROM migrations").fetchone()
        return int(number)

    def commit(self) -> None:
        """Commit."""
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Read as SQLite does anyway."""
        yield from self.connection.execute(query)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another in its place: writing into one that was deleted would be lost unseen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
