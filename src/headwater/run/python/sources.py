"""Sources that are Python functions: called in a process of their own, with the cursor of what was landed last."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headwater.connect.sources import Contract
from headwater.diagnostics import Diagnostic, Invalid, Retryable, Where, suggest
from headwater.events import Emit, silent
from headwater.graph.values import Node, PythonNode
from headwater.run.engine import Engine
from headwater.run.python.functions import load_function, raised
from headwater.run.python.process import Errand, ask
from headwater.spec.authoring import Run
from headwater.spec.raw import Raw
from headwater.sql.loose_rows import LooseColumn, LooseWriter, loose_raw, writing
from headwater.sql.loose_values import kind_of
from headwater.sql.text import quote_literal

if TYPE_CHECKING:
    import duckdb

_CURSOR: Final = "cursor"
_RUN: Final = "run"
_TAKEN_ROWS: Final = 1024
"""Rows given one by one are taken in pieces of so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRequest:
    """What the child process is told."""

    name: str
    where: Where
    code: PythonNode
    columns: tuple[tuple[str, str], ...]
    cursor: str | None
    after: str | None
    path: str
    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceResponse:
    """What it answers: how many rows it has written, or the kind of error and its diagnostics."""

    rows: int = 0
    failure: str = ""
    diagnostics: tuple[Diagnostic, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedRows:
    """Fulfils ``connect.landing.Extractor`` by calling a function of the project."""

    node: Node
    contract: Contract
    root: str
    engine: Engine
    run: Run
    emit: Emit = silent

    @property
    def cursor(self) -> str | None:
        """The declared column by which new rows are known."""
        assert self.node.source is not None  # noqa: S101 - made for sources
        wanted = str(self.node.source.settings.get("cursor") or "").casefold()
        return next((column.name for column in self.contract.columns if column.name.casefold() == wanted), None)

    def label(self, site: str) -> str:
        """Name the function for people."""
        del site
        return f"{self._code.path}: {self._code.function}"

    def token(self, site: str) -> str | None:
        """Only calling it can tell."""
        del site
        return None

    def extract(self, connection: "duckdb.DuckDBPyConnection", site: str, after: str | None, path: Path) -> Raw | None:
        """Call it with the greatest cursor landed; what it gives counts only if it ends well."""
        del connection, site
        where = Where(self.node.file, self.node.line)
        request = SourceRequest(
            name=self.node.name,
            where=where,
            code=self._code,
            columns=tuple((column.name, column.type) for column in self.contract.columns),
            cursor=self.cursor,
            after=after,
            path=str(path),
            run=self.run,
        )
        errand = Errand(
            what="source",
            name=self.node.name,
            where=where,
            root=self.root,
            timeout_s=self.node.timeout_s,
            memory_bytes=self.node.memory_bytes,
            must="it must yield rows and end",
            emit=self.emit,
        )
        try:
            response = ask(errand, request, SourceResponse, self.engine)
        except Retryable as problem:  # too long once is too long again
            raise Invalid(*problem.diagnostics) from problem
        return self._raw(path, after) if response.rows else None

    @property
    def _code(self) -> PythonNode:
        assert self.node.source is not None  # noqa: S101 - made for sources
        assert self.node.source.python is not None  # noqa: S101 - that have a function
        return self.node.source.python

    def _raw(self, path: Path, after: str | None) -> Raw:
        columns = _loose(tuple((column.name, column.type) for column in self.contract.columns))
        raw = loose_raw(columns, path, self.contract.timezone)
        if self.cursor is None:
            return raw
        value = raw.columns[self.cursor].value
        type_ = next(column.type for column in columns if column.name == self.cursor)
        past = f"{value} <= CAST({quote_literal(after)} AS {type_})" if after is not None else None
        return replace(raw, greatest=f"CAST(max({value}) AS VARCHAR)", past=past)


def _loose(columns: Sequence[tuple[str, str]]) -> list[LooseColumn]:
    return [LooseColumn(name, type_) for name, type_ in columns]


def generate(request: SourceRequest, folder: Path) -> int:
    """Call the function and write what it gives; give how many rows. Everything it does wrong is a diagnostic."""
    try:
        function = load_function(request.code, folder)
        arguments = {name: _argument(request, name) for name in request.code.arguments}
        with writing(_loose(request.columns), Path(request.path)) as writer:
            _Taking(request, writer).take_all(function(**arguments))
            return writer.rows
    except BaseException as problem:
        if isinstance(problem, Invalid):
            raise
        hint = "nothing of this call was landed: the next one gets the same cursor"
        raise raised("HW0646", request.name, problem, folder, request.where, hint) from problem


def _argument(request: SourceRequest, name: str) -> Any:
    if name == _RUN:
        return request.run
    if name == _CURSOR:
        types = dict(request.columns)
        return cursor_value(request.after, types[request.cursor]) if request.after and request.cursor else None
    hint = f"a source's function takes `{_CURSOR}` and `{_RUN}`, or one of them, or none"
    raise Invalid.of("HW0648", f"`{request.name}` has an argument `{name}`", request.where, hint=hint)


def cursor_value(text: str, type_: str) -> Any:
    """Give a cursor as a Python value: int, float, str, date or datetime (with its zone, where the type has one)."""
    if type_ == "DATE":
        return date.fromisoformat(text)
    match kind_of(type_):
        case "whole":
            return int(text)
        case "real":
            return float(text)
        case "time":
            return datetime.fromisoformat(text)
        case _:
            return text


class _Taking:
    """Takes whatever a function gives: rows as maps, one by one or in lists, and tables."""

    def __init__(self, request: SourceRequest, writer: LooseWriter) -> None:
        self._request, self._writer = request, writer
        self._names = [name for name, _ in request.columns]
        self._rows: list[list[Any]] = []

    def take_all(self, given: Any) -> None:
        """Take a function's result: nothing, a table, or something to iterate over."""
        if given is None:
            return
        for each in [given] if isinstance(given, Mapping) or _is_table(given) else self._each(given):
            self._take(each)
        self._flush()

    def _each(self, given: Any) -> Iterator[Any]:
        if isinstance(given, str | bytes) or not hasattr(given, "__iter__"):
            raise self._wrong(f"gave {type(given).__name__}, which are no rows")
        yield from given

    def _take(self, given: Any) -> None:
        if isinstance(given, Mapping):
            self._take_row(given)
        elif _is_table(given):
            self._flush()
            self._take_table(given)
        elif isinstance(given, list | tuple) and all(isinstance(each, Mapping) for each in given):
            for each in given:
                self._take_row(each)
        else:
            raise self._wrong(f"gave {type(given).__name__}, which is no row")

    def _take_row(self, row: Mapping[Any, Any]) -> None:
        if not row.keys() <= set(self._names):
            raise self._unknown([str(name) for name in row if name not in self._names])
        self._rows.append([row.get(name) for name in self._names])
        if len(self._rows) >= _TAKEN_ROWS:
            self._flush()

    def _take_table(self, given: Any) -> None:
        import pyarrow as pa

        table = _arrow(given)
        names = table.column_names
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise self._wrong(f"gave the column `{twice}` more than once", "give each column a name of its own")
        if not set(names) <= set(self._names):
            raise self._unknown([name for name in names if name not in self._names])
        for name in self._names:
            if name not in names:
                table = table.append_column(name, pa.nulls(table.num_rows))
        self._writer.take_table(table)

    def _flush(self) -> None:
        self._writer.take(self._rows)
        self._rows = []

    def _unknown(self, names: list[str]) -> Invalid:
        hint = suggest(names[0], self._names) or f"declare it, or yield only {', '.join(self._names)}"
        return self._wrong(f"gave `{names[0]}`, which is not among its columns", hint)

    def _wrong(self, what: str, hint: str = "") -> Invalid:
        said = hint or "yield rows as dicts, lists of them, pyarrow tables or data frames; nothing was landed"
        return Invalid.of("HW0648", f"`{self._request.name}` {what}", self._request.where, hint=said)


def _is_table(given: Any) -> bool:
    return type(given).__name__ in {"Table", "RecordBatch", "DataFrame", "DuckDBPyRelation"}


def _arrow(given: Any) -> Any:
    """Give a table, batch or data frame (of pandas, Polars or DuckDB) as an Arrow table."""
    import pyarrow as pa

    if isinstance(given, pa.RecordBatch):
        return pa.Table.from_batches([given])
    if isinstance(given, pa.Table):
        return given
    if hasattr(given, "to_arrow_table"):
        return given.to_arrow_table()
    if hasattr(given, "to_arrow"):
        return given.to_arrow()
    return pa.Table.from_pandas(given, preserve_index=False)
