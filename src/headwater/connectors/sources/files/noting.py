"""Rows with a flaw, noted by the very scan that meets them: in the engine's log, which SQL writes and reads.

A sequence numbers them. If a scan met more than are noted (or another session cleared the log meanwhile), the numbers
say so, and the rows are looked for by a query of their own.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headwater.connectors.sources.files.reading import FILE, FLAW
from headwater.sql.text import quote_identifier, quote_literal

if TYPE_CHECKING:
    import duckdb

MOST_NOTES: Final = 10_000
"""So many rows are noted between two calls of ``take_notes``: the log is held in memory."""
_LONGEST_KEY_BYTES: Final = 1 << 16
_ROUND: Final = 1 << 32
"""Numbers of one round begin at a multiple of this: earlier notes are told apart without clearing the log."""
_CLEARED_AT: Final = 5 * MOST_NOTES
NUMBER: Final = "__hw_number"


@dataclass(frozen=True, slots=True)
class Note:
    """A row with a flaw: the file's full path, the number of the flaw (from 1), and the row's key."""

    path: str
    flaw: int
    key: str


def setup_of(name: str) -> tuple[str, ...]:
    """Give the statements that a connection needs before a scan whose notes have this name."""
    return (
        f"CREATE TEMP SEQUENCE IF NOT EXISTS {quote_identifier(name)} START WITH {_ROUND}",
        # Nothing else is logged: the engine writes no entries of this level.
        "CALL enable_logging(level = 'fatal', storage = 'memory')",
    )


def number_of(name: str) -> str:
    """Give the expression that numbers rows with a flaw; NULL for the others."""
    return f"CASE WHEN {FLAW} IS NOT NULL THEN nextval({quote_literal(f'temp.{name}')}) END"


def cases(name: str, key: str) -> str:
    """Give the branches of a CASE, over numbered rows, for those with a flaw: not TRUE, and noted on the way."""
    fields = f"to_json([{FILE}, CAST({FLAW} AS VARCHAR), {key}])"
    entry = f"concat({quote_literal(name + ' ')}, {NUMBER}, ' ', {fields})"
    is_noted = f"{NUMBER} % {_ROUND} < {MOST_NOTES} AND strlen({key}) <= {_LONGEST_KEY_BYTES}"
    # The log gives NULL for what is written to it.
    written = f"write_log({entry}, level := 'fatal') IS NOT NULL"
    return f"WHEN {NUMBER} IS NOT NULL THEN CASE WHEN {is_noted} THEN {written} ELSE false END"


def take_notes(connection: "duckdb.DuckDBPyConnection", name: str) -> list[Note] | None:
    """Give what scans on this connection noted since the last call; None if they met rows that are not noted."""
    # Not as a parameter: binding one imports pandas, which takes longer than small files.
    query = f"SELECT last_value FROM duckdb_sequences() WHERE temporary AND sequence_name = {quote_literal(name)}"
    counted = connection.execute(query).fetchall()
    last = counted[0][0] if counted else None
    if last is None:
        return []
    first = last - last % _ROUND
    connection.execute(f"CREATE OR REPLACE TEMP SEQUENCE {quote_identifier(name)} START WITH {first + _ROUND}")
    entries = [] if last - first >= MOST_NOTES else _entries(connection, name)
    numbered = {number: fields for number, fields in entries if number >= first}
    if len(numbered) != last - first + 1:
        return None
    return [Note(path, int(flaw), key) for path, flaw, key in numbered.values()]


def _entries(connection: "duckdb.DuckDBPyConnection", name: str) -> list[tuple[int, list[str]]]:
    rows = connection.execute(
        f"SELECT message FROM system.main.duckdb_logs WHERE connection_id = current_connection_id() "
        f"AND starts_with(message, {quote_literal(name + ' ')})"
    ).fetchall()
    held = connection.execute("SELECT count(*) FROM system.main.duckdb_logs").fetchall()[0][0]
    if held > _CLEARED_AT:
        connection.execute("CALL truncate_duckdb_logs()")
    parts = (message.split(" ", 2) for (message,) in rows)
    return [(int(number), json.loads(fields)) for _, number, fields in parts]
