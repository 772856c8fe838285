"""The rows of a source as one SELECT: those without a flaw, whatever a query above asks for."""

from headwater.connectors.sources.files import noting
from headwater.connectors.sources.files.reading import FLAW, KEEP, Reading
from headwater.sql.text import quote_identifier


def scan_select(reading: Reading, select: str, notes: str = "") -> str:
    """Give declared columns of rows without a flaw; ``select`` is the reading's ``typed`` SELECT.

    ``notes`` names the notes of rows with a flaw, taken whatever the query's own filters say.
    """
    columns = ", ".join(map(quote_identifier, reading.columns))
    if not notes:
        kept = f"SELECT *, {_keep(reading, _flawless(reading))} AS {KEEP} FROM ({select}) AS judged"
        return f"SELECT {columns} FROM ({kept}) AS kept WHERE {KEEP}"
    numbered = f"SELECT *, {noting.number_of(notes)} AS {noting.NUMBER} FROM ({select}) AS judged"
    kept = f"SELECT *, {_keep(reading, noting.cases(notes, reading.key))} AS {KEEP} FROM ({numbered}) AS numbered"
    fenced = ", ".join([*map(_fenced, reading.columns), KEEP])
    return f"SELECT {columns} FROM (SELECT {fenced} FROM ({kept}) AS kept) AS fenced WHERE {KEEP}"


def _fenced(name: str) -> str:
    # A volatile expression keeps the query's filters above it, so that they cannot hide a row from the notes.
    column = quote_identifier(name)
    return f"CASE WHEN random() < 2 THEN {column} END AS {column}"


def _flawless(reading: Reading) -> str:
    # A volatile condition keeps filters from computing costly columns a second time.
    return f"WHEN {FLAW} IS NOT NULL THEN {'random() < 0' if reading.is_costly else 'false'}"


def _keep(reading: Reading, cases: str) -> str:
    if reading.forced:
        # Nothing can be concluded of a volatile branch: each of these columns has to be read to know whether it runs.
        cases += f" WHEN {reading.absent} THEN random() >= 0"
    return f"CASE {cases} ELSE true END"
