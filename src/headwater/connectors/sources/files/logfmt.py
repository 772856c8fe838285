"""Logfmt: lines of key=value and key="quoted value", taken apart at the blanks that stand outside quotes."""

from collections.abc import Sequence
from typing import Final

from headwater.connect.sources import ContractColumn, ScanItem
from headwater.connectors.sources.files.reading import FILE, LINE, Flaw, Reading
from headwater.connectors.sources.files.settings import Settings
from headwater.connectors.sources.files.text_lines import line_reading
from headwater.connectors.sources.files.text_values import typed_texts, without
from headwater.sql.text import quote_literal

_BLANK: Final = r"[ \t]"
_KEY: Final = r'[^\x00-\x20="]+'
_QUOTED: Final = r'"(?:[^"\\\x00-\x08\x0A-\x1F]|\\[^\x00-\x1F])*"'
_VALUE: Final = rf'(?:{_QUOTED}|[^\x00-\x20"]*)'
_WHOLE: Final = rf"{_BLANK}*(?:{_KEY}(?:={_VALUE})?(?:{_BLANK}+|$))*"
_BACKSLASH, _QUOTE, _CUT = "chr(5)", "chr(6)", "chr(2)"
"""Stand for an escaped backslash, an escaped quote, a blank between pairs: a whole line holds none of these signs."""
_TEXT: Final = (
    f"CASE WHEN contains({LINE}, '\\') "
    f"THEN replace(replace({LINE}, '\\\\', {_BACKSLASH}), '\\\"', {_QUOTE}) ELSE {LINE} END"
)
_SPACED: Final = f"replace(CASE WHEN contains(p, chr(9)) THEN replace(p, chr(9), ' ') ELSE p END, ' ', {_CUT})"
_OUTSIDE: Final = f"lambda p, i: CASE WHEN i % 2 = 1 THEN {_SPACED} ELSE p END"
_PARTS: Final = f"list_transform(string_split(__hw_text, '\"'), {_OUTSIDE})"
_PAIRS: Final = f"string_split(array_to_string({_PARTS}, '\"'), {_CUT})"
_KEYS: Final = "list_transform(__hw_pairs, lambda t: t[:strpos(t, '=')])"


def logfmt_reading(settings: Settings, items: Sequence[ScanItem]) -> Reading:
    """Give the reading of logfmt: a column is the value of the key of its name."""
    declared = settings.contract.columns
    texts = {c.name: _text(settings, c, number) for number, c in enumerate(declared)}
    typed = typed_texts(settings, "{cut}", texts, {})
    places = [f"__hw_at_{number}" for number in range(len(declared))]
    present = " + ".join(f"CASE WHEN {place} > 0 THEN 1 ELSE 0 END" for place in places)
    again = [_stands_again(c.name, place, present) for c, place in zip(declared, places, strict=True)]

    def relation(lines: str) -> str:
        return typed.relation.replace("{cut}", _cut(settings, lines), 1)

    is_any = " OR ".join(f"{place} > 0" for place in places)
    carried = {"__hw_whole": "raw.__hw_whole", **{place: f"raw.{place}" for place in places}}
    flaws = [
        Flaw("format", "", "NOT __hw_whole", 'the line is not logfmt: key=value, or key="value" with quotes closed'),
        Flaw("format", "", f"NOT coalesce({is_any}, false)", "the line holds none of the declared keys"),
    ]
    if settings.lines.repeated_key == "reject":
        carried |= {"__hw_keys": "raw.__hw_keys", "__hw_known": "raw.__hw_known"}
        flaws += [
            Flaw("repeated", c.name, condition, f"`{c.name}` stands in the line more than once")
            for c, condition in zip(declared, again, strict=True)
        ]
    return line_reading(
        settings, items, relation, columns=typed.columns, carried={**carried, **typed.carried},
        flaws=(*flaws, *typed.flaws),
    )  # fmt: skip


def _cut(settings: Settings, lines: str) -> str:
    """The relation in which every declared key has its place among the pairs of the line."""
    whole = f"regexp_full_match({LINE}, {quote_literal(_WHOLE)}) AS __hw_whole"
    marked = f"SELECT {LINE}, {FILE}, {whole}, {_TEXT} AS __hw_text FROM ({lines}) AS l"
    paired = f"SELECT {LINE}, {FILE}, __hw_whole, {_PAIRS} AS __hw_pairs FROM ({marked}) AS marked"
    keyed = f"SELECT *, {_KEYS} AS __hw_keys FROM ({paired}) AS paired"
    if settings.lines.repeated_key == "reject":
        names = ", ".join(quote_literal(c.name + "=") for c in settings.contract.columns)
        known = f"len(list_filter(__hw_keys, lambda k: k IN ({names})))"
        keyed = f"SELECT *, {known} AS __hw_known FROM ({keyed}) AS counted"
    places = ", ".join(f"{_place(settings, c)} AS __hw_at_{n}" for n, c in enumerate(settings.contract.columns))
    return f"SELECT *, {places} FROM ({keyed}) AS keyed"


def _place(settings: Settings, column: ContractColumn) -> str:
    key = quote_literal(column.name + "=")
    found = f"list_position(__hw_keys, {key})"
    if settings.lines.repeated_key == "last":
        found = f"len(__hw_keys) + 1 - nullif(list_position(list_reverse(__hw_keys), {key}), 0)"
    if column.type == "BOOLEAN":  # a word without a value is a flag
        return f"coalesce(nullif({found}, 0), list_position(__hw_pairs, {quote_literal(column.name)}))"
    return found


def _stands_again(name: str, place: str, present: str) -> str:
    # Only of lines with more known keys than columns that have one, few if any, all keys are compared.
    again = f"coalesce(list_position(__hw_keys[{place} + 1:], {quote_literal(name + '=')}) > 0, false)"
    return f"CASE WHEN __hw_known > {present} THEN {again} ELSE false END"


def _text(settings: Settings, column: ContractColumn, number: int) -> str:
    pair = f"__hw_pairs[nullif(__hw_at_{number}, 0)]"
    value = f"{pair}[{len(column.name) + 2}:]"
    quoted = f"{value}[2:-2]"
    text = f"CASE WHEN starts_with({value}, '\"') THEN {_unescaped(quoted)} ELSE {_as_written(value)} END"
    text = without(text, settings.dialect.null)
    if column.type == "BOOLEAN":
        return f"CASE WHEN {pair} = {quote_literal(column.name)} THEN 'true' ELSE {text} END"
    return text


def _as_written(value: str) -> str:
    restored = f"replace(replace({value}, {_QUOTE}, '\\\"'), {_BACKSLASH}, '\\\\')"
    return f"CASE WHEN contains({LINE}, '\\') THEN {restored} ELSE {value} END"


def _unescaped(value: str) -> str:
    # Escapes are those of JSON; what is none (as in "c:\dir") is left as it is written.
    written = f"replace(replace({value}, {_QUOTE}, '\\\"'), {_BACKSLASH}, '\\\\')"
    document = f"concat('\"', {written}, '\"')"
    text = f"CASE WHEN json_valid({document}) THEN json_extract_string({document}, '$') ELSE {written} END"
    return f"CASE WHEN contains({LINE}, '\\') THEN {text} ELSE {value} END"
