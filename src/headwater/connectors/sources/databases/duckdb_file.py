"""Rows from a DuckDB file: attached read-only, read by the engine itself."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headwater.connect.components import Can, Component
from headwater.connect.landing import Extractor
from headwater.connect.sources import Contract
from headwater.connectors.sources.databases.settings import Fields, Place, check_settings, file_token, place_of
from headwater.diagnostics import HeadwaterError, Invalid, Retryable, Where
from headwater.spec.raw import Raw, RawColumn
from headwater.sql.moments import time_from_text
from headwater.sql.parquet import relation, stored_columns, write_statement
from headwater.sql.text import quote_identifier, quote_literal, quote_relation

if TYPE_CHECKING:
    import duckdb as engine

EXAMPLE: Final = """\
sources:
  visits:
    connector: duckdb
    path: data/web.duckdb
    table: main.visits
    cursor: seen_at
    columns:
      seen_at: timestamptz
      page: text
"""
_ALIAS: Final = "hw_source"
_TOO_LARGE: Final = re.compile(r"HW0651: `r(\d+)` (.*)")
_SMALLER: Final = "read it as DOUBLE or text: `query: SELECT CAST(…) …`"
_TABLES: Final = (
    "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = ? UNION ALL "
    "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE database_name = ? AND NOT internal"
)

Described = list[tuple[str, str]]
"""(name, type) of each column that the table or query has."""


@dataclass(frozen=True, slots=True)
class DuckDBRows:
    """Rows of one table or query."""

    place: Place

    @property
    def cursor(self) -> str | None:
        """The declared column by which new rows are known."""
        return self.place.cursor

    def label(self, site: str) -> str:
        """Name the place for people."""
        return self.place.label(site)

    def token(self, site: str) -> str | None:
        """Give what changes with the file or its log."""
        return file_token(self.place.file(site), ".wal")

    def extract(self, connection: "engine.DuckDBPyConnection", site: str, after: str | None, path: Path) -> Raw | None:
        """Write rows to a file; one statement sees one state of the database."""
        with self._attached(connection, site):
            known = dict(self._described(connection))
            self.place.refuse_missing_columns(list(known))
            folded = {name.casefold(): type_ for name, type_ in known.items()}
            types = {name: folded[name.casefold()] for name in self.place.names}
            stored = stored_columns([(f"r{n}", type_) for n, type_ in enumerate(types.values())])
            select = self.place.select(self._relation, self._condition(types, after))
            named = ", ".join(f"{quote_identifier(name)} AS r{n}" for n, name in enumerate(types))
            statement = write_statement(f"SELECT {named} FROM ({select}) AS found", stored, str(path))
            row = connection.execute(statement).fetchone()
        if self.cursor is not None and (not row or not row[0]):
            return None
        return self._raw(types, relation(stored, [str(path)]), after)

    @property
    def _relation(self) -> str:
        return self.place.subquery if self.place.query else quote_relation(self.place.table)

    def _described(self, connection: "engine.DuckDBPyConnection") -> Described:
        import duckdb

        try:
            rows = connection.execute(f"DESCRIBE SELECT * FROM {self._relation}").fetchall()
        except duckdb.CatalogException:
            if self.place.query:
                raise
            tables = [name for (name,) in connection.execute(_TABLES, [_ALIAS, _ALIAS]).fetchall()]
            raise self.place.missing_table([name.removeprefix("main.") for name in tables]) from None
        return [(row[0], row[1]) for row in rows]

    def _condition(self, types: Mapping[str, str], after: str | None) -> str | None:
        if after is None or self.place.cursor is None:
            return None
        return f"{quote_identifier(self.place.cursor)} >= {_literal(after, types[self.place.cursor])}"

    def _raw(self, types: Mapping[str, str], select: str, after: str | None) -> Raw:
        timezone = self.place.contract.timezone
        columns = {
            declared.name: RawColumn(
                value=_value(f"r{n}", types[declared.name], declared.type, timezone), shown=f"CAST(r{n} AS VARCHAR)"
            )
            for n, declared in enumerate(self.place.contract.columns)
        }
        raw = Raw(relation=select, columns=columns)
        if self.place.cursor is None:
            return raw
        at = f"r{self.place.names.index(self.place.cursor)}"
        boundary = f"{at} = {_literal(after, types[self.place.cursor])}" if after is not None else None
        return replace(raw, greatest=f"CAST(max({at}) AS VARCHAR)", boundary=boundary)

    @contextmanager
    def _attached(self, connection: "engine.DuckDBPyConnection", site: str) -> Iterator[None]:
        import duckdb

        name = self.place.path.replace("{site}", site)
        file = self.place.file(site)
        if not file.is_file():
            hint = "check `path` (it is relative to the project), and that the database is there"
            raise self.place.invalid("HW0641", f"there is no database `{name}`", hint)
        before = connection.execute("SELECT current_database()").fetchone()
        try:
            connection.execute(f"ATTACH {quote_literal(str(file))} AS {_ALIAS} (TYPE duckdb, READ_ONLY)")
            try:
                connection.execute(f"USE {_ALIAS}")
                yield
            finally:
                connection.execute(f"USE {quote_identifier(before[0] if before else 'memory')}")
                connection.execute(f"DETACH {_ALIAS}")
        except duckdb.InterruptException:
            raise
        except duckdb.Error as problem:
            raise self._meaning(str(problem).partition("\n")[0], name) from problem

    def _meaning(self, text: str, name: str) -> HeadwaterError:
        if "lock" in text or "Unique file handle conflict" in text:
            hint = "close the program that has it open for writing, then run again"
            return Retryable.of("HW0643", f"another program has locked `{name}`", self.place.where, hint=hint)
        if "IO Error" in text or "Serialization" in text or "not a valid DuckDB" in text:
            hint = "open it with DuckDB: it may be of a newer version, or no database"
            return self.place.invalid("HW0641", f"`{name}` cannot be read as a DuckDB database: {text}", hint)
        if found := _TOO_LARGE.search(text):
            return self.place.invalid("HW0651", f"`{self.place.names[int(found[1])]}` of `{name}` {found[2]}", _SMALLER)
        what = "the query" if self.place.query else f"table `{self.place.table}`"
        hint = "try it with DuckDB: `query` and `where` are DuckDB's SQL"
        return Invalid.of("HW0644", f"{what} of `{name}` cannot be read: {text}", self.place.where, hint=hint)


def _literal(after: str, type_: str) -> str:
    return f"CAST({quote_literal(after)} AS {type_})"


def _value(raw: str, there: str, declared: str, timezone: str) -> str:
    """Cast as the contract says; what has the type already is taken as it is."""
    if there == declared:
        return raw
    if there == "VARCHAR":
        return time_from_text(raw, declared, timezone) or f"TRY_CAST({raw} AS {declared})"
    if {there, declared} == {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP"}:
        return f"timezone({quote_literal(timezone)}, {raw})"
    return f"TRY_CAST({raw} AS {declared})"


def _make(values: Mapping[str, object], contract: Contract, root: str, where: Where | None = None) -> DuckDBRows:
    return DuckDBRows(place_of(values, contract, root, where))


duckdb: Final[Component[Extractor]] = Component(
    name="duckdb",
    summary="Rows from a table or query of a DuckDB file",
    fields=Fields,
    example=EXAMPLE,
    can=frozenset({Can.REJECTS, Can.LANDED, Can.INCREMENTAL, Can.PUSHDOWN}),
    make=_make,
    check=check_settings,
)
