"""What a user says about files, checked, and what follows from it: the format, the place of each file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final, Literal, cast

from headwater.connect.sources import Contract, ContractColumn
from headwater.connectors.sources.files.opening import LONGEST_LINE_BYTES
from headwater.connectors.sources.files.patterns import Pattern, parse_pattern
from headwater.diagnostics import Where
from headwater.spec.addresses import address
from headwater.spec.fields import Doc
from headwater.spec.units import Bytes
from headwater.sql.type_names import parse_type

Format = Literal[
    "auto", "csv", "tsv", "json", "jsonl", "parquet", "combined", "common", "logfmt", "syslog", "regex"
]  # fmt: skip
UNPACKED: Final = ".bz2"
"""What the engine cannot unpack itself."""
COMPRESSIONS: Final = (".gz", ".zst", UNPACKED)
_LEAST_BUFFER_BYTES: Final = 1 << 20
TIME_TYPES: Final = frozenset({"TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "DATE"})
_BY_SUFFIX: Final[Mapping[str, Format]] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".log": "combined",
    ".logfmt": "logfmt",
    ".syslog": "syslog",
}
LOG_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "common": ("client_ip", "identity", "user_name", "ts", "request", "method", "path", "protocol", "status", "bytes"),
    "combined": (
        *("client_ip", "identity", "user_name", "ts", "request", "method", "path", "protocol", "status", "bytes"),
        *("referer", "user_agent"),
    ),
}
SYSLOG_COLUMNS: Final = (
    *("priority", "facility", "severity", "version", "ts", "host", "app", "pid", "msgid"),
    *("structured_data", "message"),
)
KNOWN_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {**LOG_COLUMNS, "syslog": SYSLOG_COLUMNS}
"""Formats whose columns have names of their own."""
LINE_FORMATS: Final = frozenset({*KNOWN_COLUMNS, "logfmt", "regex"})
"""Formats in which each line is a row, or set aside, for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a user writes."""

    path: Annotated[
        str,
        Doc(
            "which files: a path relative to the project with `*`, `?`, `[..]` and `**`; `{site}` is the site's name, "
            "`{time:%Y-%m-%d}` the interval that a file holds",
            "data/{site}/flights/*.csv.gz",
        ),
    ]
    format: Annotated[
        Format,
        Doc(
            "how rows are written; auto: by the extension before .gz, .zst or .bz2. Access logs (combined, common) "
            "have the columns client_ip, identity, user_name, ts, request, method, path, protocol, status, bytes, and "
            "combined also referer, user_agent; syslog has priority, facility, severity, version, ts, host, app, pid, "
            "msgid, structured_data, message; a contract declares those it wants. logfmt takes columns by their keys, "
            "regex by the named groups of `pattern`"
        ),
    ] = "auto"
    delimiter: Annotated[str, Doc("csv, tsv: what separates values; default: comma, tab")] = ""
    quote: Annotated[str, Doc('csv, tsv: what encloses values; "" for nothing')] = '"'
    escape: Annotated[str, Doc("csv, tsv: what stands before a quote within quotes")] = '"'
    header: Annotated[bool, Doc("csv, tsv: whether the first line names the columns")] = True
    null: Annotated[tuple[str, ...], Doc("csv, tsv, logfmt, regex: texts that mean no value")] = ("",)
    encoding: Annotated[Literal["utf-8", "latin-1"], Doc("csv, tsv: how text is encoded")] = "utf-8"
    pattern: Annotated[
        str,
        Doc(
            "regex: matches a whole line (RE2: without looking around and references back); every column is one of its "
            "named groups, a group without text has no value, a line that does not match is set aside",
            r"\[(?P<ts>[^\]]+)\] (?P<level>\w+): (?P<message>.*)",
        ),
    ] = ""
    time_format: Annotated[
        str, Doc("logfmt, regex: how times are written (strftime); default: ISO 8601", "%d/%b/%Y:%H:%M:%S %z")
    ] = ""
    repeated_key: Annotated[
        Literal["reject", "first", "last"],
        Doc("logfmt: what a declared key that stands in a line twice means: the line is set aside, or one counts"),
    ] = "reject"
    syslog: Annotated[
        Literal["auto", "rfc3164", "rfc5424"],
        Doc("syslog: which form lines have; auto: each by itself; lines of another form are set aside"),
    ] = "auto"
    year: Annotated[
        int | None,
        Doc(
            "syslog: the year of times without one (RFC 3164). Default: the latest year in which a time does not lie "
            "behind its file: behind the interval that the path declares, or else a day after the file's last change"
        ),
    ] = None
    max_line: Annotated[
        Bytes,
        Doc("all but json and parquet: longer lines are set aside; a scan holds some lines of this size in memory"),
    ] = Bytes(LONGEST_LINE_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a delimited file is written."""

    delimiter: str
    quote: str
    escape: str
    header: bool
    null: tuple[str, ...]
    encoding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What is said of formats in which each line is a row."""

    pattern: str = ""
    time_format: str = ""
    repeated_key: str = "reject"
    syslog: str = "auto"
    year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that is known before a file is seen."""

    root: str
    pattern: Pattern
    format: Format
    dialect: Dialect
    contract: Contract
    lines: Lines = field(default_factory=Lines)
    max_line: int = LONGEST_LINE_BYTES
    where: Where | None = None
    address: str = field(default="")
    """Tells this source's temporary tables from those of others on one connection."""
    scratch: str = ""
    """Folder of unpacked copies; it need not exist."""

    @property
    def buffer_bytes(self) -> int:
        """How much the engine reads of a file at once."""
        return max(self.max_line, _LEAST_BUFFER_BYTES)

    def may_lack(self, column: ContractColumn) -> bool:
        """Whether a file may be without a column: its values are NULL then."""
        return column.discovered or (self.contract.evolve and not column.required and column.name != self.contract.time)

    @property
    def time_column(self) -> ContractColumn | None:
        """The column that cuts time."""
        return next((c for c in self.contract.columns if c.name == self.contract.time), None)


def canonical(type_: str) -> str:
    """Give a type as DuckDB writes it.

    >>> canonical("timestamptz")
    'TIMESTAMP WITH TIME ZONE'
    """
    return str(parse_type(type_))


def settings_of(values: Mapping[str, object], contract: Contract, root: str, where: Where | None) -> Settings:
    """Give settings that have no problem (see ``problems``)."""
    path = str(values.get("path") or "")
    pattern, _ = parse_pattern(path, contract.timezone)
    format_, dialect, lines = format_of(values), dialect_of(values), lines_of(values)
    max_line = max_line_of(values)
    columns = tuple(replace(c, type=canonical(c.type)) for c in contract.columns)
    contract = replace(contract, columns=columns)
    unique = address(root, path, format_, repr(dialect), repr(lines), str(max_line), repr(contract))
    return Settings(
        root=root, pattern=pattern, format=format_, dialect=dialect, contract=contract, lines=lines, max_line=max_line,
        where=where, address=unique,
    )  # fmt: skip


def format_of(values: Mapping[str, object]) -> Format:
    """Give the format said, or the one that the extension tells; "auto" if it tells none."""
    said = cast("Format", values.get("format") or "auto")
    if said != "auto":
        return said
    name = str(values.get("path") or "").rpartition("/")[2].lower()
    for compression in COMPRESSIONS:
        name = name.removesuffix(compression)
    return _BY_SUFFIX.get("." + name.rpartition(".")[2], "auto")


def formats_by_suffix() -> tuple[str, ...]:
    """Give the formats that an extension tells."""
    return tuple(sorted(set(_BY_SUFFIX.values())))


def dialect_of(values: Mapping[str, object]) -> Dialect:
    """Give how a delimited file is written."""
    null = values.get("null")
    return Dialect(
        delimiter=_text(values, "delimiter") or ("\t" if format_of(values) == "tsv" else ","),
        quote=_text(values, "quote", '"'),
        escape=_text(values, "escape", '"'),
        header=bool(values.get("header", True)),
        null=tuple(str(n) for n in null) if isinstance(null, (list, tuple)) else ("",),
        encoding=_text(values, "encoding", "utf-8"),
    )


def lines_of(values: Mapping[str, object]) -> Lines:
    """Give what is said of lines; a pattern from a YAML block ends with a line end that is not meant."""
    year = values.get("year")
    return Lines(
        pattern=_text(values, "pattern").removesuffix("\n"),
        time_format=_text(values, "time_format"),
        repeated_key=_text(values, "repeated_key", "reject"),
        syslog=_text(values, "syslog", "auto"),
        year=year if isinstance(year, int) else None,
    )


def max_line_of(values: Mapping[str, object]) -> int:
    """Give the length, in bytes, up to which a line is read."""
    said = values.get("max_line")
    return said if isinstance(said, int) else LONGEST_LINE_BYTES


def _text(values: Mapping[str, object], name: str, default: str = "") -> str:
    value = values.get(name)
    return default if value is None else str(value)
