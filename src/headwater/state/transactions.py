"""One transaction from begin to commit, which is done again from the start if its connection is lost in the middle."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from headwater.diagnostics import HeadwaterError
from headwater.state.backends import Backend, Session
from headwater.state.connections import Connection, Rows
from headwater.state.failures import PASSING, lost_in_the_middle, lost_over_commit
from headwater.state.places import StatePlace

_T = TypeVar("_T")
_MOST_KEPT: Final = 100_000
"""Rows, given and taken, that a transaction remembers; a larger one is not done again."""


class _Taken:
    """Rows that have been taken from the database already."""

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = iter(rows)
        self.rowcount = rowcount

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchmany(self, size: int) -> list[Any]:
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


@dataclass(frozen=True, slots=True)
class _Step:
    """One statement, and what it gave when it was done first."""

    sql: str
    rows: Sequence[Sequence[Any]] | None
    """Of ``executemany``; None: executed once."""
    parameters: Sequence[Any]
    seen: int
    """Hash of what it gave."""

    def on(self, connection: Connection) -> tuple[list[Any], int]:
        return _perform(connection, self.sql, self.rows, self.parameters)


class Transaction:
    """A transaction of a database that may go away and come back; state functions are given it as their connection.

    It remembers its statements and what they gave. When the database fails in the middle and is back, they are done
    again; if they give the same, nobody can tell the difference. If they do not, it is for the caller to try again.
    """

    def __init__(
        self,
        place: StatePlace,
        backend: Backend,
        begin: Callable[[], Session],
        wait: Callable[[HeadwaterError], None] | None,
    ) -> None:
        """``begin`` gives a session with a transaction; ``wait`` returns when it may be tried again, or raises."""
        self._place, self._backend, self._begin, self._wait = place, backend, begin, wait
        self._steps: list[_Step] = []
        self._room = _MOST_KEPT
        self._session: Session | None = None

    @property
    def session(self) -> Session | None:
        """The connection that is used now; None while there is none."""
        return self._session

    def face(self, *, writes: bool) -> Connection:
        """Give what state functions are handed: this, or the connection itself where nothing need be remembered."""
        remembers = self._wait is not None and (writes or self._backend.is_remote)
        return self if remembers else self._begun().connection

    def begin(self) -> None:
        """Begin; raises what the database says, or what ``wait`` raises."""
        self._patiently(self._begun)

    def _begun(self) -> Session:
        """Give the session; a new one does again what the one before has done."""
        if self._session is None:
            self._session = self._begin()
            for step in self._steps:
                if _hash(step.on(self._session.connection)[0]) != step.seen:
                    raise lost_in_the_middle(self._place)
        return self._session

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Execute a statement, again and again until the database takes it."""
        return self._do(sql, None, tuple(parameters))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Rows:
        """Execute a statement for each row."""
        return self._do(sql, [tuple(row) for row in parameters], ())

    def _do(self, sql: str, many: list[tuple[Any, ...]] | None, parameters: tuple[Any, ...]) -> Rows:
        rows, count = self._patiently(lambda: _perform(self._begun().connection, sql, many, parameters))
        self._room -= len(rows) + len(many or ()) + 1
        if self._room > 0:
            self._steps.append(_Step(sql, many, parameters, _hash(rows)))
        else:
            self._steps.clear()
        return _Taken(rows, count)

    def commit(self) -> None:
        """Commit; where the connection is lost over it, the database is asked whether it was made."""
        session = self._begun()
        try:
            session.commit()
        except self._backend.errors as failure:
            self._recover(failure)
            if not self._patiently(lambda: self._was_committed(session.mark)):
                self.begin()
                self.commit()

    def _was_committed(self, mark: str) -> bool:
        asked = self._backend.connect()
        try:
            found = self._backend.was_committed(asked, mark)
        finally:
            asked.close()
        if found is None:
            raise lost_over_commit(self._place)
        return found

    def _patiently(self, step: Callable[[], _T]) -> _T:
        while True:
            try:
                return step()
            except self._backend.errors as failure:
                self._recover(failure)

    def _recover(self, failure: Exception) -> None:
        """Wait until it may be tried again, with another connection; raises the failure if there is no sense in it."""
        explained = self._backend.explained(failure)
        is_passing = explained is not None and explained.diagnostics[0].code in PASSING
        if self._wait is None or explained is None or not is_passing or self._room <= 0:
            raise failure
        self.abandon()
        self._wait(explained)

    def abandon(self) -> None:
        """Let go of the connection."""
        if self._session is not None:
            self._session.close()
            self._session = None


def _perform(
    connection: Connection, sql: str, many: Sequence[Sequence[Any]] | None, parameters: Sequence[Any]
) -> tuple[list[Any], int]:
    if many is not None:
        return [], connection.executemany(sql, many).rowcount
    found = connection.execute(sql, parameters)
    return _rows(found), found.rowcount


def _rows(found: Rows) -> list[Any]:
    return found.fetchall() if getattr(found, "description", None) is not None else []


def _hash(rows: list[Any]) -> int:
    return hash(tuple(rows))
