"""What each file holds: one query for all files read alike, and a second look only at files with rows set aside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from headwater.connectors.sources.files.grouping import Layouts
from headwater.connectors.sources.files.positions import Place, places
from headwater.connectors.sources.files.reading import FILE, FLAW, Flaw, Reading, typed
from headwater.connectors.sources.files.rejecting import PAYLOAD_CHARACTERS, drop_rejects, take_rejects
from headwater.connectors.sources.files.rules import contract_flaws, moment_of
from headwater.connectors.sources.files.settings import Settings
from headwater.spec.observations import Inspection, Item, SetAside

if TYPE_CHECKING:
    import duckdb

LISTED_ROWS: Final = 10_000
"""So many rows set aside are kept of each file, one by one; of the rest the number is kept."""


@dataclass(slots=True)
class Tally:
    """What the counting query found in one file."""

    rows: int = 0
    hours: set[int] = field(default_factory=set)
    flawed: dict[int, int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        """Rows that the engine's reader gave, with or without a flaw."""
        return self.rows + sum(self.flawed.values())


def inspect_reading(
    connection: "duckdb.DuckDBPyConnection", settings: Settings, layouts: Layouts, reading: Reading, last: datetime
) -> Iterator[Inspection]:
    """Inspect all files of a reading."""
    drop_rejects(connection, [reading])
    items = reading.by_path
    more, bounds = contract_flaws(settings, reading.items, last)
    flaws = (*reading.flaws, *more)
    tallies = count_rows(connection, settings, reading, typed(reading, bounds, flaws))
    rejects = take_rejects(connection, reading, items)
    suspects = [scan for path, scan in zip(reading.paths, reading.items, strict=True) if tallies[path].flawed]
    flawed: dict[str, list[SetAside]] = {}
    for again in layouts.grouped(suspects).readings:
        flawed |= list_flawed(connection, settings, again, last, tallies, rejects)
    for path, item in items.items():
        tally = tallies[path]
        structural = [row for row in rejects if row.path == item.path]
        aside = tuple(sorted((*structural, *flawed.get(path, ())), key=lambda row: (row.position, row.line)))
        futures = sum(n for number, n in tally.flawed.items() if flaws[number - 1].reason == "future")
        yield Inspection(
            identity=item.identity,
            rows=tally.rows,
            hours=tuple(sorted(tally.hours)),
            set_aside=aside[:LISTED_ROWS],
            not_after=last if futures else None,
            more=sum(tally.flawed.values()) + len(structural) - len(aside[:LISTED_ROWS]),
        )


def count_rows(
    connection: "duckdb.DuckDBPyConnection", settings: Settings, reading: Reading, select: str
) -> dict[str, Tally]:
    """Count the rows of every file by hour and by flaw."""
    time = settings.time_column
    hour = f"CASE WHEN {FLAW} IS NULL THEN {moment_of(time, settings.contract.timezone).hour} END" if time else "NULL"
    # Every raw column has to be read here as it is in scans; a volatile condition keeps the engine from leaving it out.
    where = (
        f" WHERE NOT ({' AND '.join(f'{c} IS NULL' for c in reading.forced)}) OR random() >= 0"
        if reading.forced
        else ""
    )
    rows = connection.execute(
        f"SELECT {FILE}, {FLAW}, {hour} AS hour, count(*) FROM (SELECT * FROM ({select}) AS s{where}) AS all_rows GROUP BY ALL"
    ).fetchall()
    tallies = {path: Tally() for path in reading.paths}
    for path, flaw, occupied, count in rows:
        tally = tallies[path]
        if flaw is not None:
            tally.flawed[flaw] = tally.flawed.get(flaw, 0) + count
            continue
        tally.rows += count
        if occupied is not None:
            tally.hours.add(occupied)
    return tallies


def list_flawed(
    connection: "duckdb.DuckDBPyConnection",
    settings: Settings,
    reading: Reading,
    last: datetime | None,
    tallies: Mapping[str, Tally],
    rejects: Sequence[SetAside],
) -> dict[str, list[SetAside]]:
    """Read files that hold flawed rows once more, in order, for the position and the text of each; by full path."""
    more, bounds = contract_flaws(settings, reading.items, last)
    flaws = (*reading.flaws, *more)
    numbered = f"SELECT *, row_number() OVER () AS number FROM ({typed(reading, bounds, flaws)}) AS in_order"
    query = f"SELECT {FILE}, number, {FLAW}, {reading.payload} FROM ({numbered}) AS numbered WHERE {FLAW} IS NOT NULL"
    before = dict(zip(reading.paths, accumulate((tallies[p].accepted for p in reading.paths), initial=0), strict=False))
    found: dict[str, list[tuple[int, int, str]]] = {path: [] for path in reading.paths}
    cursor = connection.execute(query)
    while batch := cursor.fetchmany(LISTED_ROWS):
        for path, number, flaw, text in batch:
            if len(found[path]) < LISTED_ROWS:
                found[path].append((number - before[path], flaw, text))
    drop_rejects(connection, [reading])
    listed = {}
    for path, item in reading.by_path.items():
        skipped = {row.position for row in rejects if row.path == item.path}
        numbers = [number for number, _, _ in found[path]]
        at = places(settings, reading, path, numbers, skipped, tallies[path].accepted)
        listed[path] = [_set_aside(item, flaws[flaw - 1], text, at[number]) for number, flaw, text in found[path]]
    return listed


def _set_aside(item: Item, flaw: Flaw, text: str, place: Place) -> SetAside:
    return SetAside(
        identity=item.identity,
        path=item.path,
        position=place.position,
        line=place.line,
        reason=flaw.reason,
        column=flaw.column,
        message=flaw.message,
        payload=(place.text or text or "")[:PAYLOAD_CHARACTERS],
    )
