"""SQL that writes rows to Parquet files exactly and reads them back, with every column and type spelt out."""

import re
from collections.abc import Sequence
from typing import Final

from headwater.diagnostics import Diagnostic, error
from headwater.spec.fills import StoredColumn
from headwater.sql.stored_types import from_stored, stored_type, to_stored, typed_null
from headwater.sql.text import quote_identifier, quote_literal

_GLOB: Final = re.compile(r"[*?\[]")
_OPTIONS: Final = "union_by_name = false, hive_partitioning = false, filename = false, binary_as_string = false"
_TOO_LARGE: Final = re.compile(r"HW0651: (.*)")
_OUT_OF_DECIMAL: Final = re.compile(r"Could not cast value (-?\d+) to DECIMAL\(38,0\)")
_DISK: Final = re.compile(r"No space left on device|Read-only file system|Permission denied|Disk quota exceeded")
_MISSING: Final = re.compile(r"No files found that match the pattern|Cannot open file|No such file or directory")
_UNREADABLE: Final = re.compile(
    r"No magic bytes found|Invalid Parquet|corrupt|too small to be a Parquet file", re.IGNORECASE
)


def stored_columns(columns: Sequence[tuple[str, str]]) -> tuple[StoredColumn, ...]:
    """Say how columns of (name, DuckDB type) are stored. Raises Invalid (HW0656) where a file cannot hold a type."""
    return tuple(StoredColumn(name, type_, stored_type(name, type_)) for name, type_ in columns)


def write_statement(select: str, columns: Sequence[StoredColumn], path: str) -> str:
    """Write the COPY statement that puts a SELECT's rows into one Parquet file.

    zstd takes half the bytes of snappy at the same speed on our tables; row groups stay DuckDB's, so memory is bounded.
    """
    outputs = ", ".join(f"{_written(column)} AS {quote_identifier(column.name)}" for column in columns)
    return (
        f"COPY (SELECT {outputs} FROM (\n{select}\n) AS _hw_rows)"
        f" TO {quote_literal(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"
    )


def _written(column: StoredColumn) -> str:
    return to_stored(quote_identifier(column.name), column.type, column.name)


def relation(columns: Sequence[StoredColumn], paths: Sequence[str]) -> str:
    """Write the SELECT over files with the columns' own types; no file: no row, the same columns."""
    if not paths:
        empty = ", ".join(f"{typed_null(c.type)} AS {quote_identifier(c.name)}" for c in columns)
        return f"SELECT {empty} WHERE false"
    outputs = ", ".join(_read(column) for column in columns)
    files = ", ".join(quote_literal(literally(path)) for path in paths)
    return f"SELECT {outputs} FROM read_parquet([{files}], {_OPTIONS})"


def _read(column: StoredColumn) -> str:
    name = quote_identifier(column.name)
    value = from_stored(name, column.type)
    return name if value == name else f"{value} AS {name}"


def literally(path: str) -> str:
    """Write a path so that DuckDB does not take it for a pattern.

    >>> literally("/lake [old]/a.parquet")
    '/lake [[]old]/a.parquet'
    """
    return _GLOB.sub(lambda found: f"[{found[0]}]", path)


def explain(failure: Exception) -> Diagnostic | None:
    """Say what a DuckDB error means that reading or writing a lake's files raised; None: it is about the query."""
    text = str(failure)
    if found := _TOO_LARGE.search(text) or _OUT_OF_DECIMAL.search(text):
        message = found[1] if text[found.start()] == "H" else f"{found[1]} is a whole number of more than 38 digits"
        return error("HW0651", message, hint="cast it to DOUBLE or text in the query")
    if found := _DISK.search(text):
        hint = "free some space, or run `headwater janitor`" if "space" in found[0] else "check who may write there"
        return error("HW0652", f"the lake cannot be written: {found[0].lower()}", hint=hint)
    if _MISSING.search(text) and ".parquet" in text:
        return error("HW0654", f"a file of the lake is missing: {_first_line(text)}", hint=_DOCTOR)
    if _UNREADABLE.search(text) and ".parquet" in text:
        return error("HW0655", f"a file of the lake is damaged: {_first_line(text)}", hint=_DOCTOR)
    return None


_DOCTOR: Final = "`headwater doctor` lists all damage and can repair it"


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
