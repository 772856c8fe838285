"""SQL as text: statements told apart without parsing them, respecting strings, comments and dollar quotes."""

import re
from typing import Final

_OPENING: Final = re.compile(r"--|/\*|'|\"|\$(?:[^\W\d]\w*)?\$|;")
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
_BLANK: Final = re.compile(r"\s*")
_ESCAPED: Final = re.compile(r"(?:[^'\\]|\\.|'')*'", re.DOTALL)


def split_statements(text: str) -> list[tuple[int, str]]:
    """Give each statement with the offset of its first character; none for blanks, comments and stray ``;``.

    A statement begins after blanks and comments and ends where its ``;`` stands (not included), so that
    ``offset + len(statement)`` is the place of the semicolon, or the end of the text.

    >>> split_statements("SELECT ';' -- a; b\\n; SELECT 2")
    [(0, "SELECT ';' -- a; b\\n"), (22, 'SELECT 2')]
    """
    statements = []
    position = skip_blank(text, 0)
    while position < len(text):
        end = _statement_end(text, position)
        if end > position:
            statements.append((position, text[position:end]))
        position = skip_blank(text, end + 1)
    return statements


def skip_blank(text: str, position: int) -> int:
    """Give the first place from ``position`` on that is neither blank nor comment.

    >>> skip_blank("/* a */ -- b\\n SELECT", 0)
    14
    """
    while True:
        match = _BLANK.match(text, position)
        position = match.end() if match else position
        if not text.startswith(("--", "/*"), position):
            return position
        position = piece_end(text, position)


def piece_end(text: str, start: int) -> int:
    """Give the end of the comment or quoted piece that opens at ``start`` (unclosed: the end of the text)."""
    if text.startswith("--", start):
        return _after(text, "\n", start)
    if text.startswith("/*", start):
        return _comment_end(text, start)
    if text[start] == "$":
        tag = text[start : text.index("$", start + 1) + 1]
        return _after(text, tag, start + len(tag))
    if text[start] == "'" and _has_escapes(text, start):
        match = _ESCAPED.match(text, start + 1)
        return match.end() if match else len(text)
    return _after(text, text[start], start + 1)


def _statement_end(text: str, position: int) -> int:
    while match := _OPENING.search(text, position):
        if match[0] == ";":
            return match.start()
        if match[0][0] == "$" and _continues_word(text, match.start()):
            position = match.start() + 1
            continue
        position = piece_end(text, match.start())
    return len(text)


def _after(text: str, mark: str, start: int) -> int:
    found = text.find(mark, start)
    return len(text) if found < 0 else found + len(mark)


def _comment_end(text: str, start: int) -> int:
    """Block comments nest, as in Postgres and DuckDB."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def _has_escapes(text: str, quote: int) -> bool:
    return quote > 0 and text[quote - 1] in "eE" and not _continues_word(text, quote - 1)


def _continues_word(text: str, position: int) -> bool:
    return position > 0 and (text[position - 1].isalnum() or text[position - 1] in "_$")
