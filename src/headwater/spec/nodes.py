"""The three kinds of node as written: sources, models and sinks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from headwater.spec.checks import AnyCheck
from headwater.spec.fields import Doc
from headwater.spec.origin import NOWHERE, Origin
from headwater.spec.units import Bytes, Every, Seconds

Kind = Literal["full", "view", "inline", "incremental", "merge", "append", "history"]
ChainKind = Literal["merge", "append", "history"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What is said of a column; for a source it is part of the contract."""

    type: Annotated[str | None, Doc("DuckDB type, such as text, double, timestamptz, decimal(12,2)")] = None
    description: Annotated[str, Doc("what it means")] = ""
    unit: Annotated[str, Doc("unit of measure")] = ""
    class_: Annotated[str, Doc("classification, such as public, internal, pii.email")] = ""
    required: Annotated[bool, Doc("a row without it does not belong to the source")] = False
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often and how fast an attempt is repeated after an error that may pass."""

    attempts: Annotated[int, Doc("attempts in all")] = 4
    backoff: Annotated[Seconds, Doc("wait before the second attempt; doubles each time, with full jitter")] = Seconds(2)
    max: Annotated[Seconds, Doc("longest wait")] = Seconds(300)


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonCode:
    """A function of the project (a model's, a source's generator, a sink's loader), and the modules it stands on.

    ``inputs`` maps each argument to a node; ``arguments`` lists all parameter names in order (``run`` gets hw.Run).
    ``modules`` maps paths relative to the project (``python/scores.py``) to their source text.
    """

    path: str
    function: str
    arguments: tuple[str, ...]
    inputs: Mapping[str, str]
    modules: Mapping[str, str]
    made_as: str = ""
    """Kind and name of the node for which its module makes it while it runs (in a loop); empty: imported by name."""
    stands_on: Mapping[str, str] = field(default_factory=dict)
    """What its address is made of: its own code, and each value it holds; empty: all of ``modules``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where rows are extracted from. ``settings`` are the connector's own fields, validated and JSON-able."""

    name: str
    connector: Annotated[str, Doc("which connector reads it", "files")]
    description: Annotated[str, Doc("what it is, for people")] = ""
    owner: Annotated[str, Doc("who answers for it")] = ""
    tags: Annotated[tuple[str, ...], Doc("words to select by")] = ()
    at_sites: Annotated[tuple[str, ...], Doc("sites that hold it (`at:`)")] = ("hub",)
    replicated: Annotated[bool, Doc("every site of it holds the same rows: a reference table")] = False
    partition: Annotated[
        Mapping[str, str],
        Doc(
            "column → name of a partition: no value of it lies at two sites, and sources that name the same partition"
            " agree on where a value lies",
            "{customer_id: customers}",
        ),
    ] = field(default_factory=dict)
    time: Annotated[str | None, Doc("the column that slots cut")] = None
    start: Annotated[datetime | None, Doc("where its time begins")] = None
    end: Annotated[datetime | None, Doc("where its time ends (excluded)")] = None
    timezone: Annotated[str, Doc("time zone of values without one")] = "UTC"
    ahead: Annotated[Seconds, Doc("how far in the future a row's time may lie")] = Seconds(86400)
    columns: Annotated[Mapping[str, Column], Doc("the contract: a row belongs to the source if all of these hold")]
    contract: Annotated[Literal["strict", "lazy"], Doc("strict sets bad rows aside; lazy makes bad values NULL")] = (
        "strict"
    )
    identity: Annotated[Literal["stat", "content"], Doc("what identifies a file: size, mtime, inode; or bytes")] = (
        "stat"
    )
    land: Annotated[
        bool | None,
        Doc(
            "whether an apply or run copies what is new into the lake, once, and reads it there; default: no for "
            "files, yes for databases and Python functions"
        ),
    ] = None
    on_vanish: Annotated[Literal["fail", "keep", "delete"], Doc("what a file that disappears means")] = "fail"
    on_bad_row: Annotated[Literal["quarantine", "fail"], Doc("what a row outside the contract means")] = "quarantine"
    on_schema_change: Annotated[
        Literal["fail", "quarantine", "evolve"],
        Doc(
            "what a file with other columns means; evolve: columns that are not required may be absent, and new ones "
            "become columns of the source with the next apply"
        ),
    ] = "fail"
    checks: Annotated[tuple[AnyCheck, ...], Doc("assertions on its rows")] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    code: PythonCode | None = None
    """The generator of a ``python`` source."""
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """How much more than the overlapping slots of an input a slot reads."""

    before: Annotated[Seconds, Doc("how much earlier than the slot's start")] = Seconds(0)
    after: Annotated[Seconds, Doc("how much later than the slot's end")] = Seconds(0)
    rows: Annotated[
        Literal["new", "all"] | None,
        Doc("merge, append, history without `time`: only files that no run has read, or all there are"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a model promises to those who read it."""

    columns: Annotated[
        Literal["frozen", "compatible"] | None,
        Doc(
            "what may not happen to its columns, as an environment serves them: frozen: nothing; compatible: none may "
            "go, be renamed or change its type"
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Somebody outside of the project who reads a model."""

    columns: Annotated[tuple[str, ...], Doc("the columns that it reads; default: all")] = ()
    owner: Annotated[str, Doc("whom to talk to before they change")] = ""
    description: Annotated[str, Doc("what it is, for people")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPart:
    """What a model that a chain was split into does in it."""

    role: Literal["changes", "links", "fold"]
    """What came, cut by time; what came, link by link; what it comes to."""
    kind: ChainKind
    key: tuple[str, ...] = ()
    track: tuple[str, ...] = ()
    deleted: str = ""
    on_missing: Literal["keep", "delete"] = "keep"
    ignores_restated: bool = False
    bucket_rows: int = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A transformation with one output table: ``query`` (SQL, as written) or ``code`` (Python)."""

    name: str
    query: str = ""
    query_line: int = 1
    """Line of the file on which the query begins (its first character is in column ``query_column``)."""
    query_column: int = 1
    query_is_exact: bool = True
    """Whether the file holds the query letter by letter from there on; else mistakes in it are placed there."""
    code: PythonCode | None = None
    description: Annotated[str, Doc("what it is, for people")] = ""
    owner: Annotated[str, Doc("who answers for it")] = ""
    tags: Annotated[tuple[str, ...], Doc("words to select by")] = ()
    kind: Annotated[Kind, Doc("how its rows are kept")] = "full"
    time: Annotated[str | None, Doc("the column that slots cut; $start and $end have its type")] = None
    every: Annotated[Every | None, Doc("length of a slot", "1d")] = None
    start: Annotated[datetime | None, Doc("first slot; default: the earliest start of its inputs")] = None
    end: Annotated[datetime | None, Doc("end of the last slot; default: the latest end of its inputs")] = None
    timezone: Annotated[str, Doc("time zone that cuts days and hours; default: the project's")] = "UTC"
    complete: Annotated[bool, Doc("wait until the slot has ended")] = False
    grain: Annotated[
        tuple[str, ...], Doc("columns that identify a row: implies unique together and not_null each")
    ] = ()
    lookback: Annotated[Seconds | None, Doc("re-fill this far back at each run, where positions cannot show")] = None
    reads: Annotated[Mapping[str, Reads], Doc("inputs of which a slot reads more than its own interval")] = field(
        default_factory=dict
    )
    restate_on: Annotated[tuple[str, ...], Doc("inputs without time that restate history when they move")] = ()
    batch: Annotated[Seconds | None, Doc("most time filled by one query, where proved to be the same")] = None
    through: Annotated[
        Mapping[str, str],
        Doc("input → the policy by which it is read, where that changes what is read", "{access_log: traffic-totals}"),
    ] = field(default_factory=dict)
    key: Annotated[tuple[str, ...], Doc("merge, history: the columns that identify what a row is about")] = ()
    track: Annotated[
        tuple[str, ...], Doc("history: columns whose change makes a new row; default: all but key and time")
    ] = ()
    deleted: Annotated[
        str, Doc("merge, history: predicate over its columns, true for a row that says its key is gone", "op = 'D'")
    ] = ""
    on_missing: Annotated[
        Literal["keep", "delete"] | None,
        Doc("merge, history without `time`: what a key means that is no longer returned; history: delete, merge: keep"),
    ] = None
    bucket_rows: Annotated[
        int, Doc("merge, history: about how many rows a file holds; only files of keys that were touched are written")
    ] = 65_536
    on_restate: Annotated[
        Literal["rebuild", "ignore"],
        Doc("merge, append, history by time: what a slot does whose inputs move after it was filled"),
    ] = "rebuild"
    on_change: Annotated[
        Literal["rebuild", "forward"] | None,
        Doc(
            "what a change of its logic does: rebuild computes all slots again, forward keeps the rows there are;"
            " default: forward for merge, append and history without `time`, else rebuild"
        ),
    ] = None
    allow: Annotated[
        tuple[Literal["volatile"], ...], Doc("volatile: permit now() and the like where slots are cut")
    ] = ()
    timeout: Annotated[Seconds | None, Doc("longest time of one attempt")] = None
    memory: Annotated[Bytes | None, Doc("memory limit of one attempt")] = None
    retries: Annotated[Retries | None, Doc("repetition after errors that may pass")] = None
    priority: Annotated[int, Doc("of several models that are ready, those of larger numbers are computed first")] = 0
    columns: Annotated[Mapping[str, Column], Doc("what is said of its columns; required for Python models")] = field(
        default_factory=dict
    )
    checks: Annotated[tuple[AnyCheck, ...], Doc("assertions on its rows")] = ()
    contract: Annotated[Contract | None, Doc("what it promises to those who read it")] = None
    consumers: Annotated[
        Mapping[str, Consumer], Doc("who reads it outside of the project: a plan says what a change breaks for them")
    ] = field(default_factory=dict)
    version: Annotated[int | None, Doc("which version of a published table it is, counted from 1")] = None
    of: Annotated[str, Doc("the model of which it is an older version; it is called `<of>_v<version>`", "orders")] = ""
    deprecated: Annotated[
        datetime | None, Doc("the day from which nobody should read it; warned of from 30 days before")
    ] = None
    chain: ChainPart | None = None
    """Set on the two models that a merge or history model is compiled to, and on an appended one."""
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Where rows are loaded to, outside the lake. ``settings`` are the connector's own fields."""

    name: str
    from_: Annotated[str, Doc("the node whose rows it takes")]
    connector: Annotated[str, Doc("which connector writes it")]
    description: Annotated[str, Doc("what it is, for people")] = ""
    owner: Annotated[str, Doc("who answers for it")] = ""
    tags: Annotated[tuple[str, ...], Doc("words to select by")] = ()
    mode: Annotated[Literal["replace", "append", "merge"], Doc("how rows meet those already there")] = "replace"
    key: Annotated[tuple[str, ...], Doc("merge: the columns that identify a row")] = ()
    in_: Annotated[tuple[str, ...], Doc("environments in which it runs; nowhere else")] = ()
    targets: Annotated[Mapping[str, Mapping[str, Any]], Doc("other settings per environment")] = field(
        default_factory=dict
    )
    after_rollback: Annotated[Literal["reload", "forward", "none"], Doc("how it follows a rollback")] = "none"
    restate: Annotated[Literal["replace", "ignore"], Doc("append: what a restated slot does")] = "replace"
    at_sites: Annotated[str, Doc("the site or jurisdiction in which its target lies (`at:`)", "eu")] = "hub"
    settings: Mapping[str, Any] = field(default_factory=dict)
    code: PythonCode | None = None
    """The function of a ``python`` sink."""
    at: Origin = field(default=NOWHERE, compare=False, repr=False)
