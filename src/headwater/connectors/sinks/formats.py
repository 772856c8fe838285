"""How rows become the bytes of a file: Parquet, CSV, JSON lines; what each cannot hold exactly is written as text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from headwater.sql.parquet import stored_columns, written
from headwater.sql.stored_types import JSON, TEXT, to_stored
from headwater.sql.text import quote_identifier, quote_literal

Columns = Sequence[tuple[str, str]]
"""(name, DuckDB type)"""
Compression = Literal["none", "gz", "zst"]

_COPY_COMPRESSION: Final = {"none": "none", "gz": "gzip", "zst": "zstd"}


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: its suffix, COPY's options, and the SELECT list for columns of which some name directories."""

    name: str
    suffix: str
    options: str
    outputs: Callable[[Columns, Sequence[str]], str]

    def copy(self, select: str, columns: Columns, path: str, partition_by: Sequence[str] = ()) -> str:
        """Write the COPY statement: to a file, or with ``partition_by`` to a directory of ``column=value`` ones."""
        options = self.options
        if partition_by:
            names = ", ".join(quote_identifier(name) for name in partition_by)
            options += f", PARTITION_BY ({names}), FILE_EXTENSION 'part', OVERWRITE_OR_IGNORE true"
        rows = f"SELECT {self.outputs(columns, partition_by)} FROM (\n{select}\n) AS _hw_rows"
        return f"COPY ({rows}) TO {quote_literal(path)} ({options})"


def parquet_format() -> Format:
    """Parquet; HUGEINT as DECIMAL(38,0), what else Parquet cannot hold as text (see the lake)."""
    return Format("parquet", ".parquet", "FORMAT parquet, COMPRESSION zstd", _parquet_outputs)


def csv_format(compression: Compression) -> Format:
    """CSV as RFC 4180 has it: header, commas, double quotes doubled, LF; NULL is empty, an empty text is ``""``."""
    options = (
        "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR '',"
        f" COMPRESSION {_COPY_COMPRESSION[compression]}"
    )
    return Format("csv", _suffix(".csv", compression), options, _csv_outputs)


def jsonl_format(compression: Compression) -> Format:
    """One JSON object a line. DuckDB's own JSON writer cannot partition, so its CSV writer puts the finished texts."""
    options = (
        "FORMAT csv, HEADER false, DELIMITER '\x1f', QUOTE '', ESCAPE '', NULLSTR '',"
        f" COMPRESSION {_COPY_COMPRESSION[compression]}"
    )
    return Format("jsonl", _suffix(".jsonl", compression), options, _jsonl_outputs)


def _suffix(suffix: str, compression: Compression) -> str:
    return suffix if compression == "none" else f"{suffix}.{compression}"


def _directories(columns: Columns, partition_by: Sequence[str]) -> dict[str, str]:
    """Columns that name directories: always as text that does not depend on the session."""
    named = {name.casefold() for name in partition_by}
    return {
        name: f"{to_stored(quote_identifier(name), type_, name, TEXT)} AS {quote_identifier(name)}"
        for name, type_ in columns
        if name.casefold() in named
    }


def _parquet_outputs(columns: Columns, partition_by: Sequence[str]) -> str:
    directories = _directories(columns, partition_by)
    kept = (c for c in stored_columns(columns) if c.name not in directories)
    return ", ".join([*(f"{written(c)} AS {quote_identifier(c.name)}" for c in kept), *directories.values()])


def _csv_outputs(columns: Columns, partition_by: Sequence[str]) -> str:
    directories = _directories(columns, partition_by)
    kept = (
        f"{to_stored(quote_identifier(name), type_, name, TEXT)} AS {quote_identifier(name)}"
        for name, type_ in columns
        if name not in directories
    )
    return ", ".join([*kept, *directories.values()])


def _jsonl_outputs(columns: Columns, partition_by: Sequence[str]) -> str:
    directories = _directories(columns, partition_by)
    kept = (
        f"{quote_identifier(name)} := {to_stored(quote_identifier(name), type_, name, JSON)}"
        for name, type_ in columns
        if name not in directories
    )
    return ", ".join([f"CAST(to_json(struct_pack({', '.join(kept)})) AS VARCHAR) AS _hw_row", *directories.values()])
