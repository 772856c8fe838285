"""What a sink connector fulfils: take released slots exactly once, keeping its own ledger beside the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSlot:
    """One slot to load: its fill and a SELECT that gives its rows on the connection handed to ``load``."""

    site: str
    slot: str
    fill: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Everything that a load needs: the slots that differ from the ledger, and the slots that are no longer there."""

    columns: tuple[tuple[str, str], ...]
    mode: str
    key: tuple[str, ...]
    restate: str
    slots: Sequence[SinkSlot]
    """All slots of the released table (not only new ones): the sink compares them with its ledger."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did."""

    slots: int
    rows: int


class Sink(Protocol):
    """Rows loaded to an outside system. Made with (settings, root directory of the project)."""

    def ledger(self) -> Mapping[tuple[str, str], str]:
        """Give (site, slot) → fill that the target holds now."""
        ...

    def load(self, connection: "duckdb.DuckDBPyConnection", load: Load) -> Loaded:
        """Make the target hold the load's slots, atomically with its ledger: all of it or nothing, once."""
        ...
