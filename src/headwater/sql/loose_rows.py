"""Rows of loosely typed values in a Parquet file, in bounded memory, and the SQL that reads declared columns of them.

Each declared column has up to three in the file: ``r`` what fits, ``b`` the text of what does not, and for times ``e``,
microseconds since 1970.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headwater.spec.raw import Raw, RawColumn
from headwater.sql.loose_values import Fitted, Kind, Manner, fit, kind_of
from headwater.sql.moments import time_from_micros, time_from_text
from headwater.sql.parquet import literally
from headwater.sql.text import quote_literal
from headwater.sql.type_names import parse_type

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

    _Three = tuple[pa.Array[Any], pa.Array[Any], pa.Array[Any]]
    """What fits, the text of what does not, microseconds."""

_GROUP_BYTES: Final = 16 << 20
_GROUP_ROWS: Final = 1 << 16
"""A row group is written as soon as either is reached: all that is held in memory."""
_FAST: Final[dict[Kind, frozenset[type]]] = {
    "whole": frozenset({int, type(None)}),
    "real": frozenset({float, type(None)}),
    "boolean": frozenset({bool, type(None)}),
    "text": frozenset({str, type(None)}),
    "bytes": frozenset({bytes, type(None)}),
    "time": frozenset({str, type(None)}),
    "huge": frozenset(),
    "other": frozenset({str, type(None)}),
}


@dataclass(frozen=True, slots=True)
class LooseColumn:
    """A declared column: its name, its DuckDB type, and how its values are taken."""

    name: str
    type: str
    manner: Manner = Manner()

    @property
    def kind(self) -> Kind:
        """How its values are kept."""
        return kind_of(self.type)


class LooseWriter:
    """Takes rows, or Arrow tables, and writes them to a file as they come."""

    def __init__(self, columns: Sequence[LooseColumn], schema: "pa.Schema", writer: "parquet.ParquetWriter") -> None:
        self._columns = columns
        self._schema = schema
        self._writer = writer
        self._held: list[pa.RecordBatch] = []
        self._held_rows = self._held_bytes = 0
        self.rows = 0
        """Rows taken so far."""

    def take(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take rows whose values stand in the order of the columns."""
        if rows:
            values = zip(*rows, strict=True)
            self._hold([_column(each, list(found)) for each, found in zip(self._columns, values, strict=True)])

    def take_table(self, table: "pa.Table") -> None:
        """Take a table that has all columns, by name."""
        for batch in table.select([each.name for each in self._columns]).to_batches(_GROUP_ROWS):
            if batch.num_rows:
                self._hold([_arrow_column(each, batch.column(each.name)) for each in self._columns])

    def _hold(self, columns: "list[_Three]") -> None:
        import pyarrow as pa

        arrays = [array for three in columns for array in three]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._held.append(batch)
        self.rows += batch.num_rows
        self._held_rows += batch.num_rows
        self._held_bytes += batch.nbytes
        if self._held_rows >= _GROUP_ROWS or self._held_bytes >= _GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        import pyarrow as pa

        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held))
        self._held, self._held_rows, self._held_bytes = [], 0, 0


@contextmanager
def writing(columns: Sequence[LooseColumn], path: Path) -> Iterator[LooseWriter]:
    """Write rows to a file; after an error the file is not whole and counts for nothing."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema(
        field
        for number, each in enumerate(columns)
        for field in (
            pa.field(f"r{number}", _arrow_type(each.kind)),
            pa.field(f"b{number}", pa.string()),
            pa.field(f"e{number}", pa.int64()),
        )
    )
    with parquet.ParquetWriter(path, schema, compression="snappy") as file:
        writer = LooseWriter(columns, schema, file)
        yield writer
        writer.flush()


def loose_raw(columns: Sequence[LooseColumn], path: Path, timezone: str) -> Raw:
    """Give what the file holds as raw rows; the caller says what is about a cursor."""
    relation = f"SELECT * FROM read_parquet([{quote_literal(literally(str(path)))}], hive_partitioning = false)"
    return Raw(
        relation=relation,
        columns={each.name: _sql(each, number, timezone) for number, each in enumerate(columns)},
    )


def _sql(column: LooseColumn, number: int, timezone: str) -> RawColumn:
    raw, bad, micros = f"r{number}", f"b{number}", f"e{number}"
    text = f"CAST({raw} AS VARCHAR)"
    match column.kind:
        case "time":
            from_text = time_from_text(raw, column.type, timezone) or f"TRY_CAST({raw} AS {column.type})"
            from_micros = time_from_micros(micros, column.type, timezone)
            value = f"CASE WHEN {micros} IS NOT NULL THEN {from_micros} ELSE {from_text} END"
        case "other" if parse_type(column.type).parts:
            # Each part must fit: TRY_CAST alone would make NULL of those that do not.
            value = f"TRY(CAST(TRY_CAST({raw} AS JSON) AS {column.type}))"
        case _:
            value = f"TRY_CAST({raw} AS {column.type})"
    return RawColumn(value=value, shown=f"coalesce({text}, {bad}, CAST({micros} AS VARCHAR))")


def _arrow_type(kind: Kind) -> "pa.DataType":
    import pyarrow as pa

    types: dict[Kind, pa.DataType] = {
        "whole": pa.int64(),
        "real": pa.float64(),
        "boolean": pa.bool_(),
        "bytes": pa.binary(),
    }
    return types.get(kind, pa.string())


def _column(column: LooseColumn, values: list[Any]) -> "_Three":
    import pyarrow as pa

    type_ = _arrow_type(column.kind)
    none = pa.nulls(len(values), pa.string()), pa.nulls(len(values), pa.int64())
    if _FAST[column.kind].issuperset(map(type, values)):
        try:
            return pa.array(values, type_), *none
        except (pa.ArrowException, UnicodeError, OverflowError):
            pass  # one value is too large, or is no text: each is looked at by itself
    fitted: list[Fitted] = [fit(value, column.kind, column.manner) for value in values]
    kept, bad, micros = (list(each) for each in zip(*fitted, strict=True))
    return pa.array(kept, type_), pa.array(bad, pa.string()), pa.array(micros, pa.int64())


def _arrow_column(column: LooseColumn, array: "pa.Array[Any]") -> "_Three":
    """Take a column of a table as it is where its type says what it holds; else value by value."""
    import pyarrow as pa
    from pyarrow import types

    rows, kind = len(array), column.kind
    none = pa.nulls(rows, pa.string()), pa.nulls(rows, pa.int64())
    try:
        if types.is_timestamp(array.type) and array.type.tz and kind == "time":
            is_finer = array.type.unit == "ns"
            micros = array.cast(pa.timestamp("us", array.type.tz), safe=not is_finer).cast(pa.int64())
            return pa.nulls(rows, pa.string()), none[0], micros
        if _is_direct(array.type, kind):
            return array.cast(_arrow_type(kind)), *none
    except pa.ArrowException:
        pass  # a value is out of range: each is looked at by itself
    return _column(column, array.to_pylist())


def _is_direct(type_: "pa.DataType", kind: Kind) -> bool:
    """Whether all values of an Arrow type can be cast as they are (times without a zone as their text)."""
    from pyarrow import types

    is_text = types.is_string(type_) or types.is_large_string(type_)
    direct = {
        "whole": types.is_integer(type_),
        "real": types.is_floating(type_),
        "boolean": types.is_boolean(type_),
        "bytes": types.is_binary(type_) or types.is_large_binary(type_),
        "time": types.is_date32(type_) or types.is_timestamp(type_) or is_text,
        "text": is_text,
    }
    return bool(direct.get(kind, is_text or types.is_decimal(type_) or types.is_integer(type_)))
