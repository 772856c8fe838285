"""Rows to a table of a DuckDB file, which its readers may keep open: a copy is changed and put in its place."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from headwater.connect.components import Can, Component
from headwater.connect.durable import alone, sync_directory, sync_file
from headwater.connect.sinks import Load, Loaded, Sink
from headwater.connectors.sinks.database import Table, change, read_held
from headwater.connectors.sinks.failures import loading
from headwater.connectors.sinks.slots import Key, check_columns, difference
from headwater.diagnostics import Retryable, Where
from headwater.spec.fields import Doc
from headwater.sql.text import quote_literal

if TYPE_CHECKING:
    import duckdb as engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a user writes."""

    path: Annotated[
        str, Doc("the DuckDB file, relative to the project; made if it is not there", "out/dashboard.duckdb")
    ]
    table: Annotated[str, Doc("the table in it, which belongs to this sink", "daily_delays")]
    schema: Annotated[str, Doc("the table's schema; made if it is not there")] = "main"


EXAMPLE: Final = """\
sinks:
  dashboard:
    from: daily_delays
    connector: duckdb
    path: out/dashboard.duckdb
    table: daily_delays
    mode: merge
    key: [flight_date, origin, carrier]
    in: [prod]
"""

_ALIAS: Final = "_hw_target"
_STORAGE: Final = "v1.5.0"
"""New files stay readable for DuckDB 1.5, also when 2.x writes them."""


@dataclass(frozen=True, slots=True)
class DuckDBSink:
    """One table of a DuckDB file; ledgers of all sinks on the file lie in it as ``_headwater_ledger``."""

    path: Path
    table: Table
    where: Where | None

    def ledger(self) -> Mapping[Key, str]:
        """Give (site, slot) → fill that the table holds."""
        import duckdb

        with loading(str(self.path), self.where):
            if not self.path.exists():
                return {}
            connection = duckdb.connect()
            try:
                with self._attached(connection, self.path, "READ_ONLY"):
                    return read_held(connection, self.table, self.where).slots
            finally:
                connection.close()

    def load(self, connection: "engine.DuckDBPyConnection", load: Load) -> Loaded:
        """Make the table hold the load's slots: rows and ledger change in one transaction of a copy, then a rename."""
        check_columns(load, (), self.where)
        with loading(str(self.path), self.where):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with alone(self._hidden("lock")):
                return self._load(connection, load)

    def _load(self, connection: "engine.DuckDBPyConnection", load: Load) -> Loaded:
        copy = self._hidden("next")
        self._clear(copy)
        is_new = not self.path.exists()
        if not is_new:
            self._refuse_unfinished()
            with self._attached(connection, self.path, "READ_ONLY"):
                held = read_held(connection, self.table, self.where)
                if held.is_like(load) and difference(held.slots, load).is_empty:
                    return Loaded(0, 0)
                shutil.copyfile(self.path, copy)  # nobody can write while it is attached
        try:
            loaded = self._change(connection, copy, load, is_new=is_new)
            sync_file(copy)
            copy.replace(self.path)
            sync_directory(self.path.parent)
        finally:
            self._clear(copy)
        return loaded

    def _change(self, connection: "engine.DuckDBPyConnection", copy: Path, load: Load, *, is_new: bool) -> Loaded:
        with self._attached(connection, copy, f"STORAGE_VERSION '{_STORAGE}'" if is_new else "READ_WRITE"):
            connection.execute("BEGIN")
            try:
                held = read_held(connection, self.table, self.where)
                loaded = change(connection, self.table, held, load, self.where)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(Exception):  # the first error is the one to report
                    connection.execute("ROLLBACK")
                raise
            connection.execute(f"CHECKPOINT {_ALIAS}")
            return loaded

    @contextmanager
    def _attached(self, connection: "engine.DuckDBPyConnection", path: Path, option: str) -> Iterator[None]:
        connection.execute(f"ATTACH {quote_literal(str(path))} AS {_ALIAS} (TYPE duckdb, {option})")
        try:
            yield
        finally:
            connection.execute(f"DETACH {_ALIAS}")

    def _hidden(self, what: str) -> Path:
        return self.path.with_name(f".hw-{self.path.name}-{what}")

    @staticmethod
    def _clear(copy: Path) -> None:
        copy.unlink(missing_ok=True)
        copy.with_name(f"{copy.name}.wal").unlink(missing_ok=True)

    def _refuse_unfinished(self) -> None:
        log = self.path.with_name(f"{self.path.name}.wal")
        if log.exists() and log.stat().st_size:
            hint = f"open {self.path} once with DuckDB and close it, so that {log.name} is taken in"
            message = f"another program has left unfinished changes beside {self.path}"
            raise Retryable.of("HW0708", message, self.where, hint=hint)


def _make(settings: Mapping[str, object], root: str, where: Where | None = None) -> DuckDBSink:
    path = Path(root, str(settings["path"])).absolute()
    table = Table(_ALIAS, str(settings.get("schema") or "main"), str(settings["table"]))
    return DuckDBSink(path, table, where)


duckdb: Final[Component[Sink]] = Component(
    name="duckdb",
    summary="Rows to a table of a DuckDB file",
    fields=Fields,
    example=EXAMPLE,
    can=frozenset({Can.REPLACE, Can.APPEND, Can.MERGE}),
    make=_make,
)
