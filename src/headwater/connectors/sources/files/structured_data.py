"""The structured data of RFC 5424 (`[id key="value"]`) as a JSON object: id → key → value."""

from typing import Final

_ELEMENT: Final = r'\[([^\x00-\x20=\]"]+)(?: +[^\x00-\x20=\]"]+="(?:[^"\\]|\\.)*")* *\]'
_PAIR: Final = r'[^\x00-\x20=\]"]+="(?:[^"\\]|\\.)*"'
_BACKSLASH: Final = "chr(5)"


def as_json(text: str) -> str:
    r"""Give the expression of a JSON object; a backslash escapes ``"``, ``\`` and ``]``, elsewhere it is text."""
    value = f"replace(v[strpos(v, '=') + 2:-2], '\\\\', {_BACKSLASH})"
    for sign in ('"', "]"):
        value = f"replace({value}, '\\{sign}', '{sign}')"
    value = f"replace({value}, {_BACKSLASH}, '\\')"
    pair = f"concat(to_json(split_part(v, '=', 1)), ':', to_json({value}))"
    pairs = f"list_transform(regexp_extract_all(e[strpos(e, ' '):], '{_PAIR}'), lambda v: {pair})"
    name = f"to_json(regexp_extract(e, '{_ELEMENT}', 1))"
    body = f"CASE WHEN contains(e, ' ') THEN array_to_string({pairs}, ',') ELSE '' END"
    element = f"lambda e: concat({name}, ':{{', {body}, '}}')"
    elements = f"list_transform(regexp_extract_all({text}, '{_ELEMENT}'), {element})"
    return f"CASE WHEN {text} IS NOT NULL THEN CAST(concat('{{', array_to_string({elements}, ','), '}}') AS JSON) END"
