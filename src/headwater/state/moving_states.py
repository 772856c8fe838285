"""A whole state written to one file, and read from it into a new state of any kind."""

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final
from zipfile import ZipFile

from headwater.diagnostics import Invalid, error
from headwater.state.archives import Contents, read_contents, read_table, write_contents, write_table
from headwater.state.connections import Connection
from headwater.state.database import Database, make_database
from headwater.state.failures import of_sqlite
from headwater.state.migrations import MIGRATIONS
from headwater.state.places import StatePlace

_OWN: Final = frozenset({"migrations"})
"""Tables that every state makes for itself."""
_SEEDED: Final = frozenset({"counters"})
"""Tables that a new state has rows in."""
_TABLE: Final = re.compile(r"(?:CREATE|ALTER) TABLE (\w+)")
_NAMES: Final = re.compile(r"\bREFERENCES (\w+)")


def write_archive(db: Database, archive: ZipFile, *, version: str, at: str) -> Contents:
    """Write a state as it is at one moment, while others may work on it."""
    with db.snapshot() as (connection, stream):
        (schema,) = connection.execute("SELECT max(number) FROM migrations").fetchone()
        tables = {
            name: write_table(archive, name, columns, stream(f"SELECT {', '.join(columns)} FROM {name}"))
            for name, columns in sorted(db.backend.columns(connection).items())
            if name not in _OWN
        }
        numbers = db.backend.numbers(connection)
    contents = Contents(schema=schema, version=version, at=at, tables=tables, numbers=numbers)
    write_contents(archive, contents)
    return contents


def read_archive(archive: ZipFile, place: StatePlace) -> Contents:
    """Make a new state of a file, where there is none, and bring it up to date.

    Raises Invalid for a file that is damaged, Broken for one of a newer version; what was made so far must be removed.
    """
    contents = read_contents(archive, len(MIGRATIONS))
    with make_database(place, contents.schema) as db:
        with db.write() as connection:
            columns = db.backend.columns(connection)
            _refuse_other_tables(archive, contents, {name: columns[name] for name in columns if name not in _OWN})
            for name in _in_order(contents.tables, contents.schema):
                _fill(connection, archive, name, contents)
            for name, number in contents.numbers.items():
                if name in contents.tables:
                    db.backend.set_number(connection, name, number)
        db.prepare(create=False, upgrade=True)
    return contents


def back_up_file(path: Path, to: Path) -> None:
    """Copy a state in a file, as it is at one moment, while others may write it; raises HeadwaterError, OSError."""
    try:
        uri = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True)) as source, closing(sqlite3.connect(to)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as failure:
        raise of_sqlite(failure, path) or failure from failure


def _refuse_other_tables(archive: ZipFile, contents: Contents, columns: dict[str, tuple[str, ...]]) -> None:
    if {name: set(table.columns) for name, table in contents.tables.items()} != {
        name: set(names) for name, names in columns.items()
    }:
        message = f"`{archive.filename}` cannot be imported: its tables are not those of schema {contents.schema}"
        raise Invalid(error("HW1030", message, hint="take another copy: nothing was changed"))


def _fill(connection: Connection, archive: ZipFile, name: str, contents: Contents) -> None:
    table = contents.tables[name]
    if name in _SEEDED:
        connection.execute(f"DELETE FROM {name}")
    marks = ", ".join("?" * len(table.columns))
    statement = f"INSERT INTO {name} ({', '.join(table.columns)}) VALUES ({marks})"
    connection.executemany(statement, read_table(archive, name, table))


def _in_order(tables: Iterable[str], schema: int) -> list[str]:
    """Sort tables so that each comes after those that its rows name."""
    named: dict[str, set[str]] = {name: set() for name in tables}
    for statement in (statement for step in MIGRATIONS[:schema] for statement in step):
        found = _TABLE.match(statement)
        if found and found[1] in named:
            named[found[1]] |= {other for other in _NAMES.findall(statement) if other in named} - {found[1]}
    return list(TopologicalSorter(named).static_order())
