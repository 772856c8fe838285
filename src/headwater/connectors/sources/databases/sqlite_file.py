"""Rows from a SQLite file: types are the contract's, since SQLite keeps in any column what it is given."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from sys import getsizeof
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import quote

from headwater.connect.components import Can, Component
from headwater.connect.landing import Extractor
from headwater.connect.sources import Contract
from headwater.connectors.sources.databases import settings
from headwater.connectors.sources.databases.settings import Place, check_settings, file_token, place_of
from headwater.diagnostics import Broken, HeadwaterError, Retryable, Where
from headwater.spec.fields import Doc
from headwater.spec.raw import Raw
from headwater.sql.loose_rows import LooseColumn, loose_raw, writing
from headwater.sql.loose_values import MICROS, Manner
from headwater.sql.text import quote_identifier, quote_literal

if TYPE_CHECKING:
    import duckdb

_TAKEN_ROWS: Final = 1024
_TAKEN_BYTES: Final = 4 << 20
"""Rows are taken in pieces that end with either."""
_FETCHED_ROWS: Final = 16
"""So many are fetched before it is asked how large they are; one by one where they are large."""
_OPERATIONS: Final = 1_000_000
"""After so many steps of SQLite's (some milliseconds), Python is let in, to hear of Ctrl-C."""
_LONG: Final = frozenset({"text", "bytes", "other"})
_BUSY_S: Final = 1.0
"""How long to wait for another program's transaction before the attempt is given up; the next one comes later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields(settings.Fields):
    """What a user writes."""

    epoch: Annotated[Literal["s", "ms", "us"], Doc("unit of times that are kept as numbers since 1970")] = "s"


EXAMPLE: Final = """\
sources:
  orders:
    connector: sqlite
    path: data/shop.db
    table: orders
    cursor: id
    columns:
      id: bigint
      ordered_at: timestamptz
      amount: {type: double, required: true}
"""


@dataclass(frozen=True, slots=True)
class SQLiteRows:
    """Rows of one table or query."""

    place: Place
    micros: int

    @property
    def cursor(self) -> str | None:
        """The declared column by which new rows are known."""
        return self.place.cursor

    def label(self, site: str) -> str:
        """Name the place for people."""
        return self.place.label(site)

    def token(self, site: str) -> str | None:
        """Give what changes with the file or its write-ahead log."""
        return file_token(self.place.file(site), "-wal", "-journal")

    def extract(self, connection: "duckdb.DuckDBPyConnection", site: str, after: str | None, path: Path) -> Raw | None:
        """Write rows to a file, batch by batch; one SELECT sees one state of the database."""
        columns = [self._loose(column.name, column.type) for column in self.place.contract.columns]
        with self._opened(site) as database:
            try:
                rows = self._write(database, columns, after, path)
            except sqlite3.OperationalError as problem:
                if "decode to UTF-8" not in str(problem):
                    raise
                # Some text is none: read all as bytes first, so that such values are set aside, not the table.
                database.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
                rows = self._write(database, columns, after, path)
        return self._raw(connection, columns, after, path) if rows or self.cursor is None else None

    def _write(
        self, database: sqlite3.Connection, columns: Sequence[LooseColumn], after: str | None, path: Path
    ) -> int:
        query, values = self._query(after)
        with writing(columns, path) as writer, closing(database.execute(query, values)) as found:
            for rows in _pieces(found, [n for n, each in enumerate(columns) if each.kind in _LONG]):
                writer.take(rows)
            return writer.rows

    def _query(self, after: str | None) -> tuple[str, tuple[Any, ...]]:
        place = self.place
        relation = place.subquery if place.query else quote_identifier(place.table)
        if after is None or place.cursor is None:
            return place.select(relation, None), ()
        value = _value(after)
        name = quote_identifier(place.cursor)
        # Whatever a column's own collation: the greatest value was found byte by byte.
        compared = f"{name} COLLATE BINARY" if isinstance(value, str) else name
        return place.select(relation, f"{compared} >= ?"), (value,)

    def _loose(self, name: str, type_: str) -> LooseColumn:
        return LooseColumn(name, type_, Manner(self.micros, is_strict=name == self.place.cursor))

    def _raw(
        self, connection: "duckdb.DuckDBPyConnection", columns: Sequence[LooseColumn], after: str | None, path: Path
    ) -> Raw:
        raw = loose_raw(columns, path, self.place.contract.timezone)
        number = next((n for n, column in enumerate(columns) if column.name == self.place.cursor), None)
        if number is None:
            return raw
        kept, micros = f"r{number}", f"e{number}"
        counts = connection.execute(f"SELECT count({kept}), count({micros}) FROM ({raw.relation}) AS raw").fetchone()
        texts, numbers = counts or (0, 0)
        was_number = after is not None and after.startswith("e") if columns[number].kind == "time" else bool(numbers)
        if (texts and numbers) or (after is not None and (texts or numbers) and was_number != bool(numbers)):
            message = f"the cursor `{self.place.cursor}` of `{self.place.path}` is here text, there a number"
            raise self.place.invalid("HW0645", message, "SQLite cannot put them in order: use another column")
        column = micros if numbers else kept
        tag = quote_literal("e" if numbers else "r")
        boundary = f"{column} = {_literal(after)}" if after is not None else None
        exact = f"CAST(max({column}) AS VARCHAR)"
        return replace(raw, greatest=f"{tag} || {self._tag(columns[number])} || {exact}", boundary=boundary)

    def _tag(self, column: LooseColumn) -> str:
        """What stands in a cursor: a whole n(umber), a f(raction), t(ext); and the unit of times that are numbers."""
        kinds = {"whole": "n", "real": "f", "text": "t", "time": "t"}
        return quote_literal(f"{kinds[column.kind]}{self.micros}:")

    @contextmanager
    def _opened(self, site: str) -> Iterator[sqlite3.Connection]:
        file = self.place.file(site)
        if not file.is_file():
            hint = "check `path` (it is relative to the project), and that the database is there"
            raise self.place.invalid("HW0641", f"there is no database `{self._named(site)}`", hint)
        try:
            uri = f"file:{quote(str(file))}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)) as database:
                database.set_progress_handler(lambda: 0, _OPERATIONS)
                self._refuse_missing(database)
                yield database
        except sqlite3.Error as problem:
            if str(problem) == "interrupted":
                raise KeyboardInterrupt from problem
            raise self._meaning(problem, site) from problem

    def _refuse_missing(self, database: sqlite3.Connection) -> None:
        place = self.place
        if place.table:
            known = [name for (name,) in database.execute("SELECT name FROM pragma_table_xinfo(?)", (place.table,))]
            if not known:
                listed = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
                raise place.missing_table([name for (name,) in listed])
        else:
            described = database.execute(f"SELECT * FROM {place.subquery} LIMIT 0").description
            known = [name for name, *_ in described or ()]
        place.refuse_missing_columns(known)

    def _meaning(self, problem: sqlite3.Error, site: str) -> HeadwaterError:
        text, name = str(problem), self._named(site)
        if "locked" in text or "busy" in text:
            hint = "wait until the other program has ended its transaction, then run again"
            return Retryable.of("HW0643", f"another program has locked `{name}`", self.place.where, hint=hint)
        if "not a database" in text or "malformed" in text or "disk I/O" in text:
            hint = "check it with `PRAGMA integrity_check`, or replace it"
            return self.place.invalid("HW0641", f"`{name}` cannot be read as a SQLite database: {text}", hint)
        if "unable to open" in text:
            hint = "check who may read it; in WAL mode its folder must be writable, or its -shm file be there"
            return Broken.of("HW0641", f"`{name}` cannot be opened: {text}", self.place.where, hint=hint)
        what = "the query" if self.place.query else f"table `{self.place.table}`"
        hint = "try it with `sqlite3`: `query` and `where` are SQLite's own SQL"
        return self.place.invalid("HW0644", f"{what} of `{name}` cannot be read: {text}", hint)

    def _named(self, site: str) -> str:
        return self.place.path.replace("{site}", site)


def _pieces(found: sqlite3.Cursor, long: Sequence[int]) -> Iterator[list[Sequence[Any]]]:
    """Give rows in pieces that fit into memory, however large some are; ``long``: columns that tell how large."""
    taken: list[Sequence[Any]] = []
    held, count = 0, 1
    while rows := found.fetchmany(count):
        size = sum(getsizeof(row[n]) for row in rows for n in long)
        taken += rows
        held += size
        count = _FETCHED_ROWS if size * _FETCHED_ROWS <= _TAKEN_BYTES * len(rows) else 1
        if len(taken) >= _TAKEN_ROWS or held >= _TAKEN_BYTES:
            yield taken
            taken, held = [], 0
    yield taken


def _value(after: str) -> Any:
    """Read a cursor as SQLite compares it; numbers that are times go back to their own unit."""
    tag, _, text = after.partition(":")
    if tag[0] == "e":
        return int(text) // int(tag[2:])
    return {"n": int, "f": float, "t": str}[tag[1]](text)


def _literal(after: str) -> str:
    """Write a cursor so that it compares with the raw column."""
    tag, _, text = after.partition(":")
    if tag[0] == "e" or tag[1] == "n":
        return str(int(text))
    return f"CAST({quote_literal(text)} AS DOUBLE)" if tag[1] == "f" else quote_literal(text)


def _make(values: Mapping[str, object], contract: Contract, root: str, where: Where | None = None) -> SQLiteRows:
    return SQLiteRows(place_of(values, contract, root, where), MICROS[str(values.get("epoch") or "s")])


sqlite: Final[Component[Extractor]] = Component(
    name="sqlite",
    summary="Rows from a table or query of a SQLite file",
    fields=Fields,
    example=EXAMPLE,
    can=frozenset({Can.REJECTS, Can.LANDED, Can.INCREMENTAL, Can.PUSHDOWN}),
    make=_make,
    check=check_settings,
)
