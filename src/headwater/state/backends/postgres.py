"""A state in a schema of a Postgres database: writers one after the other, readers on snapshots, as in SQLite."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from headwater.diagnostics import Broken, HeadwaterError, Invalid, error
from headwater.state.backends import Session
from headwater.state.backends.dialect import for_postgres
from headwater.state.backends.postgres_failures import no_driver, said_by_server
from headwater.state.connections import Connection, Rows
from headwater.state.places import PostgresPlace

if TYPE_CHECKING:
    import psycopg

_CONNECT_TIMEOUT_S: Final = 10
_OLDEST: Final = 130000
"""Version 13: the first that tells of a transaction whether it was committed."""
_IDLE_LIMIT_S: Final = 120
"""After which the server ends a writer that has gone silent, so that others can write."""
_SETTINGS: Final = {
    "work_mem": "64MB",
    # A machine that is switched off says nothing: its locks are freed once it does not answer.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "client_min_messages": "warning",
}
_PIECE: Final = 10_000
"""Rows of one statement that are sent at once."""
_NUMBER: Final = "SELECT max(number) FROM migrations"


class PostgresBackend:
    """A schema. Writers take an advisory lock of its own, so that they never meet; readers see the last commit."""

    is_remote = True

    def __init__(self, place: PostgresPlace, lock_timeout_s: float) -> None:
        """``lock_timeout_s``: how long a writer waits for another. Raises Broken without the package that is needed."""
        try:
            import psycopg
        except ImportError:
            raise no_driver() from None
        self._place = place
        self._lock_timeout_ms = max(1, int(lock_timeout_s * 1000))
        self.errors: tuple[type[Exception], ...] = (psycopg.Error,)
        self.founding = (f'CREATE SCHEMA IF NOT EXISTS "{place.schema}"',)
        self._parameters = self._read(place)
        key = hashlib.blake2b(f"headwater {place.schema}".encode(), digest_size=8).digest()
        self._lock = int.from_bytes(key, "big", signed=True)

    def _read(self, place: PostgresPlace) -> dict[str, Any]:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            given: dict[str, Any] = conninfo_to_dict(place.url)
        except psycopg.Error:
            # What it says shows parts of the URL: maybe the password.
            hint = "write `postgres://user:${env:PASSWORD}@host:5432/database`"
            raise Invalid(error("HW1027", "the URL of the state cannot be read", hint=hint)) from None
        settings = {**_SETTINGS, "search_path": f'"{place.schema}"'}
        ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
        own = {"connect_timeout": _CONNECT_TIMEOUT_S, "application_name": "headwater"}
        alive = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
        return {**own, **alive, **given, "options": f"{given.get('options', '')} {ours}".strip()}

    def connect(self) -> "PostgresSession":
        """Open a further connection; raises psycopg.Error, and Broken if the server is too old."""
        import psycopg

        from headwater.state.backends.postgres_values import adapt

        connection = psycopg.connect(**self._parameters, autocommit=True)
        if connection.info.server_version < _OLDEST:
            found = connection.info.server_version // 10000
            connection.close()
            message = f"the state `{self._place}` is on Postgres {found}: too old"
            raise Broken(error("HW1028", message, hint="Postgres 13 or newer is needed"))
        adapt(connection.adapters)
        return PostgresSession(connection, self._lock, self._lock_timeout_ms)

    def explained(self, failure: Exception) -> HeadwaterError | None:
        """Say what Postgres said, in one line, without the password."""
        import psycopg

        if not isinstance(failure, psycopg.Error):
            return None
        state = failure.sqlstate
        is_lost = state is None and isinstance(failure, (psycopg.OperationalError, psycopg.InterfaceError))
        lines = str(failure).strip().splitlines() or ["no reason given"]
        because = lines[-1].strip() if is_lost else lines[0].strip()
        password = str(self._parameters.get("password") or "")
        shown = because.replace(password, "…") if password else because
        return said_by_server(self._place, state, shown, is_lost=is_lost)

    def was_committed(self, session: Session, mark: str) -> bool | None:
        """Ask the server how a transaction ended whose connection was lost; waits for it while it is ending."""
        (status,) = session.connection.execute("SELECT pg_xact_status(?::xid8)", (mark,)).fetchone()
        while status == "in progress":
            session.connection.execute("SELECT pg_sleep(0.05)")
            (status,) = session.connection.execute("SELECT pg_xact_status(?::xid8)", (mark,)).fetchone()
        return None if status is None else status == "committed"

    def columns(self, connection: Connection) -> Mapping[str, tuple[str, ...]]:
        """Give table → columns."""
        rows = connection.execute(
            "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = ?"
            " ORDER BY table_name, ordinal_position",
            (self._place.schema,),
        )
        found: dict[str, list[str]] = {}
        for table, column in rows:
            found.setdefault(table, []).append(column)
        return {table: tuple(columns) for table, columns in found.items()}

    def numbers(self, connection: Connection) -> Mapping[str, int]:
        """Give table → last number, of tables whose rows the database numbers."""
        rows = connection.execute(
            "SELECT c.table_name::text, s.last_value FROM information_schema.columns AS c"
            " JOIN pg_sequences AS s ON s.schemaname = c.table_schema"
            " AND c.table_name || '_' || c.column_name || '_seq' = s.sequencename"
            " WHERE c.table_schema = ? AND c.is_identity = 'YES' AND s.last_value IS NOT NULL",
            (self._place.schema,),
        )
        return dict(rows.fetchall())

    def set_number(self, connection: Connection, table: str, number: int) -> None:
        """Set what the next number follows."""
        (sequence,) = connection.execute(
            "SELECT pg_get_serial_sequence(?, column_name::text) FROM information_schema.columns"
            " WHERE table_schema = ? AND table_name = ? AND is_identity = 'YES'",
            (table, self._place.schema, table),
        ).fetchone() or (None,)
        if sequence is not None and number > 0:
            connection.execute("SELECT setval(?::regclass, ?)", (sequence, number))

    def damage(self, connection: Connection, shown: int) -> Iterator[str]:
        """Read every row: pages that are damaged raise. References are kept by the server."""
        del shown
        for table in self.columns(connection):
            connection.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t IS NULL')
        yield from ()


class PostgresSession:
    """A connection to a server; statements are translated on their way."""

    def __init__(self, connection: "psycopg.Connection[Any]", lock: int, lock_timeout_ms: int) -> None:
        self._connection = connection
        self._lock = lock
        self._lock_timeout_ms = lock_timeout_ms
        self.connection = _Translated(connection)
        self.mark = ""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, or nobody knows."""
        return bool(self._connection.info.transaction_status)

    def set_up(self) -> None:
        """All of it is part of the first transaction."""

    def begin(self, *, writes: bool, durable: bool, numbered: bool) -> int:
        """Begin in one round trip; a writer waits for the lock that all writers of this state take."""
        self.mark = ""
        number = _NUMBER if numbered else "SELECT 0"
        if not writes:
            found = self._all(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {number}")
            return int(found[-1][0])
        settings = f"SET LOCAL lock_timeout = {self._lock_timeout_ms};"
        settings += f" SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_LIMIT_S}s';"
        settings += "" if durable else " SET LOCAL synchronous_commit = off;"
        lock = f"SELECT pg_advisory_xact_lock({self._lock}); SELECT pg_current_xact_id()::text"
        found = self._all(f"BEGIN; {settings} {lock}; {number}")
        self.mark = str(found[-2][0])
        return int(found[-1][0])

    def _all(self, statements: str) -> list[tuple[Any, ...]]:
        """Send several statements at once; give the first row of each that gives rows."""
        cursor = self._connection.execute(statements.encode(), prepare=False)
        found = []
        more: bool | None = True
        while more:
            if cursor.description is not None:
                found.append(cursor.fetchone() or ())
            more = cursor.nextset()
        return found

    def commit(self) -> None:
        """Commit; raises if a statement has failed, since Postgres would undo all and say nothing."""
        if self._connection.info.transaction_status.name == "INERROR":
            import psycopg

            raise psycopg.errors.InFailedSqlTransaction("a statement has failed, and the transaction went on")
        self._connection.execute("COMMIT", prepare=False)

    def rollback(self) -> None:
        """Roll back, if there is still a connection."""
        if self._connection.info.transaction_status.name in {"INTRANS", "INERROR"}:
            self._connection.execute("ROLLBACK", prepare=False)

    def close(self) -> None:
        """Close the connection."""
        import psycopg

        with suppress(psycopg.Error):
            self._connection.close()

    def stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Read by a cursor of the server's."""
        with self._connection.cursor(name="headwater") as cursor:
            cursor.itersize = _PIECE
            cursor.execute(for_postgres(query).encode(), ())
            yield from cursor


class _Translated:
    """A connection that speaks SQLite's words."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        return self._connection.execute(for_postgres(sql).encode(), tuple(parameters))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Rows:
        from itertools import islice

        cursor, rows = self._connection.cursor(), iter(parameters)
        statement = for_postgres(sql).encode()
        # Taken out first: the rows may come from a generator that uses this connection.
        while piece := list(islice(rows, _PIECE)):
            cursor.executemany(statement, piece)
        return cursor
