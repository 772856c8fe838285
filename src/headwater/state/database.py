"""One SQLite database: opened, migrated, and handed out as read and write transactions to any number of threads."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from headwater.diagnostics import Broken, error
from headwater.state.connections import Connection
from headwater.state.failures import REPAIR, explained, unwritable
from headwater.state.migrations import MIGRATIONS

BUSY_TIMEOUT_S: Final = 30.0
"""How long a writer waits for another process before it gives up."""
_SMALLEST: Final = 512
"""SQLite takes a file shorter than its smallest page for an empty one, and would write over it."""


class Database:
    """The state of a project. Connections are pooled: each transaction has one to itself, whatever its thread."""

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = path
        self._busy_timeout_s = busy_timeout_s
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._thread = threading.local()
        self._writing = threading.Lock()  # threads queue here, rather than poll for SQLite's lock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; a transaction that is still open keeps its own until it ends."""
        self._closed = True
        while connection := self._taken():
            connection.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See one state: everything read inside comes from the same snapshot. Joins a transaction already open."""
        current = getattr(self._thread, "current", None)
        if current is not None:
            yield current
            return
        with self._connection() as connection, self._as_current(connection):
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """Change the state as one: all of it or nothing. Inside another ``write`` it is a part of that one.

        ``durable`` waits until the change is on the disk and survives a loss of power; without, only a loss of the
        process is survived (and the next durable change brings it to the disk as well). Raises Conflict if another
        process keeps the database locked.
        """
        writer = getattr(self._thread, "writer", None)
        if writer is not None:
            with _part(writer):
                yield writer
            return
        with self._writing, self._connection() as connection, self._as_current(connection, writes=True):
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection; give it back to the pool only if it is in order."""
        with self._explaining():
            connection = self._taken() or self.connect()
            try:
                yield connection
            except sqlite3.Error:
                connection.close()
                raise
            except BaseException:
                self._give_back(connection)
                raise
            self._give_back(connection)

    def _taken(self) -> sqlite3.Connection | None:
        try:
            return self._idle.pop()  # one step: another thread may take the last one at any moment
        except IndexError:
            return None

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._closed or connection.in_transaction:  # still in one: interrupted between two steps
            connection.close()
        else:
            self._idle.append(connection)

    @contextmanager
    def _as_current(self, connection: sqlite3.Connection, *, writes: bool = False) -> Iterator[None]:
        """Let functions called inside find this transaction; a write inside a read has its own, and then gives way."""
        thread = self._thread
        outer = getattr(thread, "current", None), getattr(thread, "writer", None)
        thread.current, thread.writer = connection, connection if writes else None
        try:
            yield
        finally:
            thread.current, thread.writer = outer

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as failure:
            reason = explained(failure, self.path)
            if reason is None:
                raise
            raise reason from failure

    def connect(self) -> sqlite3.Connection:
        """Open a further connection; it belongs to the caller. Raises sqlite3.Error."""
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode=rw",
            uri=True,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -64000")
        return connection

    def prepare(self) -> None:
        """Bring the schema up to date; refuse one that a newer Headwater wrote, and files that are no state."""
        with self.read() as connection:
            found = _schema(connection, self.path)
        if found > len(MIGRATIONS):
            message = f"the state `{self.path}` was written by a newer Headwater (schema {found})"
            raise Broken(error("HW0606", message, hint="install that version, or a newer one"))
        if found < len(MIGRATIONS):
            with self._connection() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            with self.write() as connection:
                for number in range(_schema(connection, self.path), len(MIGRATIONS)):
                    _migrate(connection, number + 1)


def open_database(path: Path, *, create: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Database:
    """Open the state at ``path``, and make it if it does not exist and ``create`` says so; closes as a context.

    Raises Broken if it is lost, damaged, not writable or of a newer schema, and Conflict if it stays locked.
    """
    size = path.stat().st_size if path.exists() else None
    if not size and not create:
        raise Broken(error("HW0601", f"the state `{path}` does not exist, or is empty", hint=REPAIR))
    if size is None:
        _make(path, busy_timeout_s)
    elif 0 < size < _SMALLEST:
        raise Broken(error("HW0602", f"`{path}` is no database", hint=REPAIR))
    database = Database(path, busy_timeout_s)
    try:
        database.prepare()
    except BaseException:
        database.close()
        raise
    return database


def _make(path: Path, busy_timeout_s: float) -> None:
    """Make a whole database beside its place and link it there: nobody ever sees half of one, and the first wins."""
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.touch()
        with Database(beside, busy_timeout_s) as database:
            database.prepare()
        with suppress(FileExistsError):
            os.link(beside, path)
        _sync_directory(path.parent)
    except OSError as failure:
        raise unwritable(path, failure.strerror or str(failure)) from failure
    finally:
        with suppress(OSError):
            beside.unlink()


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _part(connection: sqlite3.Connection) -> Iterator[None]:
    """Undo a part alone if it fails, so that a caller may catch the error and still commit the rest."""
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO part")
            connection.execute("RELEASE part")
        raise
    connection.execute("RELEASE part")


def _schema(connection: Connection, path: Path) -> int:
    """Give the number of the last migration; 0 for an empty database."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "migrations" not in tables:
        if tables:
            raise Broken(error("HW0602", f"`{path}` is a database, but no state of Headwater", hint=REPAIR))
        return 0
    (number,) = connection.execute("SELECT max(number) FROM migrations").fetchone()
    return int(number or 0)


def _migrate(connection: Connection, number: int) -> None:
    if number == 1:
        connection.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY)")
    for statement in MIGRATIONS[number - 1]:
        connection.execute(statement)
    connection.execute("INSERT INTO migrations (number) VALUES (?)", (number,))
