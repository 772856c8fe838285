"""Syslog: the lines of RFC 5424 and of RFC 3164 (as it is written in practice), told apart line by line."""

from collections.abc import Mapping, Sequence
from typing import Final

from headwater.connect.sources import ScanItem
from headwater.connectors.sources.files.reading import FILE, LINE, Flaw, Reading
from headwater.connectors.sources.files.settings import Settings
from headwater.connectors.sources.files.structured_data import as_json
from headwater.connectors.sources.files.syslog_years import Latest, with_year
from headwater.connectors.sources.files.text_lines import line_reading
from headwater.connectors.sources.files.text_values import typed_texts
from headwater.sql.text import quote_literal

# Each expression has at most four groups and is unambiguous: RE2 then finds them in one pass over the line.
_ISO: Final = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)"
_BSD: Final = r"[A-Za-z]{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?"
_ELEMENTS: Final = r'(?:\[[^\x00-\x20=\]"]+(?: +[^\x00-\x20=\]"]+="(?:[^"\\]|\\.)*")* *\])+'
_NEW: Final = (
    (rf"\A<(\d{{1,3}})>([1-9]\d?) (-|{_ISO}) (.*)\z", ("pri", "version", "stamp", "rest")),
    (r"\A([^ ]+) ([^ ]+) ([^ ]+) (.*)\z", ("host", "app", "pid", "rest")),
    (rf"\A([^ ]+) (-|{_ELEMENTS})(?: (.*))?\z", ("msgid", "data", "message")),
)
_OLD: Final = (
    (rf"\A(?:<(\d{{1,3}})>)?({_BSD}|{_ISO}) ([^ ]+) (.*)\z", ("pri", "stamp", "host", "rest")),
    (r"\A([^\[\]: ]+)(?:\[([^\]]*)\])?:(?: (.*))?\z", ("app", "pid", "message")),
)
_IS_NEW: Final = r"\A<\d{1,3}>\d{1,2} "
_FACILITIES: Final = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp"),
    *("audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"),
)
_SEVERITIES: Final = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_GREATEST_PRIORITY: Final = 191


def syslog_reading(settings: Settings, items: Sequence[ScanItem], latest: Latest) -> Reading:
    """Give the reading of syslog lines; ``latest`` is the last local moment that a time without a year may mean."""
    declared = settings.contract.columns
    texts = {c.name: _TEXTS[c.name] for c in declared}
    made = {c.name: _numbered(c.name, c.type) for c in declared if c.name in {"facility", "severity"}} | {
        c.name: _moment(c.type, settings.contract.timezone) for c in declared if c.name == "ts"
    }
    made |= {c.name: as_json("{text}") for c in declared if c.name == "structured_data" and c.type == "JSON"}
    typed = typed_texts(settings, "{cut}", texts, made)

    def relation(lines: str) -> str:
        return typed.relation.replace("{cut}", with_year(_cut(settings, lines), items, settings, latest), 1)

    names = {"auto": "syslog", "rfc3164": "RFC 3164", "rfc5424": "RFC 5424"}
    whole = Flaw("format", "", "NOT __hw_whole", f"the line is not {names[settings.lines.syslog]}")
    return line_reading(
        settings, items, relation, columns=typed.columns,
        carried={"__hw_whole": "raw.__hw_whole", **_carried(typed.columns), **typed.carried},
        flaws=(whole, *typed.flaws),
    )  # fmt: skip


def _carried(columns: Mapping[str, str]) -> dict[str, str]:
    return {"__hw_local": "raw.__hw_local", "__hw_zoned": "raw.__hw_zoned"} if "ts" in columns else {}


def _extract(text: str, part: tuple[str, tuple[str, ...]]) -> str:
    pattern, names = part
    return f"regexp_extract({text}, {quote_literal(pattern)}, [{', '.join(map(quote_literal, names))}])"


def _cut(settings: Settings, lines: str) -> str:
    """The relation in which every part of a line has its column; "" and ``-`` stand for what is not there."""
    if settings.lines.syslog == "auto":
        is_new = f"regexp_matches({LINE}, {quote_literal(_IS_NEW)})"
    else:
        is_new = "true" if settings.lines.syslog == "rfc5424" else "false"
    n1, n2, n3 = (_extract(text, part) for text, part in zip((LINE, "n1.rest", "n2.rest"), _NEW, strict=True))
    o1, o2 = (_extract(text, part) for text, part in zip((LINE, "o1.rest"), _OLD, strict=True))
    told = f"SELECT {LINE}, {FILE}, {is_new} AS is_new FROM ({lines}) AS l"
    if_new, if_old = "CASE WHEN is_new THEN {} END", "CASE WHEN NOT is_new THEN {} END"
    first = f"SELECT *, {if_new.format(n1)} AS n1, {if_old.format(o1)} AS o1 FROM ({told}) AS told"
    second = f"SELECT *, {if_new.format(n2)} AS n2, {if_old.format(o2)} AS o2 FROM ({first}) AS f"
    third = f"SELECT *, {if_new.format(n3)} AS n3 FROM ({second}) AS s"
    pri = "nullif(CASE WHEN is_new THEN n1.pri ELSE o1.pri END, '')"
    # A line without a tag (`last message repeated 3 times`) is all message.
    message = "CASE WHEN is_new THEN n3.message WHEN o2.app = '' THEN o1.rest ELSE o2.message END"
    parts = {
        "stamp": "CASE WHEN is_new THEN n1.stamp ELSE o1.stamp END", "pri": f"CAST({pri} AS SMALLINT)",
        "version": "n1.version", "host": "CASE WHEN is_new THEN n2.host ELSE o1.host END",
        "app": "CASE WHEN is_new THEN n2.app ELSE o2.app END", "pid": "CASE WHEN is_new THEN n2.pid ELSE o2.pid END",
        "msgid": "n3.msgid", "data": "n3.data", "message": message,
        "whole": "CASE WHEN is_new THEN n3.msgid <> '' ELSE o1.host <> '' END",
    }  # fmt: skip
    cut = ", ".join(f"{text} AS __hw_{name}" for name, text in parts.items())
    judged = f"(__hw_whole AND coalesce(__hw_pri <= {_GREATEST_PRIORITY}, true))"
    return f"SELECT * REPLACE ({judged} AS __hw_whole) FROM (SELECT {LINE}, {FILE}, {cut} FROM ({third}) AS t) AS parts"


def _present(part: str) -> str:
    return f"CASE WHEN __hw_{part} NOT IN ('', '-') THEN __hw_{part} END"


_TEXTS: Final = {
    **{name: _present(name) for name in ("host", "app", "pid", "msgid")},
    "ts": _present("stamp"),
    "structured_data": _present("data"),
    "priority": "CAST(__hw_pri AS VARCHAR)",
    "facility": "CAST(__hw_pri // 8 AS VARCHAR)",
    "severity": "CAST(__hw_pri % 8 AS VARCHAR)",
    "version": "nullif(__hw_version, '')",
    # The mark that says "this is UTF-8" is no part of the message.
    "message": (
        "nullif(CASE WHEN starts_with(__hw_message, chr(65279)) THEN __hw_message[2:] ELSE __hw_message END, '')"
    ),
}


def _numbered(name: str, type_: str) -> str:
    """Facility and severity: their names as text, their codes as numbers."""
    if type_ != "VARCHAR":
        return f"TRY_CAST({{text}} AS {type_})"
    names = ", ".join(map(quote_literal, _FACILITIES if name == "facility" else _SEVERITIES))
    return f"[{names}][CAST({{text}} AS INTEGER) + 1]"


def _moment(type_: str, timezone: str) -> str:
    zone = quote_literal(timezone)
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"CASE WHEN raw.__hw_zoned IS NULL THEN timezone({zone}, raw.__hw_local) ELSE raw.__hw_zoned END"
    local = f"CASE WHEN raw.__hw_zoned IS NULL THEN raw.__hw_local ELSE timezone({zone}, raw.__hw_zoned) END"
    return local if type_ == "TIMESTAMP" else f"TRY_CAST({local} AS {type_})"
