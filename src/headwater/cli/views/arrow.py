"""Arrow tables as rows of Python values, exactly: whatever Python has no type for becomes text."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from headwater.cli.views.rows import Rows

if TYPE_CHECKING:
    import pyarrow as pa

    from headwater.app.reading import Result

_ROWS_AT_ONCE: Final = 4096


def rows_of(result: "Result", limit: int | None = None) -> Rows:
    """Give the rows of a result; with a limit the first ones, and whether there are more."""
    table = result.table
    has_more = limit is not None and table.num_rows > limit
    shown = table.slice(0, limit) if limit is not None else table
    return Rows(tuple(table.column_names), _rows(shown, tuple(result.types.values())), has_more)


def _rows(table: "pa.Table", types: Sequence[str]) -> Iterator[Sequence[Any]]:
    if not table.num_columns:
        return
    for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
        columns = [_values(column, type_) for column, type_ in zip(batch.columns, _padded(types, batch), strict=True)]
        yield from zip(*columns, strict=True)


def _padded(types: Sequence[str], batch: Any) -> Sequence[str]:
    """Types by position; where names repeat the map of types is shorter, and no type is known."""
    return types if len(types) == batch.num_columns else [""] * batch.num_columns


def _values(column: Any, type_: str) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return [_instant(text) for text in column.cast(pa.string()).to_pylist()]
    try:
        values: list[Any] = column.to_pylist()
    except (ValueError, OverflowError, pa.ArrowException):  # years that Python does not know, infinity
        return [_instant(text) for text in column.cast(pa.string()).to_pylist()]
    if pa.types.is_nested(column.type) or pa.types.is_interval(column.type):
        return [_plain(value, is_map=type_.startswith("MAP(")) for value in values]
    return values


def _instant(text: str | None) -> Any:
    return None if text is None else text.replace(" ", "T", 1)


def _plain(value: Any, *, is_map: bool = False) -> Any:
    """Maps arrive as lists of pairs, intervals as triples."""
    if isinstance(value, tuple) and hasattr(value, "nanoseconds"):
        return interval(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        if is_map or (value and all(isinstance(each, tuple) and not hasattr(each, "nanoseconds") for each in value)):
            return {_key(key): _plain(each) for key, each in value}
        return [_plain(each) for each in value]
    return value


def _key(key: Any) -> str:
    return key.isoformat() if isinstance(key, datetime) else str(key)


def interval(value: Any) -> str:
    """Write months, days and nanoseconds as an ISO 8601 duration.

    >>> from collections import namedtuple
    >>> triple = namedtuple("triple", "months days nanoseconds")
    >>> interval(triple(14, 3, 90_500_000_000)), interval(triple(0, 0, 0)), interval(triple(0, 0, -1_000_000_000))
    ('P14M3DT90.5S', 'PT0S', 'PT-1S')
    """
    date = (f"{value.months}M" if value.months else "") + (f"{value.days}D" if value.days else "")
    whole, rest = divmod(abs(value.nanoseconds), 1_000_000_000)
    sign = "-" if value.nanoseconds < 0 else ""
    fraction = f".{rest:09}".rstrip("0").rstrip(".")
    time = f"T{sign}{whole}{fraction}S" if value.nanoseconds or not date else ""
    return f"P{date}{time}"
