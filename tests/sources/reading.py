"""Sources as the tests use them: files in a folder, a contract, and what comes of it on a real engine."""

import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from headwater.connect.sources import Contract, ContractColumn, Scan, ScanItem, Source
from headwater.connectors.sources import SOURCES
from headwater.diagnostics import Where
from headwater.spec.observations import Inspection, Item, SetAside

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CONTRACT = set(Contract.__dataclass_fields__)


@dataclass
class Read:
    """What reading a source gave."""

    rows: list[tuple]
    rejects: list[SetAside]
    inspections: list[Inspection] = field(default_factory=list)

    @property
    def reasons(self) -> list[str]:
        return [row.reason for row in self.rejects]

    @property
    def positions(self) -> list[int]:
        return sorted(row.position for row in self.rejects)


class Folder:
    """A project folder with files, and sources over them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, content: str | bytes) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        raw = content.encode() if isinstance(content, str) else content
        if path.endswith(".gz"):
            raw = gzip.compress(raw, 1)
        if path.endswith(".zst"):
            import zstandard

            raw = zstandard.compress(raw)
        target.write_bytes(raw)
        return target

    def source(self, path: str, columns: dict[str, str], **said: object) -> Source:
        contract = {name: said.pop(name) for name in list(said) if name in CONTRACT}
        declared = tuple(
            ContractColumn(name=n, type=t.rstrip("!"), required=t.endswith("!")) for n, t in columns.items()
        )
        made = Contract(columns=declared, **contract)  # type: ignore[arg-type]
        return SOURCES[0].make({"path": path, **said}, made, str(self.root), Where("sources.yaml", 3, 5))

    def items(self, source: Source, site: str = "hub") -> tuple[Item, ...]:
        return source.observe(site)[0]

    def read(self, path: str, columns: dict[str, str], query: str = "SELECT * FROM this", **said: object) -> Read:
        source = self.source(path, columns, **said)
        return read(source, query)


def connect(zone: str = "Asia/Tokyo") -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 4, "preserve_insertion_order": False})
    connection.execute(f"SET TimeZone = '{zone}'")
    return connection


def define(connection: duckdb.DuckDBPyConnection, scan: Scan, name: str = "this") -> None:
    """Offer a scan as a view, in an attached database of its own, as tasks do."""
    for statement in scan.setup:
        connection.execute(statement)
    connection.execute("ATTACH IF NOT EXISTS ':memory:' AS task")
    connection.execute("USE task")
    connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM ({scan.sql}) AS rows")


def scan_items(
    source: Source, connection: duckdb.DuckDBPyConnection, site: str = "hub"
) -> tuple[list[ScanItem], list[Inspection]]:
    items = source.observe(site)[0]
    found = list(source.inspect(connection, items, site, NOW)) if source.needs_inspection else []
    bounds = {inspection.identity: inspection.not_after for inspection in found}
    return [ScanItem(item=item, site=site, not_after=bounds.get(item.identity)) for item in items], found


def read(source: Source, query: str = "SELECT * FROM this", site: str = "hub") -> Read:
    """Inspect if need be, scan, query, collect."""
    with connect() as connection:
        scans, found = scan_items(source, connection, site)
        define(connection, source.scan(scans))
        rows = connection.execute(query).fetchall()
        rejects = [row for inspection in found for row in inspection.set_aside]
        if not source.needs_inspection:
            rejects = list(source.collect(connection, scans))
        return Read(rows, rejects, found)
