"""What to write where a query does not parse: for templates of other tools, and for names that are words of SQL."""

import re
from typing import Final

_TEMPLATE: Final = re.compile(r"\{\{.*?(?:\}\}|$)|\{%.*?(?:%\}|$)|\{#", re.DOTALL)
_CALL: Final = re.compile(r"\{\{-?\s*(\w+)\s*(?:\((.*)\))?\s*-?\}\}", re.DOTALL)
_QUOTED: Final = re.compile(r"['\"]([^'\"]+)['\"]")
_NO_TEMPLATES: Final = "a query is plain SQL: `$name` is a variable, macros of `functions/` are what queries share"
_WORDS: Final = (
    "all|any|asc|at|both|check|collate|column|constraint|default|desc|do|end|grant|group|into|limit|offset|order|placing|"
    "primary|references|returning|some|table|then|to|unique|using|when|window"
)
_NAME: Final = re.compile(rf"\b({_WORDS})\s*(?=,|\)|;|$|\bFROM\b)", re.IGNORECASE)
_NEAR: Final = 40


def template_at(query: str, offset: int) -> tuple[int, str] | None:
    """Find the piece of a template in which the parser stops: its offset, and what to write instead.

    >>> template_at("SELECT * FROM {{ ref('orders') }}", 14)
    (14, 'write the name itself: orders')
    """
    found = next((each for each in _TEMPLATE.finditer(query) if each.start() <= offset <= each.end()), None)
    if not found:
        return None
    call = _CALL.match(found[0])
    said = _QUOTED.findall(call[2] or "") if call else []
    match call[1] if call else "":
        case "ref" | "source" if said:
            hint = f"write the name itself: {said[-1]}"
        case "var" if said:
            hint = f"write `${said[0]}`, and declare it under `variables:` in headwater.yaml"
        case "config":
            hint = "settings stand in a header above the query: `/* headwater`, YAML, `*/`"
        case _:
            hint = _NO_TEMPLATES
    return found.start(), hint


def reserved_near(query: str, offset: int) -> str:
    """Say how a name is written that is a word of SQL, if one stands just where the parser stops; else "".

    >>> reserved_near("SELECT ts at FROM x", 13)
    '`at` is a word of SQL: write AS at after a value, or "at" where it is a name'
    """
    begin = max(0, offset - _NEAR)
    for match in _NAME.finditer(query, begin, offset + _NEAR):
        if match.start() == offset or match.end() == offset:
            word = match[1]
            return f'`{word}` is a word of SQL: write AS {word} after a value, or "{word}" where it is a name'
    return ""
