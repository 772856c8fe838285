"""The groups of a regular expression, and whether the engine (RE2, which never backtracks) accepts it.

Patterns are the user's: they are read here sign by sign, and compiled and matched by RE2 only, never by Python's
``re``, which some patterns keep busy for ever.
"""

import re
from functools import lru_cache
from typing import Final

from headwater.sql.text import quote_literal

_NAME: Final = re.compile(r"\(\?P<([^>]*)>")
_REFUSED: Final = (
    ("operator: (?=", "looking ahead"), ("operator: (?!", "looking ahead"), ("operator: (?<", "looking behind"),
    ("operator: (?P", "a reference back"), ("operator: (?>", "an atomic group"), ("operator: (?#", "a comment"),
    *((f"sequence: \\{digit}", "a reference back") for digit in range(1, 10)),
)  # fmt: skip
_SYNTAX: Final = r"patterns are RE2's: `(?P<name>[^ ]+)`, `\d+`, `(?:a|b)?`, `.*`"


@lru_cache(maxsize=64)
def groups_of(pattern: str) -> tuple[str, ...]:
    r"""Give the capturing groups in order: their names, "" for those without one.

    >>> groups_of(r"(?P<level>\w+)\(([^(\]]+)(?:x)(?P<rest>.*)")
    ('level', '', 'rest')
    """
    found: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("\\Q", at):
            end = pattern.find("\\E", at)
            at = len(pattern) if end < 0 else end + 2
        elif pattern[at] == "\\":
            at += 2
        elif pattern[at] == "[":
            at = _behind_class(pattern, at)
        else:
            if pattern[at] == "(":
                named = _NAME.match(pattern, at)
                found += [named[1]] if named else [] if pattern.startswith("(?", at) else [""]
            at += 1
    return tuple(found)


def _behind_class(pattern: str, at: int) -> int:
    r"""Give the offset behind a class such as ``[^]a\\]]`` or ``[[:alpha:]_]``; a bracket that comes first is text."""
    at += 2 if pattern.startswith("[^", at) else 1
    first = at
    while at < len(pattern) and (pattern[at] != "]" or at == first):
        if pattern[at] == "\\":
            at += 2
        elif pattern.startswith("[:", at) and ":]" in pattern[at:]:
            at = pattern.index(":]", at) + 2
        else:
            at += 1
    return at + 1


def pattern_problem(pattern: str) -> tuple[str, str]:
    """Say what is wrong with a pattern, and a hint; "" if the engine accepts it."""
    if any(sign in pattern for sign in "\n\r\0"):
        return "it holds the end of a line, and so can match none", "write it on one line, in single quotes"
    if _closes_nothing(pattern):
        return r"`\Q` is not closed by `\E`", ""
    cause = _refusal(f"SELECT regexp_matches('', {quote_literal(pattern)})")
    if not cause:
        return "", ""
    if cause.endswith(": (?<") and not any(sign in pattern for sign in ("(?<=", "(?<!")):
        return cause, "a named group is written `(?P<name>…)`"
    refused = next((text for sign, text in _REFUSED if sign in cause), "")
    return cause + (f" ({refused} is not there in RE2, which never tries again)" if refused else ""), _SYNTAX


def _closes_nothing(pattern: str) -> bool:
    at = 0
    while at < len(pattern):
        if pattern.startswith("\\Q", at):
            at = pattern.find("\\E", at)
            if at < 0:
                return True
        at += 2 if pattern[at] == "\\" else 1
    return False


def time_format_problem(format_: str) -> str:
    """Say why the engine cannot read times by a format; "" if it can."""
    return _refusal(f"SELECT try_strptime('', {quote_literal(format_)})")


def _refusal(query: str) -> str:
    """What the engine says against a constant in a query; it is compiled only, there is nothing to match."""
    import duckdb

    try:
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            connection.execute(query)
    except duckdb.Error as problem:
        text = str(problem).partition("\n")[0]
        return text.partition("Error: ")[2] or text
    return ""
