"""Rows to a table of a SQLite file: rows and ledger change in one transaction of the file itself.

Whole numbers up to 64 bits and booleans become INTEGER, floats REAL, binary values BLOB; what SQLite cannot hold
exactly (decimals, larger numbers, times, nested values, NaN) is text as DuckDB reads it.
"""

import sqlite3 as engine
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from headwater.connect.components import Can, Component
from headwater.connect.sinks import Load, Loaded, Sink, SinkSlot
from headwater.connectors.sinks.failures import loading
from headwater.connectors.sinks.held import Held, held_of, note_of
from headwater.connectors.sinks.slots import (
    SITE,
    SLOT,
    Key,
    check_columns,
    check_keys,
    difference,
    in_order,
    key_of,
    stamped,
)
from headwater.connectors.sinks.tables import Columns
from headwater.diagnostics import Broken, HeadwaterError, Invalid, Retryable, Where
from headwater.spec.fields import Doc
from headwater.sql.stored_types import TEXT, to_stored
from headwater.sql.text import quote_identifier

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a user writes."""

    path: Annotated[str, Doc("the SQLite file, relative to the project; made if it is not there", "out/shop.db")]
    table: Annotated[str, Doc("the table in it, which belongs to this sink", "daily_sales")]


EXAMPLE: Final = """\
sinks:
  shop:
    from: daily_sales
    connector: sqlite
    path: out/shop.db
    table: daily_sales
    mode: merge
    key: [day, item]
    in: [prod]
"""
_BUSY_S: Final = 10.0
"""How long to wait for other programs that read or write the file."""
_ROWS: Final = 4096
_INTEGERS: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
_SINKS: Final = "sink TEXT PRIMARY KEY, format INTEGER NOT NULL, mode TEXT NOT NULL, key TEXT NOT NULL"
_SLOTS: Final = "sink TEXT NOT NULL, site TEXT NOT NULL, slot TEXT NOT NULL, fill TEXT NOT NULL"
_LEDGER: Final = (
    f"CREATE TABLE IF NOT EXISTS _headwater_sinks ({_SINKS})",
    f"CREATE TABLE IF NOT EXISTS _headwater_ledger ({_SLOTS}, PRIMARY KEY (sink, site, slot)) WITHOUT ROWID",
)
_STAMPS: Final = ((SITE, "TEXT"), (SLOT, "TEXT"))


@dataclass(frozen=True, slots=True)
class SQLiteSink:
    """One table of a SQLite file; ledgers of all sinks on the file lie in it as ``_headwater_ledger``."""

    path: Path
    table: str
    where: Where | None

    def ledger(self) -> Mapping[Key, str]:
        """Give (site, slot) → fill that the table holds."""
        with loading(str(self.path), self.where):
            if not self.path.exists():
                return {}
            with self._opened() as database:
                return self._held(database).slots

    def load(self, connection: "duckdb.DuckDBPyConnection", load: Load) -> Loaded:
        """Make the table hold the load's slots, in one transaction with its ledger."""
        check_columns(load, (), self.where)
        with loading(str(self.path), self.where):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._opened() as database, self._transaction(database):
                held = self._held(database)
                if held.is_like(load) and difference(held.slots, load).is_empty:
                    return Loaded(0, 0)
                return self._change(connection, database, held, load)

    def _change(
        self, connection: "duckdb.DuckDBPyConnection", database: engine.Connection, held: Held, load: Load
    ) -> Loaded:
        for statement in _LEDGER:
            database.execute(statement)
        kept = held if held.is_like(load) else Held()
        if load.mode == "replace":
            taken, gone = tuple(in_order(load.slots)), frozenset(held.slots)
            self._begin_anew(database, held, load, ())
            rows = sum(self._insert(connection, database, self.table, load, slot) for slot in taken)
        else:
            taken, gone = difference(kept.slots, load).taken, frozenset(held.slots) - frozenset(kept.slots)
            if kept.exists:
                self._grow(database, kept, load)
            else:
                self._begin_anew(database, held, load, _STAMPS)
            rows = self._take_in(connection, database, load, taken)
        self._note(database, load, taken, gone)
        return Loaded(len(taken), rows)

    def _begin_anew(self, database: engine.Connection, held: Held, load: Load, stamps: Columns) -> None:
        columns = _columns(load)
        if held.exists and held.mode == load.mode == "replace" and held.columns == columns:
            database.execute(f"DELETE FROM {self._name}")  # indexes that others have made stay
            return
        database.execute(f"DROP TABLE IF EXISTS {self._name}")
        body = ", ".join(f"{quote_identifier(name)} {type_}" for name, type_ in (*columns, *stamps))
        database.execute(f"CREATE TABLE {self._name} ({body})")
        if load.mode == "merge":
            index = quote_identifier(f"_headwater_{self.table}_key")
            keys = ", ".join(map(quote_identifier, load.key))
            database.execute(f"CREATE UNIQUE INDEX {index} ON {self._name} ({keys})")
        elif stamps:
            index = quote_identifier(f"_headwater_{self.table}_slot")
            database.execute(f"CREATE INDEX {index} ON {self._name} ({SLOT}, {SITE})")

    def _grow(self, database: engine.Connection, held: Held, load: Load) -> None:
        known = {name.casefold(): type_ for name, type_ in held.columns}
        for name, type_ in _columns(load):
            before = known.get(name.casefold())
            if before is None:
                database.execute(f"ALTER TABLE {self._name} ADD COLUMN {quote_identifier(name)} {type_}")
            elif before != type_:
                message = f"column `{name}` would be {type_} now, and `{self.table}` holds it as {before}"
                hint = "use another table (or delete this one) to begin again, or cast the column in the model"
                raise Invalid.of("HW0706", message, self.where, hint=hint)

    def _take_in(
        self,
        connection: "duckdb.DuckDBPyConnection",
        database: engine.Connection,
        load: Load,
        taken: Sequence[SinkSlot],
    ) -> int:
        if load.mode == "append":
            for slot in taken:
                database.execute(f"DELETE FROM {self._name} WHERE {SITE} = ? AND {SLOT} = ?", key_of(slot))
            return sum(self._insert(connection, database, self.table, load, slot, _STAMPS) for slot in taken)
        if taken:
            union = "\nUNION ALL\n".join(stamped(slot, load.columns) for slot in taken)
            check_keys(connection, union, load.key, self.where)
        return self._merge(connection, database, load, taken)

    def _merge(
        self,
        connection: "duckdb.DuckDBPyConnection",
        database: engine.Connection,
        load: Load,
        taken: Sequence[SinkSlot],
    ) -> int:
        """Upsert slot by slot, in order: per key the row of the latest slot stays."""
        incoming, names = "_hw_incoming", [name for name, _ in (*load.columns, *_STAMPS)]
        listed, keys = _listed(names), {name.casefold() for name in load.key}
        database.execute(f"CREATE TEMP TABLE {incoming} AS SELECT {listed} FROM {self._name} LIMIT 0")
        others = [quote_identifier(name) for name in names if name.casefold() not in keys]
        set_ = ", ".join(f"{name} = excluded.{name}" for name in others)
        is_later = f"(excluded.{SLOT}, excluded.{SITE}) >= ({self._name}.{SLOT}, {self._name}.{SITE})"
        rows = 0
        for slot in taken:
            rows += self._insert(connection, database, incoming, load, slot, _STAMPS)
            database.execute(
                f"INSERT INTO main.{self._name} ({listed}) SELECT {listed} FROM temp.{incoming} WHERE true"
                f" ON CONFLICT ({_listed(load.key)}) DO UPDATE SET {set_} WHERE {is_later}"
            )
            database.execute(f"DELETE FROM temp.{incoming}")
        database.execute(f"DROP TABLE temp.{incoming}")
        return rows

    def _insert(
        self,
        connection: "duckdb.DuckDBPyConnection",
        database: engine.Connection,
        into: str,
        load: Load,
        slot: SinkSlot,
        stamps: Columns = (),
    ) -> int:
        names = [name for name, _ in (*load.columns, *stamps)]
        outputs = ", ".join(_output(name, type_) for name, type_ in load.columns)
        values = ", ".join("?" * len(names))
        statement = f"INSERT INTO {quote_identifier(into)} ({_listed(names)}) VALUES ({values})"
        found = connection.execute(f"SELECT {outputs} FROM (\n{slot.sql}\n) AS _hw_rows")
        stamp, rows = key_of(slot) if stamps else (), 0
        while piece := found.fetchmany(_ROWS):
            database.executemany(statement, ((*map(_storable, row), *stamp) for row in piece))
            rows += len(piece)
        return rows

    def _note(self, database: engine.Connection, load: Load, taken: Sequence[SinkSlot], gone: frozenset[Key]) -> None:
        """Write the ledger: how the table is kept, and which fill it holds of each slot."""
        note = "INSERT OR REPLACE INTO _headwater_sinks VALUES (?, ?, ?, ?)"
        database.execute(note, (self._sink, *note_of(load)))
        delete = "DELETE FROM _headwater_ledger WHERE sink = ? AND site = ? AND slot = ?"
        database.executemany(delete, [(self._sink, *key) for key in sorted(gone)])
        put = "INSERT OR REPLACE INTO _headwater_ledger VALUES (?, ?, ?, ?)"
        database.executemany(put, [(self._sink, slot.site, slot.slot, slot.fill) for slot in taken])

    def _held(self, database: engine.Connection) -> Held:
        """Read what the file holds; columns have SQLite's types."""
        own = database.execute("SELECT 1 FROM sqlite_master WHERE name = '_headwater_sinks'").fetchone()
        info = database.execute("SELECT name, type FROM pragma_table_info(?)", (self.table,)).fetchall()
        columns = tuple((name, type_) for name, type_ in info if name not in (SITE, SLOT))
        query = "SELECT format, mode, key FROM _headwater_sinks WHERE sink = ?"
        row = database.execute(query, (self._sink,)).fetchone() if own else None

        def slots() -> dict[Key, str]:
            found = database.execute("SELECT site, slot, fill FROM _headwater_ledger WHERE sink = ?", (self._sink,))
            return {(site, slot): fill for site, slot, fill in found}

        return held_of(self.table, columns, row, slots, self.where)

    @property
    def _sink(self) -> str:
        return self.table.casefold()

    @property
    def _name(self) -> str:
        return quote_identifier(self.table)

    @contextmanager
    def _opened(self) -> Iterator[engine.Connection]:
        is_new = not self.path.exists() or not self.path.stat().st_size
        try:
            with closing(engine.connect(self.path, timeout=_BUSY_S, isolation_level=None)) as database:
                if is_new:
                    # Readers see the state before, and are in nobody's way.
                    database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                yield database
        except engine.Error as problem:
            raise self._meaning(problem) from problem

    @contextmanager
    def _transaction(self, database: engine.Connection) -> Iterator[None]:
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def _meaning(self, problem: engine.Error) -> HeadwaterError:
        text = str(problem)
        if "locked" in text or "busy" in text:
            hint = "close the program that has it open for writing, or wait until its transaction has ended"
            return Retryable.of("HW0708", f"{self.path} is in use by another program", self.where, hint=hint)
        if "not a database" in text:
            hint = "choose another path, or move that file away"
            return Invalid.of("HW0705", f"{self.path} is not a SQLite database", self.where, hint=hint)
        return Broken.of("HW0704", f"cannot write {self.path}: {text}", self.where)


def _columns(load: Load) -> Columns:
    return tuple((name, _type(type_)) for name, type_ in load.columns)


def _type(type_: str) -> str:
    if type_ in _INTEGERS or type_ == "BOOLEAN":
        return "INTEGER"
    return {"FLOAT": "REAL", "DOUBLE": "REAL", "BLOB": "BLOB"}.get(type_, "TEXT")


def _output(name: str, type_: str) -> str:
    value = quote_identifier(name)
    match _type(type_):
        case "INTEGER":
            return f"CAST({value} AS BIGINT)"
        case "REAL":
            return f"CAST({value} AS DOUBLE)"
        case "BLOB":
            return value
        case _:
            return f"CAST({to_stored(value, type_, name, TEXT)} AS VARCHAR)"


def _storable(value: object) -> object:
    """SQLite has no NaN and would keep NULL: it becomes text, as DuckDB reads it."""
    return "nan" if isinstance(value, float) and value != value else value  # noqa: PLR0124 - only NaN is not itself


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quote_identifier, names))


def _make(settings: Mapping[str, object], root: str, where: Where | None = None) -> SQLiteSink:
    return SQLiteSink(Path(root, str(settings["path"])).absolute(), str(settings["table"]), where)


sqlite: Final[Component[Sink]] = Component(
    name="sqlite",
    summary="Rows to a table of a SQLite file",
    fields=Fields,
    example=EXAMPLE,
    can=frozenset({Can.REPLACE, Can.APPEND, Can.MERGE}),
    make=_make,
)
