"""CSV and TSV: the engine's reader with every type declared, one relation for all files with the same header."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.connect.sources import ContractColumn, ScanItem
from headwater.connectors.sources.files.listing import full_path, read_paths
from headwater.connectors.sources.files.opening import BOM, head_of
from headwater.connectors.sources.files.reading import FILE, Flaw, Reading, path_list
from headwater.connectors.sources.files.settings import Dialect, Settings
from headwater.connectors.sources.files.times import time_from_text
from headwater.spec.addresses import address
from headwater.spec.observations import SetAside
from headwater.sql.text import quote_identifier, quote_literal
from headwater.sql.type_names import parse_type

_NATIVE: Final = frozenset(
    {
        *("VARCHAR", "BOOLEAN", "FLOAT", "DOUBLE", "DATE", "TIME"),
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    }
)
"""Types that the reader itself casts, exactly, with rejects; all others are cast from text behind it."""

_EXTRA: Final = "__hw_extra_"


@dataclass(frozen=True, slots=True)
class Header:
    """The names in a file's first line, in order; empty for a file without any line."""

    names: tuple[str, ...]
    text: str = ""


def header_of(settings: Settings, path: str) -> Header:
    """Read a file's header; OSError if it cannot be opened."""
    dialect = settings.dialect
    head = head_of(full_path(settings, path)).removeprefix(BOM)
    if not dialect.header:
        return Header(tuple(c.name for c in settings.contract.columns) if head else ())
    text = head.decode(dialect.encoding, errors="replace").lstrip("\r\n")
    if not text:
        return Header(())
    text = text.replace("\0", "")
    if len(dialect.delimiter) > 1:
        first = text.splitlines()[0]
        return Header(tuple(part.strip('"') for part in first.split(dialect.delimiter)), first)
    csv.field_size_limit(len(text) + 1)
    rows = csv.reader(text.splitlines(keepends=True), **csv_options(dialect))  # type: ignore[arg-type]
    return Header(tuple(next(rows, [])), text.splitlines()[0])


def csv_options(dialect: Dialect) -> dict[str, object]:
    """Give the options with which Python's reader cuts a record as the engine's does."""
    options: dict[str, object] = {"delimiter": dialect.delimiter}
    if not dialect.quote:
        return options | {"quoting": csv.QUOTE_NONE}
    is_doubled = dialect.escape in {"", dialect.quote}
    options |= {"quotechar": dialect.quote, "doublequote": is_doubled}
    return options if is_doubled else options | {"escapechar": dialect.escape}


def missing_columns(settings: Settings, header: Header) -> tuple[str, ...]:
    """Give the declared columns that a header does not name exactly once; where files evolve, some may be absent."""
    names = [name.strip().casefold() for name in header.names]
    may_lack = {c.name for c in settings.contract.columns if settings.may_lack(c)}
    wrong = {c.name: names.count(c.name.casefold()) for c in settings.contract.columns if not c.discovered}
    return tuple(name for name, count in wrong.items() if count != 1 and not (count == 0 and name in may_lack))


def delimited_reading(settings: Settings, items: Sequence[ScanItem], header: Header, *, is_serial: bool) -> Reading:
    """Give the reading of files that share a header; serial: one thread for each file."""
    paths = read_paths(settings, items)
    columns = _columns(settings, header)
    rejects = "hw_rejects_" + address(settings.address, str(is_serial), *paths)[:20]
    expressions = {c.name: _expression(settings, c, _reader_type(settings, c)) for c in settings.contract.columns}
    late = {
        c.name for c in settings.contract.columns if is_late(settings, c) and c.type != "VARCHAR" and not c.discovered
    }
    raw = [_raw_value(settings, c, columns) for c in settings.contract.columns]
    if settings.contract.evolve:  # whatever a file holds belongs to its rows, today and when it is discovered
        raw += [quote_identifier(name) for name in columns if name.startswith(_EXTRA)]
    names = [f"{name} AS {_raw(n)}" for n, name in enumerate(raw)]
    flaws = (
        ()
        if settings.contract.lazy
        else tuple(_cast_flaw(c, _raw(n)) for n, c in enumerate(settings.contract.columns) if c.name in late)
    )
    carried = [_raw(n) for n in range(len(raw))]
    parts = (
        _raw(n) if is_late(settings, c) else f"CASE WHEN {_raw(n)} IS NOT NULL THEN '' END"
        for n, c in enumerate(settings.contract.columns)
    )
    reader = _reader(settings, paths, columns, rejects, is_serial=is_serial)
    return Reading(
        items=tuple(items),
        paths=paths,
        relation=f"SELECT {', '.join(names)}, filename AS {FILE} FROM {reader}",
        columns=expressions,
        carried={name: f"raw.{name}" for name in carried},
        forced=tuple(carried),
        flaws=flaws,
        rejects=rejects,
        is_costly=bool(late),
        key=f"CAST(to_json([{', '.join(parts)}]) AS VARCHAR)",
        framing="records",
        header=tuple(columns),
    )


def _columns(settings: Settings, header: Header) -> dict[str, str]:
    """Name the columns of a file for the reader, with the types that it casts to."""
    names = [name.strip().casefold() for name in header.names]
    by_name = {
        c.name.casefold(): c
        for c in settings.contract.columns
        if not c.discovered or names.count(c.name.casefold()) == 1
    }
    columns: dict[str, str] = {}
    for number, name in enumerate(names, 1):
        column = by_name.get(name)
        columns[column.name if column else f"{_EXTRA}{number}"] = _reader_type(settings, column)
    return columns


def _raw_value(settings: Settings, column: ContractColumn, there: Mapping[str, str]) -> str:
    return quote_identifier(column.name) if column.name in there else f"CAST(NULL AS {_reader_type(settings, column)})"


def _raw(number: int) -> str:
    return f"__hw_raw_{number}"


def _reader_type(settings: Settings, column: ContractColumn | None) -> str:
    return "VARCHAR" if column is None or is_late(settings, column) else column.type


def is_late(settings: Settings, column: ContractColumn) -> bool:
    """Whether a column is read as text and cast behind the reader (the time column always: it is judged as text)."""
    return (
        settings.contract.lazy
        or column.discovered
        or column.name == settings.contract.time
        or not is_native(column.type)
    )


def is_native(type_: str) -> bool:
    """Whether the reader casts to a type itself and reports what it cannot cast."""
    return (type_ in _NATIVE and type_ != "VARCHAR") or type_.startswith("DECIMAL")


def _expression(settings: Settings, column: ContractColumn, reader_type: str) -> str:
    number = settings.contract.columns.index(column)
    raw = f"raw.{_raw(number)}"
    if reader_type == column.type:
        return raw
    from_text = time_from_text(raw, column.type, settings.contract.timezone)
    if from_text or parse_type(column.type).is_leaf:
        return from_text or f"TRY_CAST({raw} AS {column.type})"
    return f"TRY(CAST({raw} AS {column.type}))"  # TRY_CAST would give NULL for a part that does not cast


def _cast_flaw(column: ContractColumn, raw: str) -> Flaw:
    name = quote_identifier(column.name)
    return Flaw("cast", column.name, f"{raw} IS NOT NULL AND {name} IS NULL", f"`{column.name}` is no {column.type}")


def _reader(
    settings: Settings, paths: tuple[str, ...], columns: Mapping[str, str], rejects: str, *, is_serial: bool
) -> str:
    dialect = settings.dialect
    types = ", ".join(f"{quote_literal(name)}: {quote_literal(type_)}" for name, type_ in columns.items())
    return (
        f"read_csv({path_list(paths)}, auto_detect = false, columns = {{{types}}}, "
        f"delim = {quote_literal(dialect.delimiter)}, quote = {quote_literal(dialect.quote)}, "
        f"escape = {quote_literal(dialect.escape if dialect.quote else '')}, "
        f"header = {'true' if dialect.header else 'false'}, "
        f"nullstr = [{', '.join(map(quote_literal, dialect.null))}], encoding = {quote_literal(dialect.encoding)}, "
        f"strict_mode = true, null_padding = false, parallel = {'false' if is_serial else 'true'}, filename = true, "
        f"buffer_size = {settings.buffer_bytes}, max_line_size = {settings.max_line}, hive_partitioning = false, "
        f"store_rejects = true, rejects_limit = 0, rejects_table = {quote_literal(rejects)}, "
        f"rejects_scan = {quote_literal(rejects + '_files')})"
    )


def what_is_wrong(header: Header, missing: tuple[str, ...]) -> str:
    """Say which declared columns a file does not have, or has more than once.

    >>> what_is_wrong(Header(("a", "a"), ""), ("a", "b"))
    'does not have the column `b` and has the column `a` more than once'
    """
    names = {name.strip().casefold() for name in header.names}
    absent, several = ([n for n in missing if (n.casefold() in names) is there] for there in (False, True))
    parts = [f"does not have the {_columns_named(absent)}"] if absent else []
    parts += [f"has the {_columns_named(several)} more than once"] if several else []
    return " and ".join(parts)


def _columns_named(names: Sequence[str]) -> str:
    return f"column{'s' * (len(names) > 1)} {', '.join(f'`{name}`' for name in names)}"


def schema_reject(scan: ScanItem, header: Header, missing: tuple[str, ...]) -> SetAside:
    """Set a whole file aside whose columns are others than declared."""
    return SetAside(
        identity=scan.item.identity, path=scan.item.path, position=0, line=1, reason="schema", column=missing[0],
        message=f"the file {what_is_wrong(header, missing)}; it is set aside as a whole", payload=header.text[:4096],
    )  # fmt: skip
