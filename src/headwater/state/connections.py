"""What state functions use of a connection: no more than SQLite and Postgres have in common."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol


class Rows(Protocol):
    """What a statement gave: rows as tuples, each to be taken once."""

    @property
    def rowcount(self) -> int:
        """How many rows a statement has changed."""

    def fetchone(self) -> Any:
        """Give the next row; None if there is none."""

    def fetchmany(self, size: int) -> list[Any]:
        """Give the next rows, at most as many."""

    def fetchall(self) -> list[Any]:
        """Give all rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """Give the rows that are left, one after the other."""


class Connection(Protocol):
    """A transaction's own connection. Statements are written for SQLite; ``state.dialect`` says them to Postgres."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Execute a statement; ``?`` stands for a parameter."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Rows:
        """Execute a statement that gives no rows once for each row of parameters."""
