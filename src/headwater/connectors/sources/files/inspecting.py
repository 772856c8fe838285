"""What each file holds: one query for all that are read alike; rows set aside are then looked for in them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from headwater.connectors.sources.files.noting import Note
from headwater.connectors.sources.files.positions import Place, find
from headwater.connectors.sources.files.reading import FILE, FLAW, Flaw, Reading, typed
from headwater.connectors.sources.files.rejecting import PAYLOAD_CHARACTERS, drop_rejects, take_rejects
from headwater.connectors.sources.files.rules import contract_flaws
from headwater.connectors.sources.files.settings import Settings
from headwater.spec.observations import Inspection, Item, SetAside, runs_of
from headwater.sql.moments import moment_of

if TYPE_CHECKING:
    import duckdb

LISTED_ROWS: Final = 10_000
"""So many rows set aside are kept of each file, one by one; of the rest the number is kept."""


@dataclass(slots=True)
class Tally:
    """What the counting query found in one file."""

    rows: int = 0
    occupied: set[int] = field(default_factory=set)
    """Stretches of time with rows."""
    flawed: int = 0
    futures: int = 0
    keys: dict[str, Flaw] = field(default_factory=dict)
    """The flaw of each row set aside, by its key; not more than are listed."""
    is_noted: bool = False
    """Rows were noted by scans: by several, or by one that did not read all, if a query said so."""


def inspect_reading(
    connection: "duckdb.DuckDBPyConnection", settings: Settings, reading: Reading, last: datetime
) -> Iterator[Inspection]:
    """Inspect all files of a reading."""
    drop_rejects(connection, [reading])
    tallies = count_rows(connection, settings, reading, last)
    rejects = take_rejects(connection, reading, reading.by_path)
    by_file: dict[str, list[SetAside]] = {}
    for row in rejects:
        by_file.setdefault(row.path, []).append(row)
    for path, item in reading.by_path.items():
        tally, structural = tallies[path], by_file.get(item.path, [])
        aside = sorted([*structural, *set_aside(settings, reading, path, tally, structural)], key=_order)
        yield Inspection(
            identity=item.identity,
            rows=tally.rows,
            occupied=runs_of(tally.occupied, settings.contract.granule_s),
            granule_s=settings.contract.granule_s,
            set_aside=tuple(aside[:LISTED_ROWS]),
            not_after=last if tally.futures else None,
            more=max(0, tally.flawed + len(structural) - len(aside[:LISTED_ROWS])),
        )


def _order(row: SetAside) -> tuple[int, int]:
    return row.position, row.line


def count_rows(
    connection: "duckdb.DuckDBPyConnection", settings: Settings, reading: Reading, last: datetime | None
) -> dict[str, Tally]:
    """Count the rows of every file by stretch of time and by flaw, in one query; ``last`` as in ``contract_flaws``."""
    more, bounds = contract_flaws(settings, reading.items, last)
    flaws = (*reading.flaws, *more)
    time = settings.time_column
    contract = settings.contract
    granule = moment_of(time.name, time.type, contract.timezone).granule(contract.granule_s) if time else "NULL"
    forced = f" WHERE CASE WHEN {reading.absent} THEN random() >= 0 ELSE true END" if reading.forced else ""
    key = f"min(CASE WHEN {FLAW} IS NOT NULL THEN {reading.key} END, {LISTED_ROWS})"
    rows = connection.execute(
        f"SELECT {FILE}, {FLAW}, CASE WHEN {FLAW} IS NULL THEN {granule} END AS granule, count(*), {key} "
        f"FROM ({typed(reading, bounds, flaws)}) AS judged{forced} GROUP BY ALL"
    ).fetchall()
    tallies = {path: Tally() for path in reading.paths}
    for path, flaw, occupied, count, keys in rows:
        _add(tallies[path], flaws[flaw - 1] if flaw else None, occupied, count, keys or ())
    return tallies


def _add(tally: Tally, flaw: Flaw | None, granule: int | None, count: int, keys: Sequence[str]) -> None:
    if flaw is None:
        tally.rows += count
        tally.occupied |= {granule} if granule is not None else set()
        return
    tally.flawed += count
    tally.futures += count if flaw.reason == "future" else 0
    tally.keys |= dict.fromkeys(keys, flaw)


def tallies_of(notes: Iterable[Note], flaws: Sequence[Flaw]) -> dict[str, Tally]:
    """Give what scans noted, by path."""
    tallies: dict[str, Tally] = {}
    for note in notes:
        tally = tallies.setdefault(note.path, Tally(is_noted=True))
        _add(tally, flaws[note.flaw - 1], None, 1, (note.key,))
    return tallies


def set_aside(
    settings: Settings, reading: Reading, path: str, tally: Tally, rejects: Sequence[SetAside]
) -> list[SetAside]:
    """Give the flawed rows of a file, each with its place; where places are not certain, none is claimed."""
    if not tally.flawed:
        return []
    item = reading.by_path[path]
    skipped = {row.position for row in rejects if row.path == item.path}
    found = find(settings, reading, path, tally.keys, skipped)
    are_all = len({place.key for place in found}) == len(tally.keys) if tally.is_noted else len(found) == tally.flawed
    if not are_all and len(tally.keys) < LISTED_ROWS:
        found = [Place(key, -1, number, key) for number, key in enumerate(tally.keys, 1)]
    return [_set_aside(item, tally.keys[place.key], place) for place in found[:LISTED_ROWS]]


def _set_aside(item: Item, flaw: Flaw, place: Place) -> SetAside:
    return SetAside(
        identity=item.identity,
        path=item.path,
        position=place.position,
        line=place.line,
        reason=flaw.reason,
        column=flaw.column,
        message=flaw.message,
        payload=place.text[:PAYLOAD_CHARACTERS],
    )
