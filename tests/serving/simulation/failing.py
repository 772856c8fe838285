"""A state that fails when it is told to: a process dies, the disk is full, or others come first, at any statement."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from headwater.diagnostics import HeadwaterError
from headwater.state.backends import Session
from headwater.state.backends.sqlite import SqliteBackend, SqliteSession
from headwater.state.connections import Connection, Rows

Point = Literal["begin", "reading", "writing", "commit", "committed"]
Fault = Literal["crash", "refuse", "meanwhile"]
_POINTS: Final[dict[Fault, frozenset[Point]]] = {
    "crash": frozenset({"begin", "reading", "writing", "commit", "committed"}),
    "refuse": frozenset({"writing", "commit"}),
    "meanwhile": frozenset({"begin"}),
}


class Killed(BaseException):
    """The end of a process, as its own code sees it: nothing catches it, and nothing runs after it."""


class Fate:
    """What is in store for a process: nothing, or a fault at its n-th dealing with the state."""

    def __init__(self, committed: Callable[[], None] = lambda: None) -> None:
        self.committed = committed
        """Told after each transaction that wrote, when it is over."""
        self._fault: Fault | None = None
        self._left = 0
        self._meanwhile: Callable[[], None] = lambda: None
        self.is_over = False
        """Whether its process is dead: whatever of it still runs comes no further."""

    def end(self) -> None:
        """Let the process die."""
        self.is_over = True

    def decide(self, fault: Fault | None, after: int = 0, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Choose the fault, and how many dealings go well before; ``meanwhile`` is what others do then."""
        self._fault, self._left, self._meanwhile = fault, after, meanwhile

    def reaches(self, point: Point) -> None:
        """Go past a point, or not."""
        if self.is_over:
            raise Killed
        if self._fault is None or point not in _POINTS[self._fault]:
            return
        self._left -= 1
        if self._left >= 0:
            return
        fault, self._fault = self._fault, None
        if fault == "crash":
            self.is_over = True
            raise Killed
        if fault == "refuse":
            raise _full()
        self._meanwhile()


def _full() -> sqlite3.Error:
    failure = sqlite3.OperationalError("database or disk is full")
    failure.sqlite_errorcode = sqlite3.SQLITE_FULL
    return failure


class _FailingConnection:
    def __init__(self, inner: sqlite3.Connection, fate: Fate) -> None:
        self._inner, self._fate = inner, fate
        self.point: Point = "reading"

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        self._fate.reaches(self.point)
        return self._inner.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Rows:
        self._fate.reaches(self.point)
        return self._inner.executemany(sql, parameters)


class _FailingSession:
    mark = ""

    def __init__(self, inner: SqliteSession, fate: Fate) -> None:
        self._inner, self._fate, self._writes = inner, fate, False
        self.connection = _FailingConnection(inner.connection, fate)

    @property
    def in_transaction(self) -> bool:
        return self._inner.in_transaction

    def set_up(self) -> None:
        self._inner.set_up()

    def begin(self, *, writes: bool, durable: bool, numbered: bool) -> int:
        self._fate.reaches("begin")
        self._writes = writes
        self.connection.point = "writing" if writes else "reading"
        return self._inner.begin(writes=writes, durable=durable, numbered=numbered)

    def commit(self) -> None:
        self._fate.reaches("commit")
        self._inner.commit()
        if self._writes:
            self._fate.committed()
        self._fate.reaches("committed")

    def rollback(self) -> None:
        self._inner.rollback()

    def close(self) -> None:
        self._inner.close()

    def stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        return self._inner.stream(query)


class FailingBackend:
    """A file of SQLite that fails as its fate has it."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    is_remote = False
    founding: tuple[str, ...] = ()

    def __init__(self, path: Path, fate: Fate) -> None:
        self._inner, self._fate = SqliteBackend(path, 1.0), fate

    def connect(self) -> Session:
        return _FailingSession(self._inner.connect(), self._fate)

    def explained(self, failure: Exception) -> HeadwaterError | None:
        return self._inner.explained(failure)

    def was_committed(self, session: Session, mark: str) -> bool | None:
        return self._inner.was_committed(session, mark)

    def columns(self, connection: Connection) -> Mapping[str, tuple[str, ...]]:
        return self._inner.columns(connection)

    def numbers(self, connection: Connection) -> Mapping[str, int]:
        return self._inner.numbers(connection)

    def set_number(self, connection: Connection, table: str, number: int) -> None:
        self._inner.set_number(connection, table, number)

    def damage(self, connection: Connection, shown: int) -> Iterator[str]:
        return self._inner.damage(connection, shown)
