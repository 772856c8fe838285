"""A source at remote sites as planning sees it: stretches of time that stand somewhere, instead of files."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from headwater.connect.runtimes import Observe, SiteSession
from headwater.connect.sources import Contract, Scan, ScanItem, Source
from headwater.diagnostics import Diagnostic
from headwater.spec.observations import Inspection, Item, SetAside
from headwater.sql.text import quote_identifier

if TYPE_CHECKING:
    import duckdb

MARK: Final = "@"
"""How the path of a stretch begins: no connector lists such a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSource:
    """Fulfils ``connect.sources.Source``; sites that are not remote are read by ``near``, as ever."""

    name: str
    contract: Contract
    charter: str
    borders: tuple[datetime, ...]
    remote: frozenset[str]
    session: Callable[[str], SiteSession]
    near: Source | None
    """Reads what lies at the hub, or at sites whose files the hub reads; None: there is no such site."""

    @property
    def needs_inspection(self) -> bool:
        """Where time is cut: a stretch says itself when its rows lie."""
        return bool(self.borders) or (self.near is not None and self.near.needs_inspection)

    def observe(self, site: str) -> tuple[tuple[Item, ...], list[Diagnostic]]:
        """Ask a site where each stretch stands; empty ones stand somewhere, too, so nothing shows which have rows."""
        if site not in self.remote and self.near is not None:
            return self.near.observe(site)
        positions = self.session(site).observe(Observe(charter=self.charter, source=self.name, borders=self.borders))
        if not self.borders:
            return (Item(f"{MARK}{site}", positions[0], 0),), []
        pairs = zip(self.borders, self.borders[1:], positions, strict=False)
        return tuple(_item(site, start, end, position) for start, end, position in pairs), []

    def inspect(
        self, connection: "duckdb.DuckDBPyConnection", items: Sequence[Item], site: str, now: datetime
    ) -> Iterable[Inspection]:
        """Say when the rows of a stretch lie: in it. Nothing is read."""
        if site not in self.remote and self.near is not None:
            yield from self.near.inspect(connection, items, site, now)
            return
        for item in items:
            occupied = ((_second(item.start), _second(item.end)),) if item.start and item.end else ()
            yield Inspection(item.identity, 0, occupied, granule_s=self.contract.granule_s)

    def scan(self, items: Sequence[ScanItem]) -> Scan:
        """Offer what lies near; of stretches at sites the hub has nothing, queries read exchanges in their place."""
        near = [scan for scan in items if not is_stretch(scan.item)]
        if self.near is not None:
            return self.near.scan(near)
        columns = ", ".join(f"CAST(NULL AS {c.type}) AS {quote_identifier(c.name)}" for c in self.contract.columns)
        return Scan(f"SELECT {columns} WHERE false")

    def collect(self, connection: "duckdb.DuckDBPyConnection", items: Sequence[ScanItem]) -> tuple[SetAside, ...]:
        """Give the rows that scans of what lies near set aside; those at sites stay there."""
        near = [scan for scan in items if not is_stretch(scan.item)]
        return self.near.collect(connection, near) if self.near is not None and near else ()

    def changed(self, items: Iterable[Item]) -> tuple[str, ...]:
        """Give near paths that changed; of a stretch, its site judges when it runs what reads it."""
        near = [item for item in items if not is_stretch(item)]
        return self.near.changed(near) if self.near is not None and near else ()


def is_stretch(item: Item) -> bool:
    """Whether an item stands for rows at a remote site."""
    return item.path.startswith(MARK)


def _item(site: str, start: datetime, end: datetime, position: str) -> Item:
    return Item(f"{MARK}{site}/{start.astimezone(UTC).isoformat()}", position, 0, start=start, end=end)


def _second(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0
