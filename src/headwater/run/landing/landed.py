"""A landed source as planning and tasks see it: the ranges in the lake are its files, and their rows are its rows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from headwater.connect.landing import Extractor
from headwater.connect.sources import Contract, Scan, ScanItem
from headwater.connect.stores import Store
from headwater.diagnostics import Broken, Diagnostic, Where
from headwater.spec.observations import Inspection, Item, SetAside, runs_of
from headwater.spec.ranges import LandedRange, served_ranges
from headwater.sql.moments import moment_of

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedSource:
    """Fulfils ``connect.sources.Source`` over ranges; ``extractor`` brings new ones (see ``run.landing``)."""

    location: str
    contract: Contract
    extractor: Extractor | None
    """None: it is only read here."""
    store: Store
    ranges: Callable[[str], list[LandedRange]]
    """Site → the ranges known of it, in order."""
    where: Where | None = None

    @property
    def needs_inspection(self) -> bool:
        """Where time is cut: the hours (or shorter stretches) of a range are found once."""
        return self.contract.time is not None

    def observe(self, site: str) -> tuple[tuple[Item, ...], list[Diagnostic]]:
        """Give the ranges as items; nothing is landed here."""
        return tuple(item_of(each) for each in served_ranges(self.ranges(site))), []

    def inspect(
        self, connection: "duckdb.DuckDBPyConnection", items: Sequence[Item], site: str, now: datetime
    ) -> Iterable[Inspection]:
        """Find the stretches of time for which each range has rows; its rows were judged when it was landed."""
        del site, now
        for item in items:
            self._refuse_lost([item])
            query = f"SELECT {self._granule()}, count(*) FROM ({self._select([item])}) AS rows_of_range GROUP BY 1"
            found = connection.execute(query).fetchall()
            granule_s, rows = self.contract.granule_s, sum(count for _, count in found)
            occupied = runs_of((granule for granule, _ in found if granule is not None), granule_s)
            yield Inspection(item.identity, rows, occupied, granule_s=granule_s)

    def scan(self, items: Sequence[ScanItem]) -> Scan:
        """Offer ranges as one relation."""
        self._refuse_lost([scan.item for scan in items])
        return Scan(self._select([scan.item for scan in items]))

    def collect(self, connection: "duckdb.DuckDBPyConnection", items: Sequence[ScanItem]) -> tuple[SetAside, ...]:
        """Nothing is set aside by reading: what did not fit was set aside when it was landed."""
        del connection, items
        return ()

    def changed(self, items: Iterable[Item]) -> tuple[str, ...]:
        """Ranges are immutable."""
        del items
        return ()

    def select(self, files: Sequence[str]) -> str:
        """Give a SELECT over files of ranges."""
        stored = self.store.stored_columns([(column.name, column.type) for column in self.contract.columns])
        return self.store.relation(stored, [self.store.ranges.path(file) for file in files])

    def _select(self, items: Sequence[Item]) -> str:
        return self.select([item.path for item in items])

    def _granule(self) -> str:
        time = next(column for column in self.contract.columns if column.name == self.contract.time)
        return moment_of(time.name, time.type, self.contract.timezone).granule(self.contract.granule_s)

    def _refuse_lost(self, items: Iterable[Item]) -> None:
        for item in items:
            if not self.store.ranges.exists(item.path):
                hint = "bring it back from a copy, or run `headwater doctor --repair`: it is landed again"
                raise Broken.of("HW0583", f"a landed range is not in the lake: {item.path}", self.where, hint=hint)


def item_of(landed: LandedRange) -> Item:
    """Give a range as an item: known by its bytes, found in the lake."""
    return Item(path=landed.file, identity=f"landed:{landed.sha256}", size_bytes=landed.bytes)
