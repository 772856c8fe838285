"""The graph as a value: every node with its query, columns, lineage, inputs, checks and addresses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from headwater.graph.borders import Borders
from headwater.spec.addresses import Version
from headwater.spec.limits import Limits
from headwater.spec.nodes import ChainPart, Retries
from headwater.spec.schedules import Deadline, Timetable, Trigger

NodeKind = Literal["source", "full", "view", "inline", "incremental", "links"]
TABLE_KINDS: Final = frozenset({"full", "incremental", "links"})
"""Kinds that have fills: ``links`` are filled one after the other, each time their inputs have moved."""
SERVED_KINDS: Final = TABLE_KINDS | {"view"}
"""Kinds whose rows readers of an environment see."""
ColumnRef = tuple[str, str]
"""(node, column); the column ``*`` means the whole row of that node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """An output column: its DuckDB type and the address of its values."""

    name: str
    type: str
    address: str = ""
    values: tuple[ColumnRef, ...] = ()
    """Upstream columns that its values are made of (direct upstream nodes only)."""
    description: str = ""
    unit: str = ""
    class_: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCut:
    """How a node is cut by time. Sources have no ``every``: a reader's own interval cuts them."""

    column: str
    type: str
    """``DATE``, ``TIMESTAMP`` or ``TIMESTAMP WITH TIME ZONE``; values without a zone are in ``timezone``."""
    timezone: str
    every: str = ""
    start: datetime | None = None
    end: datetime | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """How a node reads another one."""

    node: str
    columns: tuple[str, ...]
    """Columns read, as value or control, sorted; ``("*",)`` where all of them matter."""
    cut: bool = False
    """Both are cut by time: a slot sees of it only its own interval, extended by ``before_s`` and ``after_s``."""
    moving: bool = True
    """When it moves, slots that stand on it are due (False: read as of the run)."""
    before_s: float = 0.0
    after_s: float = 0.0
    new: bool = False
    """A link reads of it only the files that no link before has read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How a measurement is compared with those before it."""

    metric: str
    """Address of the measurement: of the expression, not of how it is judged."""
    unit: Literal["sigma", "percent"]
    within: float
    over: int
    season: bool = False
    """Compare with measurements of the same time of the week only."""
    is_age: bool = False
    """The measurement is an instant (seconds since 1970), and what is compared is its age."""
    shows: Literal["number", "share", "duration"] = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check compiled to SQL over a relation named ``this``.

    - scope ``row``: ``failing`` is a predicate, true for a row to set aside (quarantine);
    - scope ``fill``: ``failing`` is an aggregate expression over ``this``: how many rows fail (all such expressions of
      a node are evaluated in one SELECT);
    - scope ``map``: ``failing`` is a SELECT that returns failing rows; ``this`` is the node's table as it will be
      after the move, other nodes (``reads``) go by their names;
    - scope ``drift``: ``failing`` is an aggregate expression over ``this``, measured once for each fill and compared
      with what it was in the fills before.
    """

    address: str
    kind: str
    name: str
    scope: Literal["row", "fill", "map", "drift"]
    failing: str
    on_fail: Literal["block", "warn", "quarantine"]
    reads: tuple[str, ...] = ()
    examples: str = ""
    """A SELECT over ``this`` that shows rows that fail; empty where there are no such rows."""
    drift: Drift | None = None
    unique: tuple[str, ...] = ()
    """Columns of which no two rows have the same values if it passes."""
    file: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonNode:
    """A function of the project: a model's, a source's or a sink's (see ``spec.nodes.PythonCode``)."""

    path: str
    function: str
    arguments: tuple[str, ...]
    inputs: Mapping[str, str]
    modules: Mapping[str, str]
    made_as: str = ""
    """Kind and name of the node for which its module makes it while it runs; empty: imported by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNode:
    """What only a source has."""

    connector: str
    settings: Mapping[str, Any]
    sites: tuple[str, ...]
    required: tuple[str, ...]
    """Names of required columns (``time`` is one of them)."""
    start: datetime | None
    end: datetime | None
    timezone: str
    ahead_s: float
    contract: str
    identity: str
    on_vanish: str
    on_bad_row: str
    on_schema_change: str
    land: bool = False
    """Rows are copied into the lake, once, and read there."""
    python: PythonNode | None = None
    """The function that yields its rows."""
    replicated: bool = False
    """All its sites hold the same rows."""
    partition: Mapping[str, str] = field(default_factory=dict)
    """Column → partition: no value of it lies at two sites."""
    discovered: Mapping[str, str] = field(default_factory=dict)
    """Columns that its files were found to have beyond the contract, with their types; never a reason to reject."""
    columns_line: int = 0
    """Where its columns are declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Somebody outside of the project who reads a model."""

    name: str
    columns: tuple[str, ...] = ()
    """Those that it reads; empty: all."""
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """What a model promises to those who read it, and who they are."""

    columns: Literal["frozen", "compatible", ""] = ""
    """What may not happen to its columns: nothing at all; nothing that breaks a reader; or whatever comes."""
    consumers: tuple[Consumer, ...] = ()
    version: int | None = None
    of: str = ""
    """The model of which it is an older version."""
    deprecated: datetime | None = None
    file: str = ""
    line: int = 0
    """Where the contract stands, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads a deprecated model, and where that is written."""

    name: str
    kind: Literal["model", "sink"]
    file: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """A model that nobody should read from a day on, with those who do."""

    node: str
    on: datetime
    instead: str = ""
    """The model to read in its place."""
    readers: tuple[Reader, ...] = ()
    consumers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A source or model, resolved. Everything that execution needs and nothing that it does not."""

    name: str
    kind: NodeKind
    version: Version
    rows_address: str
    """Of the row set, as readers see it."""
    columns: tuple[Column, ...]
    table: Version = Version("")
    """Identity of the rows: the version that the table began with; another one after forward changes."""
    controls: tuple[ColumnRef, ...] = ()
    """Upstream columns that decide which rows exist."""
    inputs: tuple[Input, ...] = ()
    time: TimeCut | None = None
    query: str = ""
    """SQL as the user wrote it (comments and all); parameters still named."""
    parameters: tuple[str, ...] = ()
    """Names of the parameters it uses, without ``$``."""
    source: SourceNode | None = None
    python: PythonNode | None = None
    chain: ChainPart | None = None
    """What it is in a merge, append or history."""
    checks: tuple[Check, ...] = ()
    promises: Promises | None = None
    volatile: bool = False
    through: Mapping[str, str] = field(default_factory=dict)
    """Input → the policy by which it is read."""
    lookback_s: float = 0.0
    batch_s: float | None = None
    """Most time one query may fill; 0: one slot a query (not proved, or ``batch`` says so); None: no limit."""
    timezone: str = "UTC"
    """Session time zone while its query runs."""
    timeout_s: float = 3600.0
    memory_bytes: int | None = None
    attempts: int = 4
    backoff_s: float = 2.0
    backoff_max_s: float = 300.0
    priority: int = 0
    """Of several tasks that are ready, those of larger numbers come first."""
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkNode:
    """A sink, resolved."""

    name: str
    from_: str
    connector: str
    settings: Mapping[str, Any]
    mode: str
    key: tuple[str, ...]
    environments: tuple[str, ...]
    targets: Mapping[str, Mapping[str, Any]]
    after_rollback: str
    restate: str
    python: PythonNode | None = None
    """The function that takes its rows."""
    jurisdiction: str = ""
    """Of the place in which its target lies; empty: nothing declares one."""
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineNode:
    """A named selection; ``publish`` says whether what a run fills becomes visible together, or each by itself."""

    name: str
    select: tuple[str, ...]
    publish: str = "together"
    description: str = ""
    owner: str = ""
    schedule: tuple[Timetable, ...] = ()
    when: Trigger | None = None
    debounce_s: float = 0.0
    continuous_s: float | None = None
    deadline: Deadline | None = None
    timeout_s: float | None = None
    """Of a whole run."""
    concurrency: int | None = None
    """How many of its tasks run at once; None: no limit of its own."""
    priority: int = 0
    max_active: int = 1
    retries: Retries | None = None
    """Instead of those of its nodes."""
    in_: tuple[str, ...] = ()
    """Environments in which it runs by itself; empty: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNode:
    """Who is told of what, resolved; ``to`` keeps its references to secrets."""

    name: str
    """As written; of a pipeline's own alert ``pipeline.name``."""
    on: tuple[str, ...]
    """Rules (see ``spec.alerts``)."""
    to: tuple[str, ...]
    pipeline: str = ""
    """It tells of this pipeline and of what that selects only."""
    owners: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    """Patterns, as for a selection."""
    tags: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    """Of all these, empty means: of every."""
    group_s: float = 30.0
    repeat_s: float = 14400.0
    recovery: bool = True
    fresh_within_s: float = 7200.0
    score_below: float = 90.0
    volume_within: float = 3.0
    volume_unit: str = "sigma"
    volume_over: int = 14
    quarantine_by: float = 0.01
    """A share."""
    silent_s: float = 120.0
    description: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """All nodes in topological order, and what they share. A release keeps one, whole: no project file is needed."""

    project: str
    nodes: tuple[Node, ...]
    sinks: tuple[SinkNode, ...] = ()
    pipelines: tuple[PipelineNode, ...] = ()
    alerts: tuple[AlertNode, ...] = ()
    deprecations: tuple[Deprecation, ...] = ()
    borders: Borders = Borders()
    """Sites, and what may pass between them."""
    limits: Limits = Limits()
    """How much may be worked on at once, over all processes."""
    macros: tuple[str, ...] = ()
    """CREATE MACRO statements, in an order in which each finds those it calls."""
    variables: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    window_s: float | None = None
    """How far back from ``as_of`` the environment wants slots; None: from each node's start."""
    as_of: datetime | None = None
    """What the environment takes for the present when it says which slots are wanted; None: the run's time."""
    digest: str = ""
    """Address of the code: versions, checks, settings. A plan's base."""
