"""The kinds of database that hold a state: what each does its own way, behind one small protocol."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from headwater.diagnostics import HeadwaterError
from headwater.state.connections import Connection


class Session(Protocol):
    """One connection to a database, and its transaction."""

    @property
    def connection(self) -> Connection:
        """What statements are given to."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    @property
    def mark(self) -> str:
        """What the database knows the open transaction by, if it was one that writes; else empty."""

    def set_up(self) -> None:
        """Do what goes before the first transaction of a new database, and cannot be part of it."""

    def begin(self, *, writes: bool, durable: bool, numbered: bool) -> int:
        """Begin a transaction; one that writes waits until no other does. Give the schema's number if asked; else 0."""

    def commit(self) -> None:
        """Make what was done known to all."""

    def rollback(self) -> None:
        """Undo what was done; harmless without a transaction."""

    def close(self) -> None:
        """Close the connection, and undo what was not committed."""

    def stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Read rows one after the other, without having all of them in memory."""


class Backend(Protocol):
    """A database of some kind, at a place."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What its driver raises."""

    @property
    def is_remote(self) -> bool:
        """Whether a connection can be lost at any moment, while the database lives on."""

    @property
    def founding(self) -> tuple[str, ...]:
        """Statements that go before the first migration."""

    def connect(self) -> Session:
        """Open a connection; raises one of ``errors``."""

    def explained(self, failure: Exception) -> HeadwaterError | None:
        """Turn an error of the driver into the exception that says how to go on; None: it is a defect of the caller."""

    def was_committed(self, session: Session, mark: str) -> bool | None:
        """Tell whether a transaction was committed whose connection was lost over it; None: nobody knows."""

    def columns(self, connection: Connection) -> Mapping[str, tuple[str, ...]]:
        """Give table → columns of all that is there."""

    def numbers(self, connection: Connection) -> Mapping[str, int]:
        """Give table → the last number given, of tables that number their rows and never use a number again."""

    def set_number(self, connection: Connection, table: str, number: int) -> None:
        """Go on numbering the rows of a table after a number."""

    def damage(self, connection: Connection, shown: int) -> Iterator[str]:
        """Find what the database itself sees to be wrong, in sentences; at most about as many."""
