"""SQL as text: tokens, quoting, parameters, statements and literals, by lexing alone (no engine, no parser)."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

_LEXER: Final = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<line>--[^\n\r]*)
    | (?P<block>/\*)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))
    | (?P<string>'(?:[^']|'')*(?:'|\Z))
    | (?P<quoted>"(?:[^"]|"")*(?:"|\Z))
    | (?P<dollar>\$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z))
    | (?P<parameter>\$\w+)
    | (?P<number>(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<operator>::|:=|=>|->>|->|<=|>=|<>|!=|==|\|\||//|\*\*|<<|>>|!~~\*|!~~|~~\*|~~|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_HIDDEN: Final = frozenset({"space", "line", "block"})

_NOW_WORDS: Final = {
    "current_date": "CAST({now} AS DATE)",
    "current_timestamp": "{now}",
    "current_time": "CAST({now} AS TIMETZ)",
    "localtime": "CAST(CAST({now} AS TIMESTAMP) AS TIME)",
    "localtimestamp": "CAST({now} AS TIMESTAMP)",
}
_NOW_CALLS: Final = {
    "now": "{now}",
    "get_current_timestamp": "{now}",
    "transaction_timestamp": "{now}",
    "today": "CAST({now} AS DATE)",
    "get_current_time": "CAST({now} AS TIMETZ)",
    "current_localtime": "CAST(CAST({now} AS TIMESTAMP) AS TIME)",
    "current_localtimestamp": "CAST({now} AS TIMESTAMP)",
    **_NOW_WORDS,
}
NOW_LIKE: Final = frozenset(_NOW_CALLS)
"""Names that mean the run's logical time: ``$now`` takes their place when a query is executed."""
NOW_WORDS: Final = frozenset(_NOW_WORDS)
"""Those of them that need no parentheses."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL: its kind (a group of the lexer), its text and its offset in characters."""

    kind: str
    text: str
    offset: int

    @property
    def end(self) -> int:
        """Offset behind it."""
        return self.offset + len(self.text)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """SQL after replacements, able to say where a character stood before them."""

    text: str
    edits: tuple[tuple[int, int, int], ...] = ()
    """(offset in ``text``, length in ``text``, offset in the original), in order."""
    shift_after: tuple[int, ...] = ()
    """For each edit: what to add to an offset behind it to reach the original."""

    def original(self, offset: int) -> int:
        """Give the offset in the original text; inside a replacement, where the replaced token begins."""
        at = bisect_right(self.edits, offset, key=lambda edit: edit[0]) - 1
        if at < 0:
            return offset
        start, length, before = self.edits[at]
        return before if offset < start + length else offset + self.shift_after[at]


def tokens(text: str) -> Iterator[Token]:
    """Cut SQL into tokens; whatever is open at the end (string, comment) reaches to the end."""
    at = 0
    while match := _LEXER.match(text, at):
        kind = match.lastgroup or "operator"
        kind = "dollar" if kind == "tag" else kind
        end = _comment_end(text, match.start()) if kind == "block" else match.end()
        yield Token(kind, text[at:end], at)
        at = end


def _comment_end(text: str, start: int) -> int:
    """Block comments nest, as in DuckDB's own lexer."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def visible_tokens(text: str) -> list[Token]:
    """Tokens without white space and comments."""
    return [token for token in tokens(text) if token.kind not in _HIDDEN]


def canonical_tokens(text: str) -> str:
    """Give SQL with comments and layout taken out; words in lower case where case means nothing.

    >>> canonical_tokens("SELECT  a -- x")
    'select a'
    """
    return " ".join(t.text.lower() if t.kind == "word" else t.text for t in visible_tokens(text))


def quote_identifier(name: str) -> str:
    """Quote a name, always.

    >>> quote_identifier('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def quote_relation(name: str) -> str:
    """Quote a node's name, each part by itself.

    >>> quote_relation("clean.flights")
    '"clean"."flights"'
    """
    return ".".join(quote_identifier(part) for part in name.split("."))


def quote_literal(text: str) -> str:
    """Quote a string.

    >>> quote_literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def parameters(text: str) -> list[tuple[str, int]]:
    """List the parameters (``$name``) with their offsets, in order of appearance; names in lower case.

    >>> parameters("SELECT $a, '$b' -- $c")
    [('a', 7)]
    """
    if "$" not in text:
        return []
    return [(t.text[1:].lower(), t.offset) for t in tokens(text) if t.kind == "parameter"]


def bind_parameters(text: str, values: Mapping[str, str]) -> str:
    """Put SQL literals in the place of ``$name``; with ``now`` among them, ``now()`` and its like become it, too.

    Strings, comments and quoted names are left alone; a parameter without a value stays.

    >>> bind_parameters("SELECT $a, '$a', now()", {"a": "1", "now": "TIMESTAMPTZ '2024-01-01 00:00:00+00'"})
    "SELECT 1, '$a', TIMESTAMPTZ '2024-01-01 00:00:00+00'"
    """
    return rewrite(text, values).text


def rewrite(text: str, values: Mapping[str, str]) -> Rewritten:
    """``bind_parameters`` that remembers where everything stood."""
    if "$" not in text and not _may_say_now(text):
        return Rewritten(text)
    folded = {name.lower(): value for name, value in values.items()}
    pieces: list[str] = []
    edits: list[tuple[int, int, int]] = []
    shifts: list[int] = []
    done = length = 0
    for start, end, new in _replacements(visible_tokens(text), folded):
        pieces += (text[done:start], new)
        length += start - done
        edits.append((length, len(new), start))
        length += len(new)
        shifts.append(end - length)
        done = end
    pieces.append(text[done:])
    return Rewritten("".join(pieces), tuple(edits), tuple(shifts))


_SAYS_NOW: Final = re.compile(r"now|today|current_|localtime|transaction_timestamp", re.IGNORECASE)


def _may_say_now(text: str) -> bool:
    return _SAYS_NOW.search(text) is not None


def _replacements(found: list[Token], values: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    """(start, end, new text) of every token that a value replaces."""
    now = values.get("now")
    for at, token in enumerate(found):
        if token.kind == "parameter":
            value = values.get(token.text[1:].lower())
            if value is not None:
                yield token.offset, token.end, value
        elif now is not None and (end := _now_end(found, at)) is not None:
            yield token.offset, end, _NOW_CALLS[token.text.lower()].format(now=now)


def _now_end(found: list[Token], at: int) -> int | None:
    """Where a now-like expression ends; None where the token is something else."""
    if found[at].kind != "word" or found[at].text.lower() not in NOW_LIKE:
        return None
    before = found[at - 1] if at else None
    if before is not None and (before.text == "." or before.text.lower() == "as"):
        return None
    following = [t.text for t in found[at + 1 : at + 3]]
    if following == ["(", ")"]:
        return found[at + 2].end
    bare = found[at].text.lower() in _NOW_WORDS and following[:1] not in (["("], ["."], [":"])
    return found[at].end if bare else None


def now_like(text: str) -> list[tuple[str, int]]:
    """List the now-like names that a query uses, with their offsets."""
    if not _may_say_now(text):
        return []
    found = visible_tokens(text)
    return [(t.text.lower(), t.offset) for at, t in enumerate(found) if _now_end(found, at) is not None]


def split_statements(text: str) -> list[tuple[int, str]]:
    r"""Cut a script at its semicolons: (offset of the first visible character, statement); empty ones are left out.

    >>> split_statements("SELECT ';'; -- done;\n  SELECT 2")
    [(0, "SELECT ';'"), (23, 'SELECT 2')]
    """
    statements: list[tuple[int, str]] = []
    start = end = -1
    for token in tokens(text):
        if token.kind == "operator" and token.text == ";":
            if start >= 0:
                statements.append((start, text[start:end]))
            start = end = -1
        elif token.kind not in _HIDDEN:
            start = token.offset if start < 0 else start
            end = token.end
    if start >= 0:
        statements.append((start, text[start:end]))
    return statements


@lru_cache(maxsize=256)
def is_plain(name: str) -> bool:
    """Whether a name needs no quotes to be read (it may still be a keyword)."""
    return _PLAIN_NAME.fullmatch(name) is not None


def position(text: str, offset: int, line: int = 1, column: int = 1) -> tuple[int, int]:
    r"""Give line and column of an offset in a text that begins at (line, column); all count from 1.

    >>> position("a\nbc", 3, line=5, column=2)
    (6, 2)
    """
    before = text[:offset]
    newlines = before.count("\n")
    if not newlines:
        return line, column + offset
    return line + newlines, offset - before.rfind("\n")


def literal(value: Any) -> str:
    """Give a Python value as a SQL literal that binds tightly; TypeError for a value that SQL has no literal for.

    >>> literal("it's"), literal(-1), literal(None), literal([1, "a"])
    ("'it''s'", '(-1)', 'NULL', "[1, 'a']")
    """
    for kind, write in _LITERALS:
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"no SQL literal for {type(value).__name__}")


def time_literal(instant: datetime, type_: str, timezone: str) -> str:
    """Give a moment (with its zone) as a literal of a time column's type; types without a zone get ``timezone``'s time.

    >>> from datetime import UTC
    >>> time_literal(datetime(2013, 1, 1, 5, tzinfo=UTC), "DATE", "America/New_York")
    "CAST('2013-01-01' AS DATE)"
    """
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return literal(instant.astimezone(UTC))
    local = instant.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    if type_ == "DATE":
        return literal(local.date())
    if type_ == "TIMESTAMP":
        return literal(local)
    raise ValueError(f"a column of type {type_} cannot cut time")


def _struct(value: Mapping[Any, Any]) -> str:
    return "{" + ", ".join(f"{quote_identifier(str(k))}: {literal(v)}" for k, v in value.items()) + "}"


def _datetime(value: datetime) -> str:
    return f"CAST('{value.isoformat(sep=' ')}' AS {'TIMESTAMPTZ' if value.tzinfo else 'TIMESTAMP'})"


def _number(value: int | Decimal) -> str:
    return f"({value})" if value < 0 else f"{value}"


_LITERALS: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...]] = (
    (type(None), lambda _: "NULL"),
    (bool, lambda value: "true" if value else "false"),
    ((int, Decimal), _number),
    (float, lambda value: f"CAST('{value!r}' AS DOUBLE)"),
    (str, quote_literal),
    (bytes, lambda value: f"from_hex('{value.hex()}')"),
    (datetime, _datetime),
    (date, lambda value: f"CAST('{value.isoformat()}' AS DATE)"),
    (time, lambda value: f"CAST('{value.isoformat()}' AS TIME)"),
    (timedelta, lambda value: f"to_microseconds({value // timedelta(microseconds=1)})"),
    ((list, tuple), lambda value: "[" + ", ".join(map(literal, value)) + "]"),
    (dict, _struct),
)
"""In this order: a bool is an int, a datetime is a date."""
