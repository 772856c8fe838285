"""What a runtime fulfils: sessions with sites, which look at their own rows, prove fragments and send results."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

PROTOCOL: Final = 1
"""Raised with every change that an older worker would misunderstand."""
Columns = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteState:
    """What a site says of itself."""

    site: str
    protocol: int
    version: str
    approved: tuple[str, ...]
    """Digests of the charters that its operator approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What every question names: under which charter it is asked, and of which source."""

    charter: str
    """Digest of the charter (sources, rules, places) under which the site is to answer."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe(Ask):
    """Where does a source stand? Borders cut its time: one position for each stretch between two neighbours.

    Without borders: one position for all of it. Positions are keyed digests: they tell only whether something moved.
    """

    borders: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(Ask):
    """How much of a source is there? Answered in two digits, from a thousand rows up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The answer: total rows, bytes, and different values per column; 0: too few to say."""

    rows: int = 0
    bytes: int = 0
    distinct: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Column → bytes as zstd Parquet; empty: too few rows to say, or too many to measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a fragment calls ``"granted"."<name>"``."""

    name: str
    source: str
    rule: str
    """The rule whose grant it is; empty: no rule is needed, which the site judges for itself."""
    start: datetime | None = None
    end: datetime | None = None
    """Only rows of this stretch of the source's time are read; the grant's columns must hold it."""
    positions: tuple[tuple[datetime | None, datetime | None, str], ...] = ()
    """(start, end, position) as `Observe` answered, of every observed stretch that is read; None: all of the source. If
    one of them stands elsewhere by now, the fragment is not run (Retryable)."""
    every: str = ""
    """Of aggregates: the length of the reader's slots, each of which has cells of its own; empty: time is not cut."""
    timezone: str = ""
    """In which these slots begin: that of the fragment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A query for one site, over grants and over what it has received."""

    charter: str
    run: str
    exchange: str
    site: str
    to: tuple[str, ...]
    """The sites that receive what it gives."""
    query: str
    """Over ``"granted"."<name>"`` and ``"exchange"."<name>"``; parameters stay named."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Name → SQL literal."""
    reads: tuple[Granted, ...] = ()
    received: Mapping[str, Columns] = field(default_factory=dict)
    bound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Received exchange → the jurisdictions that may have its rows, as its senders' certificates say; where nothing is
    said, nobody may. Nobody signs it: a site does not pass on what it is told that it may not."""
    columns: Columns = ()
    """What the asker expects; the site binds it itself and refuses if it differs."""
    timezone: str = "UTC"
    now: datetime
    timeout_s: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a site has proved of a fragment before it sent anything; predicates hold no literals."""

    site: str
    exchange: str
    to: tuple[str, ...]
    charter: str
    rules: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]
    """(name, type, form: free, raw, token, coarse or aggregate)."""
    predicates: tuple[str, ...]
    fragment: str
    """Hash of the text with typed placeholders for its parameters."""
    keys: int = 0
    """How many keys it was sent; never which."""
    destinations: tuple[str, ...] = ()
    """Jurisdictions that may have the result."""

    @property
    def form(self) -> str:
        """The form that tells most of those in which its columns leave."""
        forms = {form for _, _, form in self.columns}
        return next((form for form in ("raw", "coarse", "token", "aggregate") if form in forms), "free")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The site's receipt: its certificate, and what really crossed."""

    certificate: Certificate
    rows: int
    bytes: int
    """On the wire."""
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePlace:
    """What a runtime must know of a site to reach it; directories as absolute paths, at the site."""

    site: str
    home: str
    """What it keeps for itself: approvals, key, audit chain, file index, lake."""
    root: str
    """The directory that paths of its sources start from."""
    capacity: int = 2
    """How many questions it works on at once."""
    memory_bytes: int = 0
    """What each of them may use at the most; 0: nobody says."""


class SiteSession(Protocol):
    """One conversation with one site. Raises Refused (policy), Retryable (source moved, site away) or Broken."""

    def state(self) -> SiteState:
        """Say hello."""
        ...

    def offer(self, charter: bytes) -> bool:
        """Send a charter along, and hear whether the site answers under it.

        It does if its operator approved it, or if neither this one nor any that it approved before has borders.
        """
        ...

    def observe(self, question: Observe) -> tuple[str, ...]:
        """Give the position of each stretch."""
        ...

    def measure(self, question: Measure) -> Measured:
        """Give the statistics that may be told."""
        ...

    def prove(self, fragment: Fragment) -> Certificate:
        """Have a fragment proved, without running it."""
        ...

    def perform(self, fragment: Fragment, received: Mapping[str, Path], to: Path) -> Sent:
        """Have a fragment proved and run; its rows come as one Parquet file (zstd), written to ``to`` whole or not.

        ``received`` maps exchanges to Parquet files that the site is sent before.
        """
        ...


class Runtime(Protocol):
    """What computes at sites."""

    def session(self, site: str) -> AbstractContextManager[SiteSession]:
        """Open a conversation with a site; raises Retryable if it is not reachable."""
        ...

    def close(self) -> None:
        """End everything that runs."""
        ...
