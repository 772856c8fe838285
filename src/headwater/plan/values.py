"""A plan as a value: what each node of an environment keeps, takes, computes and drops, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from headwater.diagnostics import Diagnostic
from headwater.graph.column_changes import ColumnChange
from headwater.graph.values import Graph, Node
from headwater.plan.calendar import Interval
from headwater.plan.overlays import Overlaid
from headwater.spec.addresses import Digest, Slot, Version
from headwater.spec.fills import Entry, Mark
from headwater.spec.observations import Item, Observation, Runs
from headwater.spec.releases import Entries, Head, SlotKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What planning knows of a source: the frozen observations and, where its time is cut, the file index."""

    observations: tuple[Observation, ...]
    occupied: Mapping[str, Runs] | None = None
    """identity → stretches of time with rows; None: the source has no time."""
    tokens: Mapping[str, str] = field(default_factory=dict)
    """identity → what stands for it in positions, where that is more than the identity itself."""
    before: tuple[Observation, ...] = ()
    """What the environment observed last; ``occupied`` and ``tokens`` speak of its items, too."""
    vanished: frozenset[str] = frozenset()
    """Identities that stay in the position (``on_vanish: keep``) though their files are gone."""

    def token(self, item: Item) -> str:
        """What stands for an item in a position: identity, and the values taken from its path."""
        return "|".join([self.tokens.get(item.identity, item.identity), *(f"{k}={v}" for k, v in item.values)])


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """What happens to one node. Keys are (site, slot); a settled node is left as it is, entries unread."""

    node: Node
    because: str
    head_version: Version | None
    settled: bool = False
    continues: bool = False
    """Whether the table is the one that the head has: a slot that is refused keeps what it had."""
    is_partial: bool = False
    """Only some of its slots were looked at: others may be due."""
    is_again: bool = False
    """Somebody asked for slots although nothing of them has moved."""
    wanted: Interval | None = None
    keep: Mapping[SlotKey, Entry] = field(default_factory=dict)
    reuse: Mapping[SlotKey, Entry] = field(default_factory=dict)
    build: Mapping[SlotKey, Entry] = field(default_factory=dict)
    drop: frozenset[SlotKey] = frozenset()
    """Entries of the head that leave the map."""
    blocked: frozenset[SlotKey] = frozenset()
    """Due, but a blocking check refused the fill: the head keeps what it has."""
    waiting: frozenset[SlotKey] = frozenset()
    """Due, but something that they read has no fill."""
    held: frozenset[SlotKey] = frozenset()
    released: frozenset[SlotKey] = frozenset()
    """Holds that end."""
    stuck: frozenset[SlotKey] = frozenset()
    """Due, but a file they stand on is gone: kept as they are."""
    restated: frozenset[SlotKey] = frozenset()
    """Of those to take or compute: filled before, on inputs that have moved since."""
    ignored: frozenset[SlotKey] = frozenset()
    """Kept although their inputs have moved (``on_restate: ignore``)."""
    fresh: tuple[Mark, ...] = ()
    """Of a link that reads each file once: the files that it reads."""
    inputs: Mapping[SlotKey, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """For slots to take or compute: (input, its position)."""
    rollup: Digest = Digest("")
    """Of the entries that the table will have (empty: not known)."""
    settles: str = ""
    """The digest to record once nothing of the node is due."""

    @property
    def is_new(self) -> bool:
        """Whether the node's version changes."""
        return self.head_version != self.node.version

    @property
    def chosen(self) -> Entries:
        """The entries that the table will have after the plan (a settled node has the head's)."""
        changes = {**self.reuse, **self.build}
        if isinstance(self.keep, Overlaid):
            return Overlaid(self.keep.rest, {**self.keep.changes, **changes})
        return {**self.keep, **changes}

    @property
    def looked_at(self) -> frozenset[SlotKey] | None:
        """The slots that alone can differ from what the head has; None: any can."""
        return self.keep.rest.without if isinstance(self.keep, Overlaid) else None

    @property
    def due(self) -> int:
        """How many slots are due: to compute, to take, refused or waiting."""
        return len(self.build) + len(self.reuse) + len(self.blocked) + len(self.waiting) + len(self.stuck)

    @property
    def moves(self) -> bool:
        """Whether the head changes for this node."""
        return bool(self.is_new or self.build or self.reuse or self.drop)


Action = Literal["land", "build", "fill", "reuse", "check", "move", "drop", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a plan: preview shows it, apply does it. ``slots`` counts; ``first``/``last`` bound them."""

    action: Action
    node: str
    because: str
    version: str = ""
    slots: int = 0
    first: Slot | None = None
    last: Slot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCrossing:
    """What one site will send to others for a node."""

    node: str
    exchange: str
    sender: str
    to: tuple[str, ...]
    columns: tuple[str, ...]
    """What it is made of, or decided by: ``relation.column``."""
    form: str
    """``free`` (no rule is needed), ``raw``, ``token``, ``coarse`` or ``aggregate``: the one that tells most."""
    rules: tuple[str, ...] = ()
    because: str = ""
    estimated_bytes: float | None = None
    """None: the site says too little of its rows to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What would move otherwise, once for each source at remote sites that is read: measured there, as zstd Parquet."""

    columns_bytes: int
    """Only the columns that are read, with all rows."""
    all_bytes: int
    """All columns, as whoever copies sources to one place does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The difference between code and data as they are and an environment's head."""

    environment: str
    now: datetime
    graph: Graph
    head: Head
    nodes: Mapping[str, NodePlan]
    sources: Mapping[str, SourceFacts]
    dropped: tuple[str, ...] = ()
    """Nodes of the head that the code no longer has."""
    steps: tuple[Step, ...] = ()
    sinks_not_reverted: tuple[str, ...] = ()
    columns: tuple[ColumnChange, ...] = ()
    """How the columns of models change, and whom that breaks."""
    crossings: tuple[PlannedCrossing, ...] = ()
    """What sites send for the nodes that are computed."""
    beside: Beside | None = None
    """None: a site has too few rows to say how large they are."""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def base(self) -> str:
        """The code that the environment must still run when this is applied."""
        return self.head.code

    @property
    def changes_code(self) -> bool:
        """Whether versions, checks or settings change."""
        return self.head.code != self.graph.digest

    @property
    def lands(self) -> bool:
        """Whether something would be landed: what becomes of it is known only then."""
        return any(step.action == "land" for step in self.steps)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do with what is there now (see ``lands``)."""
        return not self.changes_code and not self.dropped and not any(p.moves for p in self.nodes.values())
