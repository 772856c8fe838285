"""TPC-H for tests: a generated database at any scale, the texts of the 22 queries, and the tables' columns."""

from functools import cache
from importlib.resources import files
from typing import Final

import duckdb

from headwater.sql.binding import Relation

QUERIES: Final = range(1, 23)


def _opened() -> duckdb.DuckDBPyConnection:
    """An engine that knows TPC-H; the extension comes as a package of the engine's own version."""
    package = files("duckdb_extension_tpch") / "extensions" / f"v{duckdb.__version__}" / "tpch.duckdb_extension"
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.load_extension(str(package))
    return connection


@cache
def _generated(sf: float) -> duckdb.DuckDBPyConnection:
    connection = _opened()
    connection.execute(f"CALL dbgen(sf = {sf})")
    return connection


def connect(sf: float = 0.01) -> duckdb.DuckDBPyConnection:
    """Give a cursor on the database of a scale, made once: read it, or change copies of its tables only."""
    return _generated(sf).cursor()


@cache
def _texts() -> dict[int, str]:
    with _opened() as connection:
        return dict(connection.execute("SELECT query_nr, query FROM tpch_queries()").fetchall())


def query(number: int) -> str:
    """Give the text of a query, 1 to 22, without its semicolon."""
    return _texts()[number].strip().rstrip(";")


@cache
def _tables() -> dict[str, Relation]:
    found: dict[str, Relation] = {}
    with _opened() as connection:
        connection.execute("CALL dbgen(sf = 0)")
        rows = connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
            " ORDER BY table_name, column_index"
        ).fetchall()
    for table, column, type_ in rows:
        found[table] = (*found.get(table, ()), (column, type_))
    return found


TABLES: Final[dict[str, Relation]] = _tables()
"""Table → its columns and their types."""
