"""Rows that the engine's reader set aside: read from its temporary tables, once, and forgotten there."""

from collections.abc import Iterable, Mapping
from typing import IO, TYPE_CHECKING, Final

from headwater.connectors.sources.files.reading import Reading
from headwater.connectors.sources.files.settings import COMPRESSIONS
from headwater.spec.observations import Item, SetAside
from headwater.sql.text import quote_identifier, quote_literal

if TYPE_CHECKING:
    import duckdb

PAYLOAD_CHARACTERS: Final = 4096
"""So much of a row is kept; the rest can be read in the file, at its position."""
_LINE_ENDS_BYTES: Final = 64
_Row = tuple[str, int | None, int, str, str, str, str | None, str]
_REASONS: Final = {
    "CAST": "cast",
    "MISSING COLUMNS": "columns",
    "TOO MANY COLUMNS": "columns",
    "UNQUOTED VALUE": "quotes",
    "INVALID ENCODING": "encoding",
    "INVALID STATE": "format",
    "LINE SIZE OVER MAXIMUM": "too long",
}


def take_rejects(
    connection: "duckdb.DuckDBPyConnection", reading: Reading, items: Mapping[str, Item]
) -> list[SetAside]:
    """Give what was set aside since the last call; ``items`` by full path."""
    if not reading.rejects or not _exists(connection, reading.rejects):
        return []
    errors, files = (quote_identifier(reading.rejects + suffix) for suffix in ("", "_files"))
    rows = connection.execute(
        f"SELECT f.file_path, e.line_byte_position, e.line, e.error_type, coalesce(e.column_name, ''), "
        f"e.error_message, left(e.csv_line, {PAYLOAD_CHARACTERS}), f.newline_delimiter "
        f"FROM {errors} AS e JOIN {files} AS f ON e.scan_id = f.scan_id AND e.file_id = f.file_id "
        # One row of a file can have several errors: those of its structure explain the others.
        f"QUALIFY row_number() OVER (PARTITION BY f.file_path, e.line_byte_position "
        f"ORDER BY CAST(e.error_type AS VARCHAR) = 'CAST', e.column_idx) = 1 "
        f"ORDER BY f.file_path, e.line_byte_position"
    ).fetchall()
    for table in (errors, files):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
    by_path: dict[str, list[_Row]] = {}
    for row in rows:
        by_path.setdefault(row[0], []).append(row)
    known = ((path, found) for path, found in by_path.items() if path in items)
    return [_set_aside(row, items[path]) for path, found in known for row in _placed(path, found)]


def _placed(path: str, rows: list[_Row]) -> list[_Row]:
    """Correct positions: the engine's may be those of the line ends before a row (after CRLF and empty lines)."""
    if path.lower().endswith(COMPRESSIONS):
        return [(p, at + 1 if at and n > 1 and end == "\\r\\n" else at, n, *_, end) for p, at, n, *_, end in rows]
    try:
        with open(path, "rb") as file:
            return [(p, at and at + _line_ends(file, at - 1), n, *_) for p, at, n, *_ in rows]
    except OSError:
        return rows


def _line_ends(file: IO[bytes], at: int) -> int:
    file.seek(at)
    piece = file.read(_LINE_ENDS_BYTES)
    return len(piece) - len(piece.lstrip(b"\r\n"))


def _exists(connection: "duckdb.DuckDBPyConnection", table: str) -> bool:
    query = f"SELECT 1 FROM duckdb_tables() WHERE temporary AND table_name = {quote_literal(table)}"
    return bool(connection.execute(query).fetchall())


def _set_aside(row: _Row, item: Item) -> SetAside:
    _, position, line, kind, column, message, payload, _ = row
    return SetAside(
        identity=item.identity,
        path=item.path,
        position=-1 if position is None else position - 1,
        line=line,
        reason=_REASONS.get(kind, kind.lower()),
        column=column if _REASONS.get(kind) in {"cast", "encoding"} else "",
        message=message,
        payload=payload or "",
    )


def drop_rejects(connection: "duckdb.DuckDBPyConnection", readings: Iterable[Reading]) -> None:
    """Forget what earlier scans reported."""
    for reading in readings:
        if reading.rejects:
            for suffix in ("", "_files"):
                connection.execute(f"DROP TABLE IF EXISTS temp.{quote_identifier(reading.rejects + suffix)}")
