"""The files source: observe, inspect, scan and collect, over readings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from headwater.connect.sources import Scan, ScanItem
from headwater.connectors.sources.files import listing, noting, serial
from headwater.connectors.sources.files.archives import Archives, scratch_folder
from headwater.connectors.sources.files.delimited import is_native
from headwater.connectors.sources.files.discovering import Discovery
from headwater.connectors.sources.files.grouping import Layouts
from headwater.connectors.sources.files.inspecting import count_rows, inspect_reading, set_aside, tallies_of
from headwater.connectors.sources.files.reading import Bounds, Flaw, Reading, typed
from headwater.connectors.sources.files.rejecting import take_rejects
from headwater.connectors.sources.files.rules import contract_flaws
from headwater.connectors.sources.files.scanning import scan_select
from headwater.connectors.sources.files.settings import LINE_FORMATS, Settings
from headwater.diagnostics import Diagnostic, Invalid, Retryable, error
from headwater.spec.addresses import address
from headwater.spec.observations import Inspection, Item, SetAside
from headwater.sql.text import quote_identifier

if TYPE_CHECKING:
    import duckdb

_NOTED: Final = LINE_FORMATS | {"jsonl"}
"""Formats whose scans note what they set aside; that keeps filters above them, which costs others more."""
_READ_TWICE: Final = frozenset({"json", "parquet"})


class Files:
    """Rows from files, read in place."""

    def __init__(self, settings: Settings) -> None:
        is_owner = not settings.scratch
        base = settings.contract.unpacked or f"{settings.root}/.headwater/tmp"
        settings = replace(settings, scratch=settings.scratch or scratch_folder(base))
        self._settings = settings
        self._layouts = Layouts(settings)
        self._archives = Archives(settings, is_owner=is_owner)

    @property
    def needs_inspection(self) -> bool:
        """Where time is cut, and where a scan does not report what it sets aside."""
        settings = self._settings
        if settings.contract.time is not None or any(c.required for c in settings.contract.columns):
            return True
        return settings.format not in _NOTED and (settings.format in _READ_TWICE or self._casts_late)

    @property
    def _casts_late(self) -> bool:
        columns = self._settings.contract.columns
        return not self._settings.contract.lazy and any(
            c.type != "VARCHAR" and not is_native(c.type) and not c.discovered for c in columns
        )

    def observe(self, site: str) -> tuple[tuple[Item, ...], list[Diagnostic]]:
        """List the files at a site, ordered by path."""
        return listing.observe(self._settings, site)

    def changed(self, items: Iterable[Item]) -> tuple[str, ...]:
        """Give the paths that are no longer what was observed."""
        return listing.changed(self._settings, items)

    def inspect(
        self, connection: "duckdb.DuckDBPyConnection", items: Sequence[Item], site: str, now: datetime
    ) -> Iterable[Inspection]:
        """Read each file once and say what is in it."""
        del site
        last = now + timedelta(seconds=self._settings.contract.ahead_s)
        scans = [ScanItem(item=item) for item in items]
        self._archives.start(items)
        with self._explained(items):
            grouped = self._layouts.grouped(scans)
            found = self._inspected(connection, scans, last)
        self._archives.finish(items)
        listing.refuse_changed(self._settings, items)
        for row in grouped.set_aside:
            found[row.identity] = Inspection(row.identity, 0, (), (row,))
        self._add_long_lines(items, found)
        inspections = [found.get(i.identity) or Inspection(i.identity, 0, ()) for i in items]
        self._refuse_bad_rows(row for inspection in inspections for row in inspection.set_aside)
        return inspections

    def _add_long_lines(self, items: Sequence[Item], found: dict[str, Inspection]) -> None:
        for item in items:
            before = found.get(item.identity) or Inspection(item.identity, 0, ())
            rows = self._archives.with_long_lines([item], before.set_aside)
            if tuple(rows) != before.set_aside:
                rows.sort(key=lambda row: (row.position, row.line))
                found[item.identity] = replace(before, set_aside=tuple(rows))

    def discover(
        self, connection: "duckdb.DuckDBPyConnection", items: Sequence[Item]
    ) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Read the columns that the contract does not declare, and say which types hold their values."""
        self._archives.unpack(items)
        with self._explained(items):
            found = Discovery(self._settings, self._layouts, connection, lambda s, f: Files(s).scan(f)).of(items)
        listing.refuse_changed(self._settings, items)
        return found

    def _inspected(
        self, connection: "duckdb.DuckDBPyConnection", scans: Sequence[ScanItem], last: datetime
    ) -> dict[str, Inspection]:
        found: dict[str, Inspection] = {}
        for reading in self._layouts.grouped(scans).readings:
            found |= {i.identity: i for i in inspect_reading(connection, self._settings, reading, last)}
        suspects = [s for s in scans if s.item.identity in found
                    and serial.is_suspect(self._settings, s, found[s.item.identity].set_aside)]  # fmt: skip
        if not suspects:
            return found
        again = self._inspected(connection, [serial.marked(scan) for scan in suspects], last)
        for scan in suspects:
            before, after = found[scan.item.identity], again[scan.item.identity]
            rows = (*after.set_aside, *serial.open_end(before.set_aside, after.set_aside), serial.mark(scan.item))
            found[scan.item.identity] = replace(after, set_aside=rows)
        return found

    def scan(self, items: Sequence[ScanItem]) -> Scan:
        """Offer files as one relation."""
        self._archives.unpack(scan.item for scan in items)
        readings = self._layouts.grouped(items).readings
        if not self.needs_inspection:
            self._archives.start(scan.item for scan in items)
        if not readings:
            columns = (f"CAST(NULL AS {c.type}) AS {quote_identifier(c.name)}" for c in self._settings.contract.columns)
            return Scan(f"SELECT {', '.join(columns)} WHERE false")
        setup: list[str] = []
        selects = []
        for reading in readings:
            notes = self._notes(reading)
            setup += noting.setup_of(notes) if notes else ()
            selects.append(scan_select(reading, self._typed(reading), notes))
        return Scan(" UNION ALL ".join(selects), tuple(setup))

    def _typed(self, reading: Reading) -> str:
        flaws, bounds = self._flaws(reading)
        return typed(reading, bounds, flaws)

    def _flaws(self, reading: Reading) -> tuple[tuple[Flaw, ...], Bounds]:
        flaws, bounds = contract_flaws(self._settings, reading.items, None)
        return (*reading.flaws, *flaws), bounds

    def _notes(self, reading: Reading) -> str:
        if self.needs_inspection or not reading.flaws:
            return ""
        return "hw_flawed_" + address(self._settings.address, *reading.paths)[:20]

    def collect(self, connection: "duckdb.DuckDBPyConnection", items: Sequence[ScanItem]) -> tuple[SetAside, ...]:
        """Give what scans on this connection set aside since the last call."""
        files = [scan.item for scan in items]
        self._archives.finish(files)
        with self._explained(files):
            grouped = self._layouts.grouped(items)
            found = [*grouped.set_aside, *self._collected(connection, grouped.readings)]
            found += [serial.mark(s.item) for s in items if serial.is_suspect(self._settings, s, found)]
        found = self._archives.with_long_lines(files, found)
        self._refuse_bad_rows(found)
        return tuple(found)

    def _collected(self, connection: "duckdb.DuckDBPyConnection", readings: Iterable[Reading]) -> list[SetAside]:
        found = []
        for reading in readings:
            rejects = take_rejects(connection, reading, reading.by_path)
            found += [*rejects, *self._counted(connection, reading, rejects)]
            for scan in filter(serial.is_marked, reading.items):
                [again] = self._layouts.grouped([serial.unmarked(scan)]).readings
                count_rows(connection, self._settings, again, None)
                own = [row for row in rejects if row.path == scan.item.path]
                found += serial.open_end(take_rejects(connection, again, again.by_path), own)
        return found

    def _counted(
        self, connection: "duckdb.DuckDBPyConnection", reading: Reading, rejects: Sequence[SetAside]
    ) -> list[SetAside]:
        """Rows with a flaw: those noted, or all, if the scan met more."""
        name = self._notes(reading)
        if not name:
            return []
        notes = noting.take_notes(connection, name)
        if notes is None:
            tallies = count_rows(connection, self._settings, reading, None)
            take_rejects(connection, reading, {})
        else:
            tallies = tallies_of(notes, self._flaws(reading)[0])
        return [
            row for path, tally in tallies.items() for row in set_aside(self._settings, reading, path, tally, rejects)
        ]

    def _refuse_bad_rows(self, rows: Iterable[SetAside]) -> None:
        if not self._settings.contract.fail_on_bad_row:
            return
        bad = next((row for row in rows if not row.recovered), None)
        if bad is None:
            return
        raise Invalid(
            error(
                "HW0312",
                f"`{bad.path}`, line {bad.line}: {bad.message}",
                self._settings.where,
                hint="mend the row, or say `on_bad_row: quarantine` to set such rows aside",
            )
        )

    @contextmanager
    def _explained(self, items: Sequence[Item]) -> Iterator[None]:
        """Turn the engine's errors over files into diagnostics that name the file."""
        import duckdb

        try:
            yield
        except duckdb.InterruptException:
            raise
        except duckdb.Error as problem:
            listing.refuse_changed(self._settings, items)
            raise explain(self._settings, problem, items) from problem


def explain(settings: Settings, problem: Exception, items: Sequence[Item]) -> Invalid | Retryable:
    """Say in the user's words why the engine could not read files."""
    text = str(problem)
    paths: Mapping[str, str] = {item.path: listing.read_path(settings, item) for item in items}
    path = next((path for path, full in paths.items() if full in text), "")
    name = f"`{path}`" if path else f"a file of `{settings.pattern.text}`"
    cause = text.splitlines()[0].replace(paths.get(path, "\0"), path) if text else "unknown cause"
    if "invalid state" in text:
        return Invalid(
            error("HW0313", f"{name} ends its lines in different ways", settings.where,
                  hint="write it with one kind of line end throughout (such as: dos2unix)")
        )  # fmt: skip
    return Invalid(
        error("HW0314", f"{name} cannot be read to its end: {cause}", settings.where,
              hint="it may be cut off or of another format; replace it, or leave it out of `path`")
    )  # fmt: skip
