"""A sink's table and its ledger in a database: what it holds, and the statements that change both as one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.connect.sinks import Load, Loaded, SinkSlot
from headwater.connectors.sinks.held import Held, held_of, note_of
from headwater.connectors.sinks.slots import (
    SITE,
    SLOT,
    STAMPS,
    Key,
    check_keys,
    difference,
    in_order,
    key_of,
    names,
    stamped,
)
from headwater.connectors.sinks.tables import Columns, changed_types, check_type, grown, outputs
from headwater.diagnostics import Where
from headwater.sql.parquet import empty_relation
from headwater.sql.text import literal, quote_identifier, quote_literal

if TYPE_CHECKING:
    import duckdb

_INCOMING = "temp._hw_incoming"


@dataclass(frozen=True, slots=True)
class Table:
    """A table in an attached database."""

    database: str
    schema: str
    name: str

    @property
    def sql(self) -> str:
        """The table, quoted."""
        return f"{self.database}.{quote_identifier(self.schema)}.{quote_identifier(self.name)}"

    @property
    def identity(self) -> str:
        """What ledgers call it: names are the same in any case."""
        return json.dumps([self.schema.casefold(), self.name.casefold()], ensure_ascii=False)

    @property
    def ledger(self) -> str:
        """The ledger table: (sink, site, slot) → fill."""
        return f"{self.database}.main._headwater_ledger"

    @property
    def sinks(self) -> str:
        """The table of sinks: how each table is kept."""
        return f"{self.database}.main._headwater_sinks"


def read_held(connection: "duckdb.DuckDBPyConnection", table: Table, where: Where | None) -> Held:
    """Read what the database holds. Raises Invalid (HW0705): a table that is not ours; Broken (HW0707): too new."""
    tables = "duckdb_tables()"
    own = f"SELECT count(*) FROM {tables} WHERE database_name = ? AND schema_name = 'main' AND table_name = ?"
    has_ledger = _one(connection, own, [table.database, "_headwater_sinks"])
    columns = _columns(connection, table)
    row = None
    if has_ledger:
        select = f"SELECT format, mode, key FROM {table.sinks} WHERE sink = ?"
        row = connection.execute(_bound(select, [table.identity])).fetchone()

    def slots() -> dict[Key, str]:
        query = f"SELECT site, slot, fill FROM {table.ledger} WHERE sink = ?"
        return {
            (site, slot): fill for site, slot, fill in connection.execute(_bound(query, [table.identity])).fetchall()
        }

    return held_of(table.name, columns, row, slots, where)


def _one(connection: "duckdb.DuckDBPyConnection", query: str, values: Sequence[str]) -> int:
    row = connection.execute(_bound(query, values)).fetchone()
    return int(row[0]) if row else 0


def _bound(query: str, values: Sequence[str | int]) -> str:
    """Put literals for question marks: the engine looks at bound values with pandas, and importing that takes 0.4 s."""
    if not values:
        return query
    first, *rest = query.split("?")
    parts = (f"{literal(value)}{part}" for value, part in zip(values, rest, strict=True))
    return first + "".join(parts)


def _columns(connection: "duckdb.DuckDBPyConnection", table: Table) -> Columns:
    """List the columns of whatever has the table's name (also of a view), without stamps."""
    query = (
        "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = ?"
        " AND lower(schema_name) = lower(?) AND lower(table_name) = lower(?) ORDER BY column_index"
    )
    rows = connection.execute(_bound(query, [table.database, table.schema, table.name])).fetchall()
    return tuple((name, type_) for name, type_ in rows if name not in (SITE, SLOT))


def change(
    connection: "duckdb.DuckDBPyConnection", table: Table, held: Held, load: Load, where: Where | None
) -> Loaded:
    """Make table and ledger hold the load's slots, within the caller's transaction.

    A table that was kept in another way (mode, merge key) is begun anew from the current slots.
    """
    kept = held if held.is_like(load) else Held()
    _prepare(connection, table)
    if load.mode == "replace":
        rows = _replace(connection, table, load)
        taken, gone = tuple(load.slots), frozenset(held.slots)
    else:
        different = difference(kept.slots, load)
        taken, gone = different.taken, frozenset(held.slots) - frozenset(kept.slots)
        _shape(connection, table, kept, load, where)
        rows = _take_in(connection, table, load, taken, where)
    _note(connection, table, load, taken, gone)
    return Loaded(len(taken), rows)


def _prepare(connection: "duckdb.DuckDBPyConnection", table: Table) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.database}.{quote_identifier(table.schema)}")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {table.sinks}"
        " (sink VARCHAR NOT NULL, format INTEGER NOT NULL, mode VARCHAR NOT NULL, key VARCHAR NOT NULL)"
    )
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {table.ledger}"
        " (sink VARCHAR NOT NULL, site VARCHAR NOT NULL, slot VARCHAR NOT NULL, fill VARCHAR NOT NULL)"
    )


def _replace(connection: "duckdb.DuckDBPyConnection", table: Table, load: Load) -> int:
    connection.execute(f"CREATE OR REPLACE TABLE {table.sql} AS {empty_relation(load.columns)}")
    return sum(_insert(connection, table.sql, load.columns, slot.sql) for slot in in_order(load.slots))


def _insert(connection: "duckdb.DuckDBPyConnection", into: str, columns: Columns, select: str) -> int:
    listed = names(columns)
    statement = f"INSERT INTO {into} ({listed}) SELECT {listed} FROM (\n{select}\n) AS _hw_rows"
    return _one(connection, statement, ())


def _shape(connection: "duckdb.DuckDBPyConnection", table: Table, kept: Held, load: Load, where: Where | None) -> None:
    """Make the table, or let it grow by the columns that are new and the types that are wider."""
    if not kept.exists:
        empty = empty_relation((*load.columns, *STAMPS))
        connection.execute(f"CREATE OR REPLACE TABLE {table.sql} AS {empty}")
        return
    wanted = grown(load.columns, kept.columns)
    changed = changed_types(wanted, kept.columns)
    for old, column in changed:
        check_type(connection, f"SELECT * FROM {table.sql}", old, column, where)
    if changed or len(wanted) > len(kept.columns):
        select = f"SELECT {outputs(wanted, kept.columns)}, {SITE}, {SLOT} FROM {table.sql}"
        connection.execute(f"CREATE OR REPLACE TABLE {table.sql} AS {select}")


def _take_in(
    connection: "duckdb.DuckDBPyConnection", table: Table, load: Load, taken: Sequence[SinkSlot], where: Where | None
) -> int:
    columns = (*load.columns, *STAMPS)
    if load.mode == "append":
        for slot in taken:
            connection.execute(_bound(f"DELETE FROM {table.sql} WHERE {SITE} = ? AND {SLOT} = ?", key_of(slot)))
        return sum(_insert(connection, table.sql, columns, stamped(slot, load.columns)) for slot in taken)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _hw_incoming AS {empty_relation(columns)}")
    rows = sum(_insert(connection, _INCOMING, columns, stamped(slot, load.columns)) for slot in taken)
    check_keys(connection, f"SELECT * FROM {_INCOMING}", load.key, where)
    _merge(connection, table, load)
    connection.execute(f"DROP TABLE {_INCOMING}")
    return rows


def _merge(connection: "duckdb.DuckDBPyConnection", table: Table, load: Load) -> None:
    """Upsert: per key the row of the latest slot stays; a slot taken again replaces what came with it."""
    keys = [quote_identifier(name) for name in load.key]
    same = " AND ".join(f"old.{key} IS NOT DISTINCT FROM new.{key}" for key in keys)
    latest = (
        f"(SELECT * FROM {_INCOMING} QUALIFY row_number()"
        f" OVER (PARTITION BY {', '.join(keys)} ORDER BY {SLOT} DESC, {SITE} DESC) = 1)"
    )
    is_later = f"(new.{SLOT}, new.{SITE}) >= (old.{SLOT}, old.{SITE})"
    connection.execute(f"DELETE FROM {table.sql} AS old USING {latest} AS new WHERE {same} AND {is_later}")
    columns = (*load.columns, *STAMPS)
    unmatched = f"SELECT {names(columns, 'new')} FROM {latest} AS new ANTI JOIN {table.sql} AS old ON {same}"
    _insert(connection, table.sql, columns, unmatched)


def _note(
    connection: "duckdb.DuckDBPyConnection",
    table: Table,
    load: Load,
    taken: Sequence[SinkSlot],
    gone: frozenset[Key],
) -> None:
    """Write the ledger: how the table is kept, and which fill it holds of each slot."""
    sink = quote_literal(table.identity)
    connection.execute(f"DELETE FROM {table.sinks} WHERE sink = {sink}")
    connection.execute(_bound(f"INSERT INTO {table.sinks} VALUES ({sink}, ?, ?, ?)", note_of(load)))
    left = gone | {key_of(slot) for slot in taken}
    if left:
        keys = ", ".join(f"({quote_literal(site)}, {quote_literal(slot)})" for site, slot in sorted(left))
        connection.execute(f"DELETE FROM {table.ledger} WHERE sink = {sink} AND (site, slot) IN (VALUES {keys})")
    if taken:
        rows = ", ".join(
            f"({sink}, {quote_literal(s.site)}, {quote_literal(s.slot)}, {quote_literal(s.fill)})" for s in taken
        )
        connection.execute(f"INSERT INTO {table.ledger} VALUES {rows}")
