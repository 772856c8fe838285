"""The whole project as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from headwater.spec.alerts import Alert
from headwater.spec.fields import Doc
from headwater.spec.limits import Limits
from headwater.spec.nodes import Model, Retries, Sink, Source
from headwater.spec.origin import NOWHERE, Origin
from headwater.spec.policies import Key, Policy, PolicyTest
from headwater.spec.schedules import Condition, Schedule
from headwater.spec.tests import UnitTest
from headwater.spec.units import Bytes, Seconds

Variable = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What nodes take when they say nothing themselves."""

    owner: Annotated[str, Doc("who answers for a node")] = ""
    retries: Annotated[Retries, Doc("repetition after errors that may pass")] = field(default_factory=Retries)
    timeout: Annotated[Seconds, Doc("longest time of one attempt")] = Seconds(3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place that holds data."""

    name: str
    description: Annotated[str, Doc("what it is, for people")] = ""
    labels: Annotated[Mapping[str, str], Doc("words to find it by")] = field(default_factory=dict)
    jurisdiction: Annotated[str, Doc("under whose law it stands; if one site says it, all must", "eu")] = ""
    runtime: Annotated[
        Literal["local"] | None,
        Doc("what computes there; local: a process of its own on this machine; default: the hub reads its files"),
    ] = None
    root: Annotated[str, Doc("the directory that paths of its sources start from; default: the project's")] = ""
    capacity: Annotated[int, Doc("how many queries it works on at once")] = 2
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A place where a version of the whole project is alive."""

    name: str
    description: Annotated[str, Doc("what it is for")] = ""
    protected: Annotated[bool, Doc("needs a clean Git tree and a saved plan")] = False
    approvals: Annotated[int, Doc("how many people besides the author must approve a plan")] = 0
    window: Annotated[Seconds | None, Doc("only slots this far back from as_of are wanted")] = None
    as_of: Annotated[datetime | None, Doc("a fixed `now` for what is wanted")] = None
    variables: Annotated[Mapping[str, Variable], Doc("variables that differ from the project's")] = field(
        default_factory=dict
    )
    template: Annotated[bool, Doc("only a pattern for `env create NAME --like`")] = False
    from_: Annotated[str | None, Doc("the environment a new one takes its entries from")] = None
    expires: Annotated[Seconds | None, Doc("how long a created environment lives")] = None
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A named selection of nodes."""

    name: str
    description: Annotated[str, Doc("what it is for")] = ""
    owner: Annotated[str, Doc("who answers for it")] = ""
    select: Annotated[tuple[str, ...], Doc("what belongs to it: names, +a, a+, tag:x, path:p")] = ()
    publish: Annotated[
        Literal["together", "each"], Doc("together: all tables of a run become visible at once; each: one by one")
    ] = "together"
    schedule: Annotated[
        tuple[Schedule, ...], Doc("at which times it runs: one schedule or a list of them", "15 6 * * *")
    ] = ()
    when: Annotated[
        Condition | None, Doc("what makes it run, besides its schedule or instead of it", "{updated: flights}")
    ] = None
    debounce: Annotated[
        Seconds, Doc("with `when`: wait until nothing new has come for so long, or for ten times as long in all")
    ] = Seconds(0)
    continuous: Annotated[
        Seconds | None, Doc("run again and again, so long after one another, instead of by schedule or `when`", "5s")
    ] = None
    deadline: Annotated[
        str, Doc("until when a run must have ended: a local time of its schedule, or so long after it was due", "07:00")
    ] = ""
    timeout: Annotated[Seconds | None, Doc("longest time of a whole run; it is stopped then")] = None
    concurrency: Annotated[
        int | None, Doc("how many of its tasks run at once; default: as many as there are workers")
    ] = None
    priority: Annotated[int, Doc("of pipelines that wait, the one with the higher number goes first")] = 0
    max_active: Annotated[int, Doc("how many of its runs may be under way at once; one more may wait")] = 1
    retries: Annotated[Retries | None, Doc("repetition after errors that may pass, instead of that of its nodes")] = (
        None
    )
    in_: Annotated[tuple[str, ...], Doc("environments in which it runs by itself; default: all")] = ()
    alerts: Annotated[
        Mapping[str, Alert],
        Doc("who is told what about it and what it selects, besides `alerts:`", "pager: {on: deadline_missed, to: …}"),
    ] = field(default_factory=dict)
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """A file outside the lake that says what an environment serves, kept in step with its head."""

    duckdb: Annotated[
        str, Doc("the DuckDB file, relative to the project: one view per served table or view", "out/prod.duckdb")
    ]
    relative: Annotated[
        bool, Doc("write paths relative to the project's directory; false: absolute, readable from anywhere")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Compact:
    """When the small files of a table's slots are packed into few."""

    after: Annotated[int, Doc("from how many small files of a table on; 0: never")] = 64
    to: Annotated[Bytes, Doc("how large a packed file becomes at most, about")] = Bytes(128_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What makes the audit chains checkable by those who do not trust this machine."""

    secret: Annotated[
        str,
        Doc("a reference to the private Ed25519 key that signs checkpoints: PEM, or 64 hex digits", "${env:AUDIT_KEY}"),
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """A ``CREATE MACRO`` statement from ``functions/``: scalar or table."""

    name: str
    statement: str
    at: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Everything the files say, read and typed; references between nodes are not yet resolved."""

    name: str
    description: Annotated[str, Doc("what the project is for")] = ""
    variables: Annotated[Mapping[str, Variable], Doc("values that SQL reads as `$name`")] = field(default_factory=dict)
    timezone: Annotated[str, Doc("time zone that cuts days and hours, unless a model says otherwise")] = "UTC"
    defaults: Annotated[Defaults, Doc("what nodes take when they say nothing themselves")] = field(
        default_factory=Defaults
    )
    state: Annotated[
        str,
        Doc(
            "where the state is kept: `sqlite:` and a file, or `postgres://user:${env:PASSWORD}@host/database?schema=name`",
            "sqlite:.headwater/state.db",
        ),
    ] = "sqlite:.headwater/state.db"
    lake: Annotated[str, Doc("directory (relative to the project) or object-store URL of the tables")] = (
        ".headwater/lake"
    )
    keep: Annotated[Seconds, Doc("how far back releases keep their data")] = Seconds(30 * 86400)
    load_timeout: Annotated[Seconds, Doc("longest time that loading one Python file of the project may take")] = (
        Seconds(30)
    )
    compact: Annotated[
        Compact, Doc("when the small files of a table's slots are packed into few", "{after: 64, to: 128MB}")
    ] = field(default_factory=Compact)
    audit: Annotated[Audit, Doc("what signs checkpoints of the audit chains", '{secret: "${env:AUDIT_KEY}"}')] = field(
        default_factory=Audit
    )
    catalogs: Annotated[
        Mapping[str, Catalog],
        Doc(
            "environment → a DuckDB file with its views, rewritten after each of its moves",
            "prod: {duckdb: out/prod.duckdb}",
        ),
    ] = field(default_factory=dict)
    calendars: Annotated[
        Mapping[str, tuple[str, ...]], Doc("name → days, for `except:` of schedules", "{holidays: [2026-12-25]}")
    ] = field(default_factory=dict)
    limits: Annotated[
        Limits,
        Doc("how much may be worked on at once, over all processes of a state", "{tags: {heavy: 1}, tasks: 8}"),
    ] = field(default_factory=Limits)
    sites: Mapping[str, Site] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    sinks: Mapping[str, Sink] = field(default_factory=dict)
    pipelines: Mapping[str, Pipeline] = field(default_factory=dict)
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    tests: tuple[UnitTest, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    keys: Mapping[str, Key] = field(default_factory=dict)
    policy_tests: Mapping[str, PolicyTest] = field(default_factory=dict)
    macros: Mapping[str, Macro] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Path (relative to the project) → text of every file read, for excerpts in diagnostics."""
    at: Origin = field(default=NOWHERE, compare=False, repr=False)
