"""Heads, moves and releases: what an environment serves, one atomic change of it, and the record that change leaves."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from headwater.spec.addresses import Digest, FillId, Slot, Version
from headwater.spec.fills import Entry, Fill
from headwater.spec.observations import Observation
from headwater.spec.quality import Measurement, Score

SlotKey = tuple[str, Slot]
"""(site, slot)"""
Entries = Mapping[SlotKey, Entry]
ReleaseKind = Literal["apply", "run", "rollback", "compact"]
"""``compact`` is no release: rows lie in fewer files, what is served is the same."""

_ROLLUP_BYTES = 32


def rollup(entries: Iterable[tuple[SlotKey, Digest]]) -> Digest:
    """Address of a set of (site, slot) → position, whatever its order: the sum of their hashes modulo 2**256.

    A sum can be kept up by adding and subtracting, so that a move never hashes slots that it does not touch.

    >>> a, b = (("hub", "all"), "x"), (("eu", "all"), "y")
    >>> rollup([a, b]) == rollup([b, a]), rollup([a]) == rollup([b])
    (True, False)
    """
    return shifted(Digest("0" * 2 * _ROLLUP_BYTES), added=entries)


def shifted(
    old: Digest,
    *,
    added: Iterable[tuple[SlotKey, Digest]] = (),
    removed: Iterable[tuple[SlotKey, Digest]] = (),
) -> Digest:
    """Give the roll-up after entries came and went."""
    total = int(old, 16) + sum(map(_hash, added)) - sum(map(_hash, removed))
    return Digest(f"{total % (1 << 8 * _ROLLUP_BYTES):0{2 * _ROLLUP_BYTES}x}")


def _hash(entry: tuple[SlotKey, Digest]) -> int:
    (site, slot), digest = entry
    text = f"{len(site)}:{site}{slot}={digest}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=_ROLLUP_BYTES).digest(), "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadNode:
    """What a head holds of one node, without its entries (there may be 100,000)."""

    version: Version
    rollup: Digest
    """``rollup`` of (site, slot) → ``entry.digest`` over all entries: the node's position for who reads all of it."""
    slots: int
    settled: str = ""
    """What the planner found when nothing of the node was due (its own opaque digest); empty: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What an environment serves. ``entries_of`` reads one node's entries, from the same snapshot."""

    environment: str
    release: str | None
    code: str
    """Digest of the graph it runs: the base of plans. Empty before the first apply."""
    nodes: Mapping[str, HeadNode]
    holds: Mapping[tuple[str, str, Slot], Digest]
    """(node, site, slot) → moving digest of the rejected fill: not due while the inputs stand there."""
    entries_of: Callable[[str], Entries] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of a move: what was there (None: nothing) and what will be (None: it leaves)."""

    node: str
    site: str
    slot: Slot
    old: FillId | None
    new: Entry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChange:
    """A node of the move whose version changes, comes (``old`` None) or leaves (``new`` None)."""

    node: str
    old: Version | None
    new: Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check found about a subject (a fill id, or the roll-up of a whole map), given what else it read."""

    subject: str
    check: str
    reads: str
    """Digest of what else the check read; empty if nothing."""
    failing: int
    name: str = ""
    node: str = ""
    slot: str = ""
    on_fail: str = "block"
    detail: str = ""
    """What was found, in numbers, where that says more than how many rows fail."""
    examples: tuple[str, ...] = field(default=(), compare=False)
    """A few of the rows that fail, as JSON, what is classified covered; never kept in the state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change of a head, compared and set in one state transaction, with everything that must come with it."""

    environment: str
    kind: ReleaseKind
    at: datetime
    by: str
    commit: str = ""
    message: str = ""
    code_before: str | None = None
    """The code the environment must still run, whose checks everything passed that enters (None: whatever it runs)."""
    code: str = ""
    """The code it runs afterwards (empty: unchanged)."""
    graph: bytes | None = None
    """The compiled graph of ``code``, encoded; kept once per code."""
    expected_versions: Mapping[str, Version] = field(default_factory=dict)
    """Nodes whose version must still be this one, though it does not change."""
    carried: frozenset[str] = frozenset()
    """Nodes whose tables hold fills of several versions (forward changes, rollbacks to them, chains taken over)."""
    expected_rollups: Mapping[str, Digest] = field(default_factory=dict)
    """Nodes whose whole map a check has read: their roll-up must be this one before the move."""
    versions: tuple[VersionChange, ...] = ()
    changes: tuple[Change, ...] = ()
    fills: tuple[Fill, ...] = ()
    """New fills, recorded in the same transaction (known ids are no-ops)."""
    verdicts: tuple[Verdict, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    scores: Mapping[str, Score] = field(default_factory=dict)
    """Node → how good what the release brings of it is."""
    observations: tuple[Observation, ...] = ()
    holds_set: Mapping[tuple[str, str, Slot], Digest] = field(default_factory=dict)
    holds_cleared: frozenset[tuple[str, str, Slot]] = frozenset()
    settled: Mapping[str, str] = field(default_factory=dict)
    fence: tuple[str, int] | None = None
    """(lease name, number) that must still be the lease's number."""
    run: str = ""
    """The run that makes it; empty: none that is recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The immutable record of a move."""

    id: str
    environment: str
    kind: ReleaseKind
    at: datetime
    by: str
    commit: str
    message: str
    code: str
    parent: str | None
    versions: tuple[VersionChange, ...] = ()
    nodes: tuple[str, ...] = ()
    """Nodes that the move touched."""
