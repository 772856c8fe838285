"""What a user says about files, checked, and what follows from it: the format, the place of each file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final, Literal, cast

from headwater.connect.sources import Contract, ContractColumn
from headwater.connectors.sources.files.patterns import Pattern, parse_pattern
from headwater.diagnostics import Diagnostic, Invalid, Where, error, suggest
from headwater.spec.addresses import address
from headwater.spec.fields import Doc
from headwater.sql.type_names import parse_type

Format = Literal["auto", "csv", "tsv", "json", "jsonl", "parquet", "combined", "common"]
COMPRESSIONS: Final = (".gz", ".zst")
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
}
_EVOLVING: Final = frozenset({"csv", "tsv", "json", "jsonl", "parquet"})
LOG_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "common": ("client_ip", "identity", "user_name", "ts", "request", "method", "path", "protocol", "status", "bytes"),
    "combined": (
        *("client_ip", "identity", "user_name", "ts", "request", "method", "path", "protocol", "status", "bytes"),
        *("referer", "user_agent"),
    ),
}


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
            "how rows are written; auto: by the extension before .gz or .zst. Access logs (combined, common) have the "
            "columns client_ip, identity, user_name, ts, request, method, path, protocol, status, bytes, and combined "
            "also referer, user_agent; a contract declares those it wants"
        ),
    ] = "auto"
    delimiter: Annotated[str, Doc("csv, tsv: what separates values; default: comma, tab")] = ""
    quote: Annotated[str, Doc('csv, tsv: what encloses values; "" for nothing')] = '"'
    escape: Annotated[str, Doc("csv, tsv: what stands before a quote within quotes")] = '"'
    header: Annotated[bool, Doc("csv, tsv: whether the first line names the columns")] = True
    null: Annotated[tuple[str, ...], Doc("csv, tsv: texts that mean no value")] = ("",)
    encoding: Annotated[Literal["utf-8", "latin-1"], Doc("csv, tsv: how text is encoded")] = "utf-8"


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
class Settings:
    """Everything that is known before a file is seen."""

    root: str
    pattern: Pattern
    format: Format
    dialect: Dialect
    contract: Contract
    where: Where | None = None
    address: str = field(default="")
    """Tells this source's temporary tables from those of others on one connection."""

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
    """Check what was written; raises Invalid with everything that is wrong."""
    found = []
    path = str(values.get("path") or "")
    pattern, problem = parse_pattern(path, contract.timezone)
    if problem:
        found.append(error("HW0301", problem, where, hint="such as data/{site}/{time:%Y-%m-%d}/*.csv.gz"))
    format_ = cast("Format", values.get("format") or "auto")
    if format_ == "auto":
        format_ = _format_of(path)
    if format_ == "auto":
        known = ", ".join(sorted({f for f in _BY_SUFFIX.values() if f != "auto"}))
        found.append(error("HW0302", f"the format of `{path}` cannot be told", where, hint=f"add `format:` ({known})"))
    dialect = _dialect(values, format_)
    found += _dialect_problems(dialect, where)
    found += [error("HW0303", text, where, hint=hint) for text, hint in _contract_problems(contract, format_)]
    if contract.evolve and (format_ not in _EVOLVING or not dialect.header):
        text, known = "files without names of columns cannot evolve", ", ".join(sorted(_EVOLVING))
        found.append(error("HW0280", text, where, hint=f"formats that can: {known}; in csv and tsv with a header"))
    if found:
        raise Invalid.from_all(found)
    columns = tuple(replace(c, type=canonical(c.type)) for c in contract.columns)
    contract = replace(contract, columns=columns)
    unique = address(root, path, format_, repr(dialect), repr(contract))
    return Settings(
        root=root, pattern=pattern, format=format_, dialect=dialect, contract=contract, where=where, address=unique
    )


def _format_of(path: str) -> Format:
    name = path.rpartition("/")[2].lower()
    for compression in COMPRESSIONS:
        name = name.removesuffix(compression)
    return _BY_SUFFIX.get("." + name.rpartition(".")[2], "auto")


def _dialect(values: Mapping[str, object], format_: Format) -> Dialect:
    def text(name: str, default: str) -> str:
        value = values.get(name)
        return default if value is None else str(value)

    null = values.get("null")
    return Dialect(
        delimiter=text("delimiter", "") or ("\t" if format_ == "tsv" else ","),
        quote=text("quote", '"'),
        escape=text("escape", '"'),
        header=bool(values.get("header", True)),
        null=tuple(str(n) for n in null) if isinstance(null, (list, tuple)) else ("",),
        encoding=text("encoding", "utf-8"),
    )


def _dialect_problems(dialect: Dialect, where: Where | None) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for name, value in (("quote", dialect.quote), ("escape", dialect.escape)):
        if len(value) > 1 or not value.isascii():
            found.append(error("HW0304", f"`{name}` must be one character, not `{value}`", where))
    if not 1 <= len(dialect.delimiter.encode()) <= 4 or dialect.delimiter in {"\n", "\r", dialect.quote}:  # noqa: PLR2004 - DuckDB's limit
        found.append(error("HW0304", f"`{dialect.delimiter!r}` cannot separate values", where))
    return found


def _contract_problems(contract: Contract, format_: Format) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    names = [c.name for c in contract.columns]
    if not names:
        found.append(("the source declares no columns", "list them with their types under `columns:`"))
    time = next((c for c in contract.columns if c.name == contract.time), None)
    if contract.time and not time:
        found.append((f"`time: {contract.time}` is not among the columns", suggest(contract.time, names)))
    if time and canonical(time.type) not in TIME_TYPES:
        found.append((f"`{time.name}` of type {time.type} cannot cut time", "use timestamptz, timestamp or date"))
    for name in names:
        if format_ in LOG_COLUMNS and name not in LOG_COLUMNS[format_]:
            known = LOG_COLUMNS[format_]
            hint = suggest(name, known) or f"it has {', '.join(known)}"
            found.append((f"a log in {format_} format has no column `{name}`", hint))
    return found
