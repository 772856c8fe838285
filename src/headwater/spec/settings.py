"""What the functions that make nodes take: made by `make docs`, do not edit."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal, Required, TypedDict

from headwater.spec.checks import Check


class ModelKeys(TypedDict, total=False):
    """What every model takes."""

    description: str
    """What it is, for people."""
    owner: str
    """Who answers for it."""
    tags: str | Sequence[str]
    """Words to select by."""
    kind: Literal["full", "view", "inline", "incremental", "merge", "append", "history"]
    """How its rows are kept."""
    time: str | None
    """The column that slots cut; $start and $end have its type."""
    every: str | timedelta | None
    """Length of a slot."""
    start: str | date | None
    """First slot; default: the earliest start of its inputs."""
    end: str | date | None
    """End of the last slot; default: the latest end of its inputs."""
    timezone: str
    """Time zone that cuts days and hours; default: the project's."""
    complete: bool
    """Wait until the slot has ended."""
    grain: str | Sequence[str]
    """Columns that identify a row: implies unique together and not_null each."""
    lookback: str | timedelta | None
    """Re-fill this far back at each run, where positions cannot show."""
    reads: Mapping[str, str | Mapping[str, Any]]
    """Inputs of which a slot reads more than its own interval."""
    restate_on: str | Sequence[str]
    """Inputs without time that restate history when they move."""
    batch: str | timedelta | None
    """Most time filled by one query, where proved to be the same."""
    through: Mapping[str, str]
    """Input → the policy by which it is read, where that changes what is read."""
    key: str | Sequence[str]
    """Merge, history: the columns that identify what a row is about."""
    track: str | Sequence[str]
    """History: columns whose change makes a new row; default: all but key and time."""
    deleted: str
    """Merge, history: predicate over its columns, true for a row that says its key is gone."""
    on_missing: Literal["keep", "delete"] | None
    """Merge, history without `time`: what a key means that is no longer returned; history: delete, merge: keep."""
    bucket_rows: int
    """Merge, history: about how many rows a file holds; only files of keys that were touched are written."""
    on_restate: Literal["rebuild", "ignore"]
    """Merge, append, history by time: what a slot does whose inputs move after it was filled."""
    on_change: Literal["rebuild", "forward"] | None
    """What a change of its logic does: rebuild computes all slots again, forward keeps the rows there are; default:
    forward for merge, append and history without `time`, else rebuild.
    """
    allow: Literal["volatile"] | Sequence[Literal["volatile"]]
    """Volatile: permit now() and the like where slots are cut."""
    timeout: str | timedelta | None
    """Longest time of one attempt."""
    memory: str | int | None
    """Memory limit of one attempt."""
    retries: str | Mapping[str, Any] | None
    """Repetition after errors that may pass."""
    priority: int
    """Of several models that are ready, those of larger numbers are computed first."""
    columns: Mapping[str, str | Mapping[str, Any]]
    """What is said of its columns; required for Python models."""
    checks: Sequence[Check | Mapping[str, Any]]
    """Assertions on its rows."""
    contract: str | Mapping[str, Any] | None
    """What it promises to those who read it."""
    consumers: Mapping[str, str | Mapping[str, Any]]
    """Who reads it outside of the project: a plan says what a change breaks for them."""
    version: int | None
    """Which version of a published table it is, counted from 1."""
    of: str
    """The model of which it is an older version; it is called `<of>_v<version>`."""
    deprecated: str | date | None
    """The day from which nobody should read it; warned of from 30 days before."""


class ModelSettings(ModelKeys, total=False):
    """What ``hw.model`` takes."""

    name: str
    """Its name; by default that of the function."""
    inputs: Mapping[str, str]
    """The node of each argument that is not called as its node is."""


class SqlModelSettings(ModelKeys, total=False):
    """What ``hw.sql_model`` takes."""

    name: Required[str]
    """Its name; by default that of the function."""
    sql: Required[str]
    """Its query, one SELECT."""


class SourceSettings(TypedDict, total=False):
    """What ``hw.source`` takes, with all connectors' settings."""

    name: str
    """Its name; by default that of the function."""
    connector: str
    """Which connector reads it."""
    description: str
    """What it is, for people."""
    owner: str
    """Who answers for it."""
    tags: str | Sequence[str]
    """Words to select by."""
    at: str | Sequence[str]
    """Sites that hold it (`at:`)."""
    replicated: bool
    """Every site of it holds the same rows: a reference table."""
    partition: Mapping[str, str]
    """Column → name of a partition: no value of it lies at two sites, and sources that name the same partition agree on
    where a value lies.
    """
    time: str | None
    """The column that slots cut."""
    start: str | date | None
    """Where its time begins."""
    end: str | date | None
    """Where its time ends (excluded)."""
    timezone: str
    """Time zone of values without one."""
    ahead: str | timedelta
    """How far in the future a row's time may lie."""
    columns: Mapping[str, str | Mapping[str, Any]]
    """The contract: a row belongs to the source if all of these hold."""
    contract: Literal["strict", "lazy"]
    """Strict sets bad rows aside; lazy makes bad values NULL."""
    identity: Literal["stat", "content"]
    """What identifies a file: size, mtime, inode; or bytes."""
    land: bool | None
    """Whether an apply or run copies what is new into the lake, once, and reads it there; default: no for files, yes
    for databases and Python functions.
    """
    on_vanish: Literal["fail", "keep", "delete"]
    """What a file that disappears means."""
    on_bad_row: Literal["quarantine", "fail"]
    """What a row outside the contract means."""
    on_schema_change: Literal["fail", "quarantine", "evolve"]
    """What a file with other columns means; evolve: columns that are not required may be absent, and new ones become
    columns of the source with the next apply.
    """
    checks: Sequence[Check | Mapping[str, Any]]
    """Assertions on its rows."""
    path: str
    """Which files: a path relative to the project with `*`, `?`, `[..]` and `**`; `{site}` is the site's name,
    `{time:%Y-%m-%d}` the interval that a file holds.
    """
    format: Literal["auto", "csv", "tsv", "json", "jsonl", "parquet", "combined", "common", "logfmt", "syslog", "regex"]
    """How rows are written; auto: by the extension before .gz, .zst or .bz2. Access logs (combined, common) have the
    columns client_ip, identity, user_name, ts, request, method, path, protocol, status, bytes, and combined also
    referer, user_agent; syslog has priority, facility, severity, version, ts, host, app, pid, msgid, structured_data,
    message; a contract declares those it wants. logfmt takes columns by their keys, regex by the named groups of
    `pattern`.
    """
    delimiter: str
    """Csv, tsv: what separates values; default: comma, tab."""
    quote: str
    """Csv, tsv: what encloses values; "" for nothing."""
    escape: str
    """Csv, tsv: what stands before a quote within quotes."""
    header: bool
    """Csv, tsv: whether the first line names the columns."""
    null: str | Sequence[str]
    """Csv, tsv, logfmt, regex: texts that mean no value."""
    encoding: Literal["utf-8", "latin-1"]
    """Csv, tsv: how text is encoded."""
    pattern: str
    """Regex: matches a whole line (RE2: without looking around and references back); every column is one of its named
    groups, a group without text has no value, a line that does not match is set aside.
    """
    time_format: str
    """Logfmt, regex: how times are written (strftime); default: ISO 8601."""
    repeated_key: Literal["reject", "first", "last"]
    """Logfmt: what a declared key that stands in a line twice means: the line is set aside, or one counts."""
    syslog: Literal["auto", "rfc3164", "rfc5424"]
    """Syslog: which form lines have; auto: each by itself; lines of another form are set aside."""
    year: int | None
    """Syslog: the year of times without one (RFC 3164). Default: the latest year in which a time does not lie behind
    its file: behind the interval that the path declares, or else a day after the file's last change.
    """
    max_line: str | int
    """All but json and parquet: longer lines are set aside; a scan holds some lines of this size in memory."""
    table: str
    """The table (or view) whose rows these are; or `query`."""
    query: str
    """A SELECT in the database's own SQL that gives the rows; or `table`."""
    cursor: str
    """A declared column that never goes back from row to row: only rows from its greatest landed value on are read;
    without it, all rows are read whenever the file has changed.
    """
    where: str
    """A condition in the database's own SQL that all rows fulfil."""
    epoch: Literal["s", "ms", "us"]
    """Unit of times that are kept as numbers since 1970."""
    timeout: str | timedelta
    """Longest time of one call."""
    memory: str | int | None
    """Memory limit of one call."""


class SinkSettings(TypedDict, total=False):
    """What ``hw.sink`` takes, with all connectors' settings."""

    name: str
    """Its name; by default that of the function."""
    from_: str
    """The node whose rows it takes."""
    connector: str
    """Which connector writes it."""
    description: str
    """What it is, for people."""
    owner: str
    """Who answers for it."""
    tags: str | Sequence[str]
    """Words to select by."""
    mode: Literal["replace", "append", "merge"]
    """How rows meet those already there."""
    key: str | Sequence[str]
    """Merge: the columns that identify a row."""
    in_: str | Sequence[str]
    """Environments in which it runs; nowhere else."""
    targets: Mapping[str, Mapping[str, Any]]
    """Other settings per environment."""
    after_rollback: Literal["reload", "forward", "none"]
    """How it follows a rollback."""
    restate: Literal["replace", "ignore"]
    """Append: what a restated slot does."""
    at: str
    """The site or jurisdiction in which its target lies (`at:`)."""
    path: str
    """Directory, or one file ending in .parquet; relative to the project."""
    partition_by: str | Sequence[str]
    """Columns that name directories (`origin=EWR/`) instead of standing in the files."""
    compression: Literal["none", "gz", "zst"]
    """How files are compressed; part of their suffix."""
    table: str
    """The table in it, which belongs to this sink."""
    schema: str
    """The table's schema; made if it is not there."""
    timeout: str | timedelta
    """Longest time of the calls for up to 64 slots."""
    memory: str | int | None
    """Memory limit of these calls."""


class PipelineSettings(TypedDict, total=False):
    """What ``hw.pipeline`` takes."""

    name: Required[str]
    """Its name; by default that of the function."""
    description: str
    """What it is for."""
    owner: str
    """Who answers for it."""
    select: str | Sequence[str]
    """What belongs to it: names, +a, a+, tag:x, path:p."""
    publish: Literal["together", "each"]
    """Together: all tables of a run become visible at once; each: one by one."""
    schedule: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]
    """At which times it runs: one schedule or a list of them."""
    when: str | Mapping[str, Any] | None
    """What makes it run, besides its schedule or instead of it."""
    debounce: str | timedelta
    """With `when`: wait until nothing new has come for so long, or for ten times as long in all."""
    continuous: str | timedelta | None
    """Run again and again, so long after one another, instead of by schedule or `when`."""
    deadline: str
    """Until when a run must have ended: a local time of its schedule, or so long after it was due."""
    timeout: str | timedelta | None
    """Longest time of a whole run; it is stopped then."""
    concurrency: int | None
    """How many of its tasks run at once; default: as many as there are workers."""
    priority: int
    """Of pipelines that wait, the one with the higher number goes first."""
    max_active: int
    """How many of its runs may be under way at once; one more may wait."""
    retries: str | Mapping[str, Any] | None
    """Repetition after errors that may pass, instead of that of its nodes."""
    in_: str | Sequence[str]
    """Environments in which it runs by itself; default: all."""
    alerts: Mapping[str, str | Mapping[str, Any]]
    """Who is told what about it and what it selects, besides `alerts:`."""


class CheckSettings(TypedDict, total=False):
    """What every check takes by name."""

    on_fail: Literal["block", "warn", "quarantine"]
    """Block the release, only warn, or set the failing rows aside."""
    where: str | None
    """SQL condition: only rows that satisfy it are checked."""


class AcceptedRangeSettings(CheckSettings, total=False):
    """What ``hw.accepted_range`` takes by name."""

    min: str | int | float | None
    """Smallest value allowed."""
    max: str | int | float | None
    """Largest value allowed."""


class DriftSettings(CheckSettings, total=False):
    """What ``hw.drift`` takes by name."""

    over: int
    """Compare with so many earlier measurements."""
    season: Literal["week"] | None
    """Week: compare with the same weekday, for shorter slots the same time of it."""


class RowCountSettings(CheckSettings, total=False):
    """What ``hw.row_count`` takes by name."""

    min: int | None
    """Fewest rows allowed."""
    max: int | None
    """Most rows allowed."""
