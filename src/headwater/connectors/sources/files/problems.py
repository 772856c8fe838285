"""What is wrong with what a user says about files: found without looking at any file, each thing at its own place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from headwater.connect.sources import ContractColumn
from headwater.connectors.sources.files.named_groups import groups_of, pattern_problem, time_format_problem
from headwater.connectors.sources.files.opening import LONGEST_LINE_BYTES
from headwater.connectors.sources.files.patterns import parse_pattern
from headwater.connectors.sources.files.settings import (
    KNOWN_COLUMNS,
    TIME_TYPES,
    Dialect,
    canonical,
    dialect_of,
    format_of,
    formats_by_suffix,
    lines_of,
    max_line_of,
)
from headwater.diagnostics import Diagnostic, Where, error, suggest, warning

Place = Callable[[str], Where | None]
"""Key (dotted) → where it was written."""
_OWN: Final = {
    "pattern": ("regex",), "time_format": ("logfmt", "regex"), "year": ("syslog",), "syslog": ("syslog",),
    "repeated_key": ("logfmt",),
}  # fmt: skip
_UNSAID: Final = frozenset({"", "auto", "reject", None})
_LEAST_LINE_BYTES: Final = 1024
_YEARS: Final = range(1970, 10_000)


def problems(
    values: Mapping[str, object],
    columns: Sequence[ContractColumn],
    place: Place,
    *,
    time: str | None,
    identity: str,
    timezone: str,
) -> Iterator[Diagnostic]:
    """Give everything that is wrong."""
    path = str(values.get("path") or "")
    pattern, problem = parse_pattern(path, timezone)
    if problem:
        remote = "a path without `…://`; what lies elsewhere is fetched first, or read by `connector: python`"
        hint = remote if "://" in path else "such as data/{site}/{time:%Y-%m-%d}/*.csv.gz"
        yield error("HW0301", problem, place("path"), hint=hint)
    format_ = format_of(values)
    if format_ == "auto" and not problem:
        hint = f"add `format:` ({', '.join(formats_by_suffix())})"
        yield error("HW0302", f"the format of `{path}` cannot be told", place("path"), hint=hint)
    yield from _dialect_problems(dialect_of(values), place)
    yield from _contract_problems(columns, time, format_, place)
    yield from _setting_problems(values, format_, place)
    if format_ == "regex":
        yield from _pattern_problems(values, columns, place)
    is_year_known = lines_of(values).year is not None or pattern.times or identity == "stat"
    if format_ == "syslog" and lines_of(values).syslog != "rfc5424" and not is_year_known:
        text = "the year of times without one would follow from when a file was changed, but bytes are its identity"
        hint = "say `year:`, `syslog: rfc5424`, a path with {time:…}, or take `identity: content` out"
        yield error("HW0635", text, place("identity"), hint=hint)


def _dialect_problems(dialect: Dialect, place: Place) -> Iterator[Diagnostic]:
    for name, value in (("quote", dialect.quote), ("escape", dialect.escape)):
        if len(value) > 1 or not value.isascii():
            yield error("HW0304", f"`{name}` must be one character, not `{value}`", place(name))
    if not 1 <= len(dialect.delimiter.encode()) <= 4 or dialect.delimiter in {"\n", "\r", dialect.quote}:  # noqa: PLR2004 - DuckDB's limit
        yield error("HW0304", f"`{dialect.delimiter!r}` cannot separate values", place("delimiter"))


def _contract_problems(
    columns: Sequence[ContractColumn], time: str | None, format_: str, place: Place
) -> Iterator[Diagnostic]:
    names = [c.name for c in columns]
    if not names:
        hint = "list them with their types under `columns:`"
        yield error("HW0303", "the source declares no columns", place("columns"), hint=hint)
    cut = next((c for c in columns if c.name == time), None)
    if time and not cut:
        text = f"`time: {time}` is not among the columns"
        yield error("HW0303", text, place("time"), hint=suggest(time, names))
    if cut and canonical(cut.type) not in TIME_TYPES:
        text = f"`{cut.name}` of type {cut.type} cannot cut time"
        yield error("HW0303", text, place(f"columns.{cut.name}"), hint="use timestamptz, timestamp or date")
    known = KNOWN_COLUMNS.get(format_, ())
    for name in names if known else ():
        if name not in known:
            hint = suggest(name, known) or f"it has {', '.join(known)}"
            text = f"a log in {format_} format has no column `{name}`"
            yield error("HW0303", text, place(f"columns.{name}"), hint=hint)


def _setting_problems(values: Mapping[str, object], format_: str, place: Place) -> Iterator[Diagnostic]:
    for name, formats in _OWN.items():
        if format_ not in formats and values.get(name) not in _UNSAID and format_ != "auto":
            text = f"`{name}` means nothing for files in {format_} format"
            yield error("HW0634", text, place(name), hint=f"it belongs to `format: {' or '.join(formats)}`")
    lines, size = lines_of(values), max_line_of(values)
    if not _LEAST_LINE_BYTES <= size <= LONGEST_LINE_BYTES:
        text = f"`max_line` must lie between 1 KiB and {LONGEST_LINE_BYTES >> 20} MiB"
        yield error("HW0638", text, place("max_line"))
    if lines.year is not None and lines.year not in _YEARS:
        yield error("HW0635", f"`{lines.year}` is not a year from 1970 to 9999", place("year"))
    problem = time_format_problem(lines.time_format) if lines.time_format else ""
    if problem:
        hint = "such as %Y-%m-%d %H:%M:%S.%f, %d/%b/%Y:%H:%M:%S %z"
        text = f"times cannot be read by `{lines.time_format}`: {problem}"
        yield error("HW0636", text, place("time_format"), hint=hint)


def _pattern_problems(
    values: Mapping[str, object], columns: Sequence[ContractColumn], place: Place
) -> Iterator[Diagnostic]:
    pattern, where = lines_of(values).pattern, place("pattern")
    if not pattern:
        text = "`format: regex` needs a `pattern`"
        yield error("HW0630", text, place("format"), hint=r"such as '(?P<level>\w+): (?P<message>.*)'")
        return
    problem, hint = pattern_problem(pattern)
    if problem:
        yield error("HW0630", f"the pattern is refused: {problem}", where, hint=hint)
        return
    names = [name for name in groups_of(pattern) if name]
    if not names:
        hint = "name what becomes a column: `(?P<level>[A-Z]+)`"
        yield error("HW0631", "the pattern has no named group", where, hint=hint)
        return
    yield from _group_problems(names, [c.name for c in columns], place)


def _group_problems(names: Sequence[str], columns: Sequence[str], place: Place) -> Iterator[Diagnostic]:
    for name in dict.fromkeys(n for n in names if names.count(n) > 1):
        text = f"the pattern has more than one group `{name}`"
        yield error("HW0630", text, place("pattern"), hint="give each group a name of its own")
    for name in columns:
        if name not in names:
            hint = suggest(name, names) or f"the pattern has the groups {', '.join(dict.fromkeys(names))}"
            text = f"the pattern has no group for the column `{name}`"
            yield error("HW0632", text, place(f"columns.{name}"), hint=hint)
    for name in dict.fromkeys(names):
        if name not in columns:
            hint = "declare it under `columns:`, or write `(?:…)` for a group that is no column"
            text = f"the group `{name}` of the pattern is no column: it is not read"
            yield warning("HW0633", text, place("pattern"), hint=hint)
