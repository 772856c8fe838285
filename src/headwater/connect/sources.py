"""What a source connector fulfils: observe what is there, inspect it, offer it to DuckDB as a relation."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from headwater.diagnostics import Diagnostic
from headwater.spec.observations import Inspection, Item, SetAside

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractColumn:
    """One declared column: its DuckDB type and whether a row must have it."""

    name: str
    type: str
    required: bool = False
    discovered: bool = False
    """Found in files, not declared: a file may lack it, and no value of it makes a row a reject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What makes a row belong to the source. All of it is evaluated in every scan, whatever a query projects."""

    columns: tuple[ContractColumn, ...]
    time: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    timezone: str = "UTC"
    ahead_s: float = 86400.0
    lazy: bool = False
    fail_on_bad_row: bool = False
    fail_on_schema_change: bool = True
    evolve: bool = False
    """Files may lack columns that are not required, and may hold others."""
    identity: str = "stat"
    granule_s: int = 3600
    """How finely an inspection tells the occupied stretches of time apart."""
    unpacked: str = ""
    """The directory in which archives may be unpacked; empty: one below the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanItem:
    """An item to be scanned, with what its inspection (if any) found to matter."""

    item: Item
    site: str = "hub"
    not_after: datetime | None = None
    recovered: tuple[SetAside, ...] = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """A relation over items: ``setup`` statements to run first on the same connection, then a SELECT.

    The SELECT gives exactly the declared columns, in their order, with their types, and exactly the rows that satisfy
    the whole contract.
    """

    sql: str
    setup: tuple[str, ...] = field(default=())


class Source(Protocol):
    """Rows extracted from an outside system. Made with (settings, contract, root directory of the project)."""

    @property
    def needs_inspection(self) -> bool:
        """Whether items must be inspected before they are scanned (its time is cut, or scans cannot report rejects)."""
        ...

    def observe(self, site: str) -> tuple[tuple[Item, ...], list[Diagnostic]]:
        """List what is there now at a site, ordered by path. Never reads rows (``identity: content`` hashes bytes)."""
        ...

    def inspect(
        self, connection: "duckdb.DuckDBPyConnection", items: Sequence[Item], site: str, now: datetime
    ) -> Iterable[Inspection]:
        """Read each item once, whole contract, and say what is in it. Raises Retryable if one changed meanwhile."""
        ...

    def scan(self, items: Sequence[ScanItem]) -> Scan:
        """Offer items as one relation. No item: an empty relation with the declared columns."""
        ...

    def collect(self, connection: "duckdb.DuckDBPyConnection", items: Sequence[ScanItem]) -> tuple[SetAside, ...]:
        """Give the rows that scans on this connection set aside since the last call (formats that report in scans)."""
        ...

    def changed(self, items: Iterable[Item]) -> tuple[str, ...]:
        """Give the paths whose identity is no longer the observed one (also: vanished)."""
        ...


@runtime_checkable
class Evolving(Protocol):
    """What a source fulfils besides, whose files may hold columns that its contract does not name."""

    def discover(
        self, connection: "duckdb.DuckDBPyConnection", items: Sequence[Item]
    ) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Give identity → (name, DuckDB type) of the columns with values that the contract does not declare.

        Columns that the contract calls discovered are among them: they are found anew in each file.
        """
        ...
