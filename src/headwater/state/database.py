"""The state of a project: opened, migrated, and handed out as read and write transactions to any number of threads."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from headwater.diagnostics import Broken, HeadwaterError, error
from headwater.state.backends import Backend, Session
from headwater.state.backends.postgres import PostgresBackend
from headwater.state.backends.sqlite import SqliteBackend
from headwater.state.connections import Connection
from headwater.state.failures import DISCONNECTED, REPAIR, lost, newer, outdated, unwritable
from headwater.state.migrating import migrate, schema_of
from headwater.state.migrations import MIGRATIONS
from headwater.state.patience import Patience, Wait
from headwater.state.places import StatePlace
from headwater.state.transactions import Transaction

BUSY_TIMEOUT_S: Final = 30.0
"""How long a writer waits for another process before it gives up."""
_SMALLEST: Final = 512
"""SQLite takes a file shorter than its smallest page for an empty one, and would write over it."""
_MOST_IDLE: Final = 8


class Database:
    """The state of a project. Connections are pooled: each transaction has one to itself, whatever its thread."""

    def __init__(self, place: StatePlace, backend: Backend) -> None:
        self.place = place
        self.backend = backend
        self.patience: Patience | None = None
        """What is done while the state cannot be used; None: that is said at once."""
        self._idle: list[Session] = []
        self._closed = False
        self._checks = True
        self._schema = len(MIGRATIONS)
        self._thread = threading.local()
        self._writing = threading.Lock()  # threads queue here, rather than poll for the database's lock

    @classmethod
    def at(cls, place: StatePlace, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Self:
        """Reach for the state at a place, whatever there is; see ``open_database``."""
        if isinstance(place, Path):
            return cls(place, SqliteBackend(place, busy_timeout_s))
        return cls(place, PostgresBackend(place, busy_timeout_s))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; a transaction that is still open keeps its own until it ends."""
        self._closed = True
        self._drop_idle()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See one state: everything read inside comes from the same snapshot. Joins a transaction already open."""
        current = getattr(self._thread, "current", None)
        if current is not None:
            yield current
            return
        with self._transaction(writes=False) as transaction:
            connection = transaction.face(writes=False)
            with self._as_current(connection):
                yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """Change the state as one: all of it or nothing. Inside another ``write`` it is a part of that one.

        ``durable`` waits until the change is on the disk and survives a loss of power; without, only a loss of the
        process is survived (and the next durable change brings it to the disk as well). Raises Conflict if another
        process keeps the database locked.
        """
        writer = getattr(self._thread, "writer", None)
        if writer is not None:
            with self._part(writer):
                yield writer
            return
        with self._writing, self._transaction(writes=True, durable=durable) as transaction:
            connection = transaction.face(writes=True)
            with self._as_current(connection, writes=True):
                yield connection
            transaction.commit()

    @contextmanager
    def snapshot(self) -> Iterator[tuple[Connection, Callable[[str], Iterator[tuple[Any, ...]]]]]:
        """See one state that is larger than memory: a connection, and what reads the rows of a query one by one."""
        with self._transaction(writes=False, is_patient=False) as transaction:
            session = transaction.session
            if session is not None:
                yield session.connection, session.stream

    @contextmanager
    def _transaction(self, *, writes: bool, durable: bool = True, is_patient: bool = True) -> Iterator[Transaction]:
        """Give a transaction that has begun; what is not committed at its end is undone."""
        wait = self._wait() if is_patient else None

        def begin() -> Session:
            return self._begin(writes=writes, durable=durable)

        with self._explaining():
            transaction = Transaction(self.place, self.backend, begin, wait and self._quietly(wait))
            try:
                transaction.begin()
                yield transaction
            except self.backend.errors:
                transaction.abandon()
                raise
            finally:
                self._give_back(transaction.session)
                if wait:
                    wait.end()

    @contextmanager
    def patient(self, patience: Patience) -> Iterator[None]:
        """Wait inside, in all threads, rather than fail, while the state is locked, full, or gone."""
        before, self.patience = self.patience, patience
        try:
            yield
        finally:
            self.patience = before

    def _wait(self) -> Wait | None:
        """Give what waits; raises what this thread waits for already (its observers must not use the state)."""
        reason = getattr(self._thread, "waits_for", None)
        if reason is not None:
            raise reason
        return Wait(self.patience) if self.patience else None

    def _quietly(self, wait: Wait) -> Callable[[HeadwaterError], None]:
        def waiting(reason: HeadwaterError) -> None:
            self._thread.waits_for = reason
            try:
                wait(reason)
            finally:
                self._thread.waits_for = None

        return waiting

    def _begin(self, *, writes: bool, durable: bool) -> Session:
        """Begin a transaction on a connection that lies idle, or, if that is worn out, on a new one."""
        while session := self._taken():
            try:
                return self._begun(session, writes=writes, durable=durable)
            except self.backend.errors as failure:
                reason = self.backend.explained(failure)
                if reason is None or reason.diagnostics[0].code not in DISCONNECTED:
                    raise
                self._drop_idle()
        return self._begun(self.backend.connect(), writes=writes, durable=durable)

    def _begun(self, session: Session, *, writes: bool, durable: bool) -> Session:
        try:
            number = session.begin(writes=writes, durable=durable, numbered=self._checks)
            if self._checks:
                self._refuse_other(number)
        except BaseException:
            session.close()
            raise
        return session

    def _refuse_other(self, schema: int) -> None:
        """Raise Broken if the state is not of this version: another one may have upgraded it while this one runs."""
        if schema > self._schema:
            raise newer(self.place, schema)
        if schema < self._schema:
            raise outdated(self.place, schema, self._schema)

    def _taken(self) -> Session | None:
        try:
            return self._idle.pop()  # one step: another thread may take the last one at any moment
        except IndexError:
            return None

    def _drop_idle(self) -> None:
        while session := self._taken():
            session.close()

    def _give_back(self, session: Session | None) -> None:
        if session is None:
            return
        with suppress(*self.backend.errors):
            session.rollback()
        if self._closed or session.in_transaction or len(self._idle) >= _MOST_IDLE:
            session.close()
        else:
            self._idle.append(session)

    @contextmanager
    def _as_current(self, connection: Connection, *, writes: bool = False) -> Iterator[None]:
        """Let functions called inside find this transaction; a write inside a read has its own, and then gives way."""
        thread = self._thread
        outer = getattr(thread, "current", None), getattr(thread, "writer", None)
        thread.current, thread.writer = connection, connection if writes else None
        try:
            yield
        finally:
            thread.current, thread.writer = outer

    @contextmanager
    def _part(self, connection: Connection) -> Iterator[None]:
        """Undo a part alone if it fails, so that a caller may catch the error and still commit the rest."""
        connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            with suppress(*self.backend.errors):  # without the transaction, there is nothing to undo
                connection.execute("ROLLBACK TO part")
                connection.execute("RELEASE part")
            raise
        connection.execute("RELEASE part")

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except self.backend.errors as failure:
            reason = self.backend.explained(failure)
            if reason is None:
                raise
            raise reason from failure

    def schema(self) -> int:
        """Give the number of the last migration; 0 if there is no state. Raises Broken for what is none."""
        with self._unchecked(), self.read() as connection:
            return schema_of(connection, self.backend, self.place)

    def prepare(self, *, create: bool, upgrade: bool, to: int = len(MIGRATIONS)) -> None:
        """Bring the schema to a number, where that is asked for; from then on this object takes no other.

        Raises Broken if there is no state, if a newer Headwater wrote it, or if it is older and is to stay so.
        """
        self._schema = to
        found = self.schema()
        if not found and not create:
            raise lost(self.place)
        if found > to or (found and not upgrade):
            self._refuse_other(found)
        if found < to:
            with self._explaining():
                self._set_up()
            with self._unchecked(), self.write() as connection:
                migrate(connection, self.backend, self.place, to)

    def _set_up(self) -> None:
        session = self.backend.connect()
        try:
            session.set_up()
        finally:
            session.close()

    @contextmanager
    def _unchecked(self) -> Iterator[None]:
        self._checks = False
        try:
            yield
        finally:
            self._checks = True


def open_database(
    place: StatePlace, *, create: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S, upgrade: bool | None = None
) -> Database:
    """Open the state at ``place``, and make it if it does not exist and ``create`` says so; closes as a context.

    ``upgrade`` brings an older schema up to date: unless told, in a file, which is one machine's, and not on a server,
    where others may be at work. Raises Broken if the state is lost, damaged, cannot be reached or written, or is of
    another schema, and Conflict if it stays locked.
    """
    if isinstance(place, Path):
        _look_at_file(place, busy_timeout_s, create=create)
    return _prepared(
        place, busy_timeout_s, create=create, upgrade=isinstance(place, Path) if upgrade is None else upgrade
    )


def make_database(place: StatePlace, schema: int) -> Database:
    """Make a state of an older schema where there is none; to be brought up to date by ``prepare``."""
    if isinstance(place, Path):
        place.touch(exist_ok=False)
    return _prepared(place, BUSY_TIMEOUT_S, create=True, upgrade=False, to=schema)


def find_schema(place: StatePlace) -> int:
    """Give the schema's number of a state that may be of any version; 0 if there is none."""
    if isinstance(place, Path) and not (place.exists() and place.stat().st_size):
        return 0
    with Database.at(place) as database:
        return database.schema()


def _prepared(
    place: StatePlace, busy_timeout_s: float, *, create: bool, upgrade: bool, to: int = len(MIGRATIONS)
) -> Database:
    database = Database.at(place, busy_timeout_s)
    try:
        database.prepare(create=create, upgrade=upgrade, to=to)
    except BaseException:
        database.close()
        raise
    return database


def _look_at_file(path: Path, busy_timeout_s: float, *, create: bool) -> None:
    """Refuse a file that SQLite would take for something else than it is, and make one that is wanted."""
    size = path.stat().st_size if path.exists() else None
    if not size and not create:
        raise lost(path)
    if size is None:
        _make(path, busy_timeout_s)
    elif 0 < size < _SMALLEST:
        raise Broken(error("HW0602", f"`{path}` is no database", hint=REPAIR))


def _make(path: Path, busy_timeout_s: float) -> None:
    """Make a whole database beside its place and link it there: nobody ever sees half of one, and the first wins."""
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.touch()
        _prepared(beside, busy_timeout_s, create=True, upgrade=True).close()
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
