"""Parquet: columns whose type in the file is the declared one are taken as they are, others are cast and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.connect.sources import ContractColumn, ScanItem
from headwater.connectors.sources.files.listing import full_path, read_paths
from headwater.connectors.sources.files.reading import FILE, Flaw, Reading, path_list
from headwater.connectors.sources.files.settings import Settings
from headwater.connectors.sources.files.times import time_from_text
from headwater.diagnostics import Invalid, error
from headwater.sql.text import quote_identifier, quote_literal

_ARROW = {
    "bool": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT",
    "uint8": "UTINYINT", "uint16": "USMALLINT", "uint32": "UINTEGER", "uint64": "UBIGINT", "float": "FLOAT",
    "double": "DOUBLE", "string": "VARCHAR", "large_string": "VARCHAR", "binary": "BLOB", "large_binary": "BLOB",
    "date32[day]": "DATE", "timestamp[us]": "TIMESTAMP", "timestamp[us, tz=UTC]": "TIMESTAMP WITH TIME ZONE",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileSchema:
    """Names and types (as DuckDB calls them; "" where that is not certain) of a file's columns."""

    columns: tuple[tuple[str, str], ...]


def schema_of(settings: Settings, path: str) -> FileSchema:
    """Read a file's schema; OSError if it cannot be opened, Invalid if it is not Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(full_path(settings, path))
    except pa.ArrowException as problem:
        text = f"`{path}` is not a whole Parquet file: {str(problem).splitlines()[0]}"
        raise Invalid(
            error("HW0310", text, settings.where, hint="replace the file, or leave it out of `path`")
        ) from None
    return FileSchema(tuple((f.name, _type_of(f.type)) for f in schema))


def _type_of(arrow: Any) -> str:
    text = str(arrow)
    if text.startswith("decimal128("):
        return "DECIMAL" + text.removeprefix("decimal128").replace(" ", "")
    return _ARROW.get(text, "")


def columnar_reading(settings: Settings, items: Sequence[ScanItem], schema: FileSchema) -> Reading:
    """Give the reading of files that share a schema."""
    paths = read_paths(settings, items)
    there = {name.casefold(): (name, type_) for name, type_ in schema.columns}
    declared = settings.contract.columns
    lacking = {c.name.casefold(): ("", c.type) for c in declared if c.name.casefold() not in there}
    raw = [f"{_raw_value(c, there)} AS __hw_raw_{n}" for n, c in enumerate(declared)]
    there |= lacking
    cast = {c.name for c in declared if there[c.name.casefold()][1] != c.type}
    flaws = () if settings.contract.lazy else tuple(
        Flaw(
            "cast", c.name, f"(__hw_raw_{n} IS NOT NULL AND {quote_identifier(c.name)} IS NULL)",
            f"`{c.name}` is no {c.type}",
        )
        for n, c in enumerate(declared) if c.name in cast and not c.discovered
    )  # fmt: skip
    options = "filename = true, file_row_number = true, hive_partitioning = false, union_by_name = false"
    read = f"read_parquet({path_list(paths)}, {options})"
    shown = (f"__hw_raw_{n}" if c.name in cast else quote_identifier(c.name) for n, c in enumerate(declared))
    pairs = ", ".join(f"{quote_literal(c.name)}: {value}" for c, value in zip(declared, shown, strict=True))
    return Reading(
        items=tuple(items),
        paths=paths,
        relation=f"SELECT {', '.join(raw)}, filename AS {FILE}, file_row_number AS __hw_number FROM {read}",
        columns={
            c.name: _expression(c, f"raw.__hw_raw_{n}", there[c.name.casefold()][1], settings.contract.timezone)
            for n, c in enumerate(declared)
        },
        carried={
            "__hw_number": "raw.__hw_number",
            **{f"__hw_raw_{n}": f"raw.__hw_raw_{n}" for n, c in enumerate(declared) if c.name in cast},
        },
        flaws=flaws,
        key=f"concat(__hw_number, ' ', to_json({{{pairs}}}))",
    )


def _raw_value(column: ContractColumn, there: Mapping[str, tuple[str, str]]) -> str:
    found = there.get(column.name.casefold())
    return quote_identifier(found[0]) if found else f"CAST(NULL AS {column.type})"


def _expression(column: ContractColumn, raw: str, there: str, timezone: str) -> str:
    if there == column.type:
        return raw
    if there == "VARCHAR":
        return time_from_text(raw, column.type, timezone) or f"TRY_CAST({raw} AS {column.type})"
    if {there, column.type} == {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP"}:
        return f"timezone({quote_literal(timezone)}, {raw})"
    return f"TRY_CAST({raw} AS {column.type})"
