"""A placed query as a value: the exchanges in the order in which they are made, and what is computed at the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from headwater.policy.values import Grant
from headwater.sql.binding import Relation
from headwater.sql.tree import Table

EXCHANGES = "exchange"
"""The schema in which texts of queries find what was received: ``"exchange"."x1"``."""
GRANTS = "granted"
"""The schema in which they find the grants that they read: ``"granted"."g1"``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What is expected of an exchange, from statistics that the policy model allows; 0: nothing is known."""

    rows: float = 0.0
    bytes: float = 0.0
    """As zstd Parquet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a text calls ``"granted"."<name>"``: at each site its grant there, clipped in time as the input is."""

    name: str
    relation: str
    grants: Mapping[str, Grant]
    """Site → grant."""
    columns: Relation
    every: str = ""
    """Of aggregates: the length of the reader's slots; empty: time is not cut."""
    timezone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One text that some sites run, each over its own rows; the receivers see the rows of all of them together."""

    name: str
    senders: tuple[str, ...]
    to: tuple[str, ...]
    query: str
    """Over ``reads``, over exchanges that the senders have received, and parameters (``$start``, ``$now`` …)."""
    columns: Relation
    reads: tuple[Read, ...] = ()
    needs: tuple[str, ...] = ()
    """Exchanges that its text reads: keys, bounds and scalars, which every sender must have received before."""
    destinations: frozenset[str] = frozenset()
    """Jurisdictions that may have its rows, by all that they stand on; where nothing declares one, the empty name."""
    because: str = ""
    """What it is, in a few words: ``rows``, ``partial aggregates``, ``the first 10``, ``keys for x3`` …"""
    estimate: Estimate = field(default_factory=Estimate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A query over relations at several sites, taken apart."""

    at: str
    """The site that asks, and computes the end."""
    exchanges: tuple[Exchange, ...]
    final: str
    """The text run at the end, over what was received and the relations that lie at ``at``, by their own names."""
    columns: Relation
    explained: tuple[str, ...] = ()
    """Why it is not better than this, in words: parts that are gathered since they were not understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is known of a relation at one site, rounded as the policy model says; 0: too little, or unknown."""

    rows: int = 0
    bytes: int = 0
    distinct: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Column → bytes as zstd Parquet; empty: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where a relation lies: at some sites, the same rows everywhere, or cut between them."""

    sites: tuple[str, ...]
    replicated: bool = False
    partition: Mapping[str, str] = field(default_factory=dict)
    """Column → partition: no value of it lies at two sites, and relations that share a partition agree on where."""
    held: Mapping[str, Held] = field(default_factory=dict)
    """Site → what is known of it there."""


_WHOLE_NUMBERS: Final = frozenset(
    f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")
) | {"INTEGER", "UINTEGER"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One place in a query where a relation is read: where it lies, and by which grant each site gives it."""

    table: Table
    located: Located
    columns: Relation
    """Names and types of all its columns, as the query sees them."""
    grants: Mapping[str, Grant | None]
    """Site → grant; None: it lies at the place that asks, which reads it by its own name."""
    every: str = ""
    """Of aggregates: the length of the slots in which they are read; empty: time is not cut."""
    timezone: str = ""

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites at which it may be read."""
        return tuple(site for site in self.located.sites if site in self.grants)

    @property
    def is_raw(self) -> bool:
        """Whether its values are read as they are: what is said of the relation's own values holds for these only."""
        return all(grant is None or grant.shape in ("free", "raw") for grant in self.grants.values())

    def family(self, column: str) -> str:
        """Give a word that two columns share if equal values of them are the same value."""
        type_ = dict(self.columns)[column]
        return "INTEGER" if type_ in _WHOLE_NUMBERS else type_
