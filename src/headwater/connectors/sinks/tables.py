"""Rows of many slots in one table: what is kept of the old rows, what the new ones replace, and how columns grow."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.connect.sinks import Load, SinkSlot
from headwater.connectors.sinks.slots import SITE, SLOT, STAMPS, check_keys, names, stamped
from headwater.diagnostics import Invalid, Where
from headwater.sql.parquet import empty_relation, relation, stored_columns, write_statement
from headwater.sql.stored_types import typed_null
from headwater.sql.text import quote_identifier, quote_literal

if TYPE_CHECKING:
    import duckdb

Columns = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Stamped rows in a file of ours; no path: none."""

    columns: Columns
    path: str


def union(selects: Sequence[str], columns: Columns) -> str:
    """Write all selects as one; none: no row."""
    if not selects:
        return empty_relation(columns)
    return "\nUNION ALL\n".join(f"SELECT {names(columns)} FROM (\n{select}\n) AS _hw_part" for select in selects)


def grown(load: Columns, before: Columns) -> Columns:
    """Give the columns of a table that keeps rows: the node's, then those that only old rows have.

    >>> grown((("A", "INTEGER"), ("c", "DATE")), (("a", "INTEGER"), ("b", "TEXT")))
    (('A', 'INTEGER'), ('c', 'DATE'), ('b', 'TEXT'))
    """
    known = {name.casefold() for name, _ in load}
    return load + tuple((name, type_) for name, type_ in before if name.casefold() not in known)


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where tables are put together: a connection to read slots on, a directory to stage files in."""

    connection: "duckdb.DuckDBPyConnection"
    staging: Path
    where: Where | None

    def stage(self, slots: Sequence[SinkSlot], columns: Columns) -> tuple[str, int]:
        """Write the stamped rows of slots to staged files; give a SELECT over them and the number of rows."""
        stored = stored_columns((*columns, *STAMPS))
        paths, rows = [], 0
        for number, slot in enumerate(slots):
            path = str(self.staging / f"rows{number}")
            row = self.connection.execute(write_statement(stamped(slot, columns), stored, path)).fetchone()
            rows += int(row[0]) if row else 0
            paths.append(path)
        return relation(stored, paths), rows

    def select(self, columns: Columns, path: Path) -> str:
        """Write the SELECT of a combined table without its stamps."""
        return relation(stored_columns(columns), [str(path)])

    def combine(self, load: Load, before: Rows, taken: Sequence[SinkSlot]) -> tuple[Columns, Path, int]:
        """Write the table that old rows and taken slots make: its columns, its staged file, the rows taken.

        ``append``: a taken slot replaces its own rows. ``merge``: per key the row of the latest slot stays; a slot
        taken again replaces what came with it. Raises Invalid (HW0702, HW0703, HW0706).
        """
        taken_rows, count = self.stage(taken, load.columns)
        columns = grown(load.columns, before.columns)
        if load.mode == "merge":
            check_keys(self.connection, taken_rows, load.key, self.where)
        old_rows = self._old(columns, before)
        new_rows = f"SELECT {outputs(columns, load.columns)}, {SITE}, {SLOT} FROM ({taken_rows})"
        select = (
            _merged(old_rows, new_rows, columns, load.key)
            if load.mode == "merge"
            else _appended(old_rows, new_rows, taken)
        )
        path = self.staging / "combined"
        self.connection.execute(write_statement(select, stored_columns((*columns, *STAMPS)), str(path)))
        return columns, path, count

    def _old(self, columns: Columns, before: Rows) -> str:
        if not before.path:
            return empty_relation((*columns, *STAMPS))
        rows = relation(stored_columns((*before.columns, *STAMPS)), [before.path])
        for old, (name, type_) in changed_types(columns, before.columns):
            check_type(self.connection, rows, old, (name, type_), self.where)
        return f"SELECT {outputs(columns, before.columns)}, {SITE}, {SLOT} FROM ({rows})"


def outputs(columns: Columns, present: Columns) -> str:
    """Write the list of columns as casts of those that are present; the others are NULL."""
    known = {name.casefold(): type_ for name, type_ in present}
    return ", ".join(_output(name, type_, known.get(name.casefold())) for name, type_ in columns)


def _output(name: str, type_: str, present: str | None) -> str:
    quoted = quote_identifier(name)
    if present == type_:
        return quoted
    return f"{f'CAST({quoted} AS {type_})' if present else typed_null(type_)} AS {quoted}"


def changed_types(new: Columns, old: Columns) -> list[tuple[str, tuple[str, str]]]:
    """List the columns whose type differs: (old type, (name, new type))."""
    types = {name.casefold(): type_ for name, type_ in old}
    return [
        (types[name.casefold()], (name, type_)) for name, type_ in new if types.get(name.casefold(), type_) != type_
    ]


def check_type(
    connection: "duckdb.DuckDBPyConnection", rows: str, old: str, column: tuple[str, str], where: Where | None
) -> None:
    """Raise Invalid (HW0706) unless every value survives the way to the new type and back."""
    name, new = column
    value = quote_identifier(name)
    there = f"TRY_CAST(TRY_CAST({value} AS {new}) AS {old})"
    row = connection.execute(f"SELECT count(*) FROM ({rows}) WHERE {there} IS DISTINCT FROM {value}").fetchone()
    if row and row[0]:
        message = f"column `{name}` is {new} now, and {row[0]} rows of the target hold {old} values that do not fit"
        hint = "use another target (or delete this one) to begin again, or cast the column in the model"
        raise Invalid.of("HW0706", message, where, hint=hint)


def _appended(old_rows: str, new_rows: str, taken: Sequence[SinkSlot]) -> str:
    keys = ", ".join(f"({quote_literal(slot.site)}, {quote_literal(slot.slot)})" for slot in taken)
    kept = f"SELECT * FROM ({old_rows})" + (f" WHERE ({SITE}, {SLOT}) NOT IN (VALUES {keys})" if keys else "")
    return f"{kept}\nUNION ALL\n{new_rows}"


def _merged(old_rows: str, new_rows: str, columns: Columns, key: Sequence[str]) -> str:
    keys = ", ".join(quote_identifier(name) for name in key)
    return (
        f"SELECT {names(columns)}, {SITE}, {SLOT} FROM (\n"
        f"SELECT *, 0 AS _hw_fresh FROM ({old_rows})\nUNION ALL\nSELECT *, 1 AS _hw_fresh FROM ({new_rows})\n)"
        f" QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {SLOT} DESC, {SITE} DESC, _hw_fresh DESC) = 1"
    )
