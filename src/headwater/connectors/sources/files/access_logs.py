"""Access logs in combined and common format: cut at the quotes, with a regular expression where quotes are escaped."""

from collections.abc import Sequence
from typing import Final

from headwater.connect.sources import ContractColumn, ScanItem
from headwater.connectors.sources.files.reading import FILE, LINE, Flaw, Reading
from headwater.connectors.sources.files.settings import Settings
from headwater.connectors.sources.files.text_lines import line_reading
from headwater.sql.text import quote_identifier, quote_literal

# A line is cut at its quotes: head "request" middle "referer" "user agent". The request is part 2, and so on.
_PARTS: Final = {"combined": 7, "common": 3}
_TEXT: Final = r'((?:[^"\\]|\\.)*)'
_HEAD: Final = r'^([^"]*)'
_EXACT: Final = {
    "combined": rf'{_HEAD}"{_TEXT}"( [0-9]{{3}} [^ "]+ )"{_TEXT}" "{_TEXT}"\s*$',
    "common": rf'{_HEAD}"{_TEXT}"( [0-9]{{3}} [^ "]+)\s*$',
}
_STAMP: Final = "%d/%b/%Y:%H:%M:%S"
_GROUPS: Final = {"head": 1, "request": 2, "middle": 3, "referer": 4, "agent": 5}
_PLACES: Final = {"head": 1, "request": 2, "middle": 3, "referer": 4, "agent": 6}
_USES: Final = {
    "client_ip": "head", "identity": "head", "user_name": "head", "ts": "head", "request": "request",
    "method": "request", "path": "request", "protocol": "request", "referer": "referer", "user_agent": "agent",
}  # fmt: skip


def log_reading(settings: Settings, items: Sequence[ScanItem]) -> Reading:
    """Give the reading of access logs."""
    declared = settings.contract.columns
    used = {"head", "middle", *(_USES[c.name] for c in declared if c.name in _USES)}
    parts = [f"{_part(settings.format, name)} AS __hw_{name}" for name in _PLACES if name in used]

    def relation(lines: str) -> str:
        cut = f"SELECT {LINE}, {FILE}, string_split({LINE}, '\"') AS __hw_cut FROM ({lines}) AS l"
        whole = _is_whole(settings.format)
        return f"SELECT {LINE}, {FILE}, {whole} AS __hw_whole, {', '.join(parts)} FROM ({cut}) AS cut"

    return line_reading(
        settings,
        items,
        relation,
        columns={c.name: _expression(c, settings.contract.timezone) for c in declared},
        carried={"__hw_whole": "raw.__hw_whole", "__hw_middle": "raw.__hw_middle"},
        flaws=(*_format_flaws(settings.format), *(() if settings.contract.lazy else _cast_flaws(settings))),
    )


def _part(format_: str, name: str) -> str:
    exact = f"regexp_extract({LINE}, {quote_literal(_EXACT[format_])}, {_GROUPS[name]})"
    return f"CASE WHEN len(__hw_cut) = {_PARTS[format_]} THEN __hw_cut[{_PLACES[name]}] ELSE {exact} END"


def _is_whole(format_: str) -> str:
    between = "true" if format_ == "common" else "__hw_cut[5] = ' ' AND __hw_cut[7] = ''"
    exact = f"regexp_matches({LINE}, {quote_literal(_EXACT[format_])})"
    return f"CASE WHEN len(__hw_cut) = {_PARTS[format_]} THEN {between} ELSE {exact} END"


def _format_flaws(format_: str) -> tuple[Flaw, ...]:
    return (
        Flaw("format", "", "NOT (__hw_whole AND __hw_middle LIKE ' ___ %')", f"the line is not in {format_} format"),
    )


def _expression(column: ContractColumn, timezone: str) -> str:
    type_ = column.type
    match column.name:
        case "ts":
            return _stamp(type_, timezone)
        case "status":
            return f"TRY_CAST(raw.__hw_middle[2:4] AS {type_})"
        case "bytes":
            # DuckDB casts "- " to 0.
            text = "trim(raw.__hw_middle[6:])" if type_ == "VARCHAR" else f"TRY_CAST(raw.__hw_middle[6:] AS {type_})"
            return f"CASE WHEN NOT contains(raw.__hw_middle, '-') THEN {text} END"
        case "method" | "path" | "protocol" as name:
            text = _request_part(("method", "path", "protocol").index(name) + 1)
        case "client_ip" | "identity" as name:
            text = f"nullif(split_part(raw.__hw_head, ' ', {1 if name == 'client_ip' else 2}), '-')"
        case "user_name":
            text = _user()
        case name:
            text = f"nullif(raw.__hw_{'agent' if name == 'user_agent' else name}, '-')"
    return text if type_ == "VARCHAR" else f"TRY_CAST({text} AS {type_})"


def _request_part(number: int) -> str:
    words = "string_split(raw.__hw_request, ' ')"
    protocol = f"{words}[3] LIKE 'HTTP/%'"
    return f"CASE WHEN len({words}) = 3 AND {protocol} THEN {words}[{number}] END"


def _user() -> str:
    words = "string_split(raw.__hw_head, ' ')"
    spaced = r"regexp_extract(raw.__hw_head, '^[^ ]+ [^ ]+ (.*) \[[^\]]*\] $', 1)"
    return f"nullif(CASE WHEN len({words}) = 6 THEN {words}[3] ELSE {spaced} END, '-')"


def _stamp(type_: str, timezone: str) -> str:
    text = "split_part(raw.__hw_head, '[', -1)"
    zoned = f"try_strptime({text}, '{_STAMP} %z] ')"
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return zoned
    local = f"timezone({quote_literal(timezone)}, {zoned})"
    if timezone == "UTC":
        utc = f"try_strptime({text}, '{_STAMP} +0000] ')"
        local = f"CASE WHEN suffix(raw.__hw_head, ' +0000] ') THEN {utc} ELSE {local} END"
    return local if type_ == "TIMESTAMP" else f"TRY_CAST({local} AS {type_})"


def _cast_flaws(settings: Settings) -> tuple[Flaw, ...]:
    found = []
    for column in settings.contract.columns:
        name = quote_identifier(column.name)
        if column.name in {"ts", "status"}:
            condition = f"{name} IS NULL"
        elif column.name == "bytes":
            condition = f"CASE WHEN {name} IS NULL THEN trim(__hw_middle[6:]) <> '-' ELSE false END"
        else:
            continue
        found.append(Flaw("cast", column.name, condition, f"`{column.name}` is no {column.type}"))
    return tuple(found)
