"""DuckDB as Headwater uses it: one instance, a sealed-off database and a cursor for each task."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from headwater.connect.stores import Store
from headwater.diagnostics import Broken, HeadwaterError, Invalid, Retryable, Where
from headwater.run.deadlines import Deadlines
from headwater.run.metering import Meter
from headwater.sql.text import quote_identifier, quote_literal

if TYPE_CHECKING:
    import duckdb

SETTINGS = {
    "default_null_order": "nulls_last",
    "default_order": "asc",
    "preserve_insertion_order": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": True,
    # DuckDB 1.5 pushes what it learns of a join's keys below the LIMIT of a subquery, which then has other rows.
    "disabled_optimizers": "join_filter_pushdown",
}
"""Part of what a query means; the version of the canonical form (``graph``) stands for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLimits:
    """What the embedded engine may use."""

    threads: int
    temp_directory: str
    memory_bytes: int | None = None


class Session:
    """A cursor in a database of its own: names defined here are seen nowhere else."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", name: str, meter: Meter | None = None) -> None:
        self.connection = connection
        self.name = name
        self._meter = meter
        self._others = count(1)
        self.attached: list[str] = []

    def run(self, sql: str) -> "duckdb.DuckDBPyConnection":
        """Execute one statement."""
        done = self.connection.execute(sql)
        if self._meter:
            self._meter.note(self.connection)
        return done

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Execute a query and give its rows."""
        found: list[tuple[Any, ...]] = self.connection.execute(sql).fetchall()
        if self._meter:
            self._meter.note(self.connection)
        return found

    def attach(self) -> str:
        """Open another scope for names that must not mix with this one's."""
        name = f"{self.name}_{next(self._others)}"
        self.run(f"ATTACH ':memory:' AS {quote_identifier(name)}")
        self.attached.append(name)
        return name

    def reset(self) -> None:
        """Forget everything defined so far."""
        self.run("USE memory")
        self.run(f"DETACH {quote_identifier(self.name)}")
        self.run(f"ATTACH ':memory:' AS {quote_identifier(self.name)}")
        self.use(self.name)

    def use(self, name: str) -> None:
        """Make a scope the one in which names are defined and found."""
        self.run(f"USE {quote_identifier(name)}")


class Engine:
    """One DuckDB instance shared by the tasks of a process; cursors are cheap, instances are not."""

    def __init__(self, limits: EngineLimits) -> None:
        self._limits = limits
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._open: dict[int, duckdb.DuckDBPyConnection] = {}
        self._stops: list[Callable[[], None]] = []
        self._deadlines = Deadlines()

    @contextmanager
    def session(self, timezone: str = "UTC", meter: Meter | None = None) -> Iterator[Session]:
        """Open a session whose time zone is ``timezone``; everything defined in it is gone afterwards.

        ``meter`` counts what its statements use.
        """
        number = next(self._numbers)
        cursor = self._cursor(number)
        session = Session(cursor, f"hw_{number}", meter)
        try:
            cursor.execute(f"ATTACH ':memory:' AS {session.name}; USE {session.name}")
            self.set_zone(session, timezone)
            if meter:
                meter.watch(cursor)
            yield session
        finally:
            with self._lock:
                self._open.pop(number, None)
            self._close(session)

    def set_zone(self, session: Session, timezone: str) -> None:
        """Choose the time zone of a session that begins."""
        session.connection.execute(f"SET TimeZone = {quote_literal(timezone)}")

    @contextmanager
    def deadline(self, session: Session, seconds: float, what: str) -> Iterator[None]:
        """Interrupt a session that takes longer than ``seconds``: Retryable."""
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            session.connection.interrupt()

        try:
            with self._deadlines.within(seconds, expire):
                yield
        except Exception as problem:
            if expired.is_set():
                hint = "raise `timeout:` or let it fill fewer slots at once with `batch:`"
                raise Retryable.of("HW0508", f"{what} did not finish within {seconds:g} s", hint=hint) from problem
            raise

    @contextmanager
    def one_thread_each(self) -> Iterator[None]:
        """Let each statement run in the thread that asks for it: many small ones at once take less time together."""
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.execute("SET threads = 1")
        try:
            yield
        finally:
            with self._lock:
                if self._connection is not None:
                    self._connection.execute(f"SET threads = {self._limits.threads}")

    def interrupt(self) -> None:
        """Stop whatever any session is doing; their statements raise. What else is stoppable is stopped, too."""
        with self._lock:
            for cursor in self._open.values():
                cursor.interrupt()
            for stop in self._stops:
                stop()

    @contextmanager
    def stoppable(self, stop: Callable[[], None]) -> Iterator[None]:
        """Have ``stop`` called by an interrupt that comes meanwhile: for work that is done outside the engine."""
        with self._lock:
            self._stops.append(stop)
        try:
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)

    def close(self) -> None:
        """Close the instance; sessions must be closed."""
        self._deadlines.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _cursor(self, number: int) -> "duckdb.DuckDBPyConnection":
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            cursor = self._connection.cursor()
            self._open[number] = cursor
            return cursor

    def _connect(self) -> "duckdb.DuckDBPyConnection":
        import duckdb

        config: dict[str, Any] = {"threads": self._limits.threads, "temp_directory": self._limits.temp_directory}
        if self._limits.memory_bytes is not None:
            config["memory_limit"] = f"{self._limits.memory_bytes}B"
        connection = duckdb.connect(config=config)
        for name, value in SETTINGS.items():
            connection.execute(f"SET {name} = {quote_literal(value) if isinstance(value, str) else value}")
        return connection

    def _close(self, session: Session) -> None:
        import duckdb

        try:
            gone = "; ".join(f"DETACH {quote_identifier(name)}" for name in (session.name, *session.attached))
            session.connection.execute(f"USE memory; {gone}")
        except duckdb.Error:
            # A statement that failed may leave a transaction open; the cursor goes, and its database with it.
            pass
        finally:
            session.connection.close()


def as_headwater_error(
    problem: Exception, what: str, where: Where | None = None, *, store: Store | None = None
) -> HeadwaterError:
    """Say what an engine error means for the caller: mend it, try again, or give up; ``store``: whose files it used."""
    import duckdb

    if isinstance(problem, HeadwaterError):
        return problem
    found = store.explain(problem) if store is not None and isinstance(problem, duckdb.Error) else None
    if found is not None:
        # HW0651 is about a value of the query; all else is about the store's files.
        kind = Invalid if found.code == "HW0651" else Broken
        return kind(replace(found, message=f"{what}: {found.message}", where=where))
    message = str(problem).partition("\n\nLINE")[0].strip()
    if isinstance(problem, duckdb.InterruptException):
        return Retryable.of("HW0503", f"{what} was interrupted", where, hint="run it again")
    if isinstance(problem, duckdb.OutOfMemoryException):
        hint = "raise `memory:` of the model, or let it fill fewer slots at once with `batch:`"
        return Broken.of("HW0504", f"{what} ran out of memory: {message}", where, hint=hint)
    if isinstance(problem, duckdb.IOException):
        return _io_error(message, what, where)
    return Invalid.of("HW0507", f"{what} failed: {message}", where, hint="mend the SQL, or the rows that it reads")


def _io_error(message: str, what: str, where: Where | None) -> HeadwaterError:
    if "No space left" in message or "disk" in message.casefold():
        hint = "free space and run again"
        return Broken.of("HW0505", f"{what} found no space to write: {message}", where, hint=hint)
    hint = "look whether the disk is full, and who may read and write there; then run again"
    return Retryable.of("HW0506", f"{what} could not read or write: {message}", where, hint=hint)
