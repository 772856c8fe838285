"""A SQL model file → its header's settings and its query, both with their places."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from headwater.diagnostics import Diagnostic, Where, error, suggest
from headwater.project.places import Written
from headwater.project.yaml_nodes import Node, compose

_HEADER: Final = re.compile(r"/\*[ \t]*headwater(?=\s|\*/)")
_EXACT: Final = "/* headwater\n"
_COMMENT_WORD: Final = re.compile(r"/\*+[ \t]*([A-Za-z]+)[ \t]*:?[ \t]*\n")
_LATER_HEADER: Final = re.compile(r"^[ \t]*/\*[ \t]*headwater[ \t]*$", re.MULTILINE)
_SQL_START: Final = re.compile(
    r"(?:select|with|from|values|table|pivot|unpivot|describe|summarize|show)\b|\(", re.IGNORECASE
)
_CUT_HINT: Final = "move settings that hold `*/` to the `models:` map of a YAML file"


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A model file: header (None: none, or broken) and query, and where they begin (lines and columns from 1)."""

    path: str
    header: Node | None
    written: Written
    query: str
    query_line: int
    query_column: int


def read_sql_file(path: str, text: str) -> tuple[SqlFile, list[Diagnostic]]:
    """Take a model file apart; the query is what follows the header, without a ``;`` at its end."""
    start, found = _header_start(text, path)
    if start < 0:
        return _with_query(text, 0, None, Written(path), found)
    body = text.index("headwater", start) + len("headwater")
    end = text.find("*/", body)
    if end < 0:
        where = Where(path, *_position(text, start))
        found = [error("HW0118", "the header is never closed", where, hint="end it with `*/` before the query")]
        return SqlFile(path, None, Written(path), "", 1, 1), found
    written = Written(path, _aligned(text, body, end), text.count("\n", 0, body))
    node, found = compose(written.text, path, written.lines_before)
    if _is_cut(text, end, is_broken=bool(found)):
        where = Where(path, *_position(text, end))
        cut = error("HW0117", "the header ends here: `*/` closes the comment", where, hint=_CUT_HINT, length=2)
        return SqlFile(path, None, Written(path), "", 1, 1), [cut]
    return _with_query(text, end + 2, node, written, found)


def _header_start(text: str, path: str) -> tuple[int, list[Diagnostic]]:
    """Find the header: the first thing in the file but for blanks and other comments; -1 if there is none."""
    if text.startswith(_EXACT):
        return 0, []
    if "/*" not in text:
        return -1, []
    position = 0
    while comment := _next_comment(text, position):
        start, end = comment
        if _HEADER.match(text, start):
            return start, []
        word = _COMMENT_WORD.match(text, start)
        if word and (hint := suggest(word[1], ["headwater"])):
            where = Where(path, *_position(text, start))
            return -1, [error("HW0118", f"`{word[1]}` does not begin a header", where, hint=hint)]
        position = end
    return -1, list(_misplaced(text, path))


def _next_comment(text: str, position: int) -> tuple[int, int] | None:
    while position < len(text) and text[position].isspace():
        position += 1
    for opening, closing in (("/*", "*/"), ("--", "\n")):
        if text.startswith(opening, position):
            end = text.find(closing, position + 2)
            return position, len(text) if end < 0 else end + len(closing)
    return None


def _misplaced(text: str, path: str) -> Iterator[Diagnostic]:
    if match := _LATER_HEADER.search(text):
        where = Where(path, *_position(text, match.start()))
        yield error("HW0118", "a header stands below the query", where, hint="move it to the top of the file")


def _aligned(text: str, body: int, end: int) -> str:
    """Give the header's YAML; if it begins on the header's own line, pushed right so that its columns are true."""
    line_end = text.find("\n", body, end)
    if not text[body : end if line_end < 0 else line_end].strip():
        return text[body:end]
    return " " * (body - text.rfind("\n", 0, body) - 1) + text[body:end]


def _is_cut(text: str, end: int, *, is_broken: bool) -> bool:
    """Whether the ``*/`` at ``end`` is part of a setting: what follows is no SQL, and a second ``*/`` has no opening.

    A setting such as ``cron: "*/15 * * * *"`` ends the comment early; the rest of the header and its true end follow.
    """
    rest = text[end + 2 :]
    second = rest.find("*/")
    if second < 0:
        return False
    follows = _after_comments(rest)
    if _SQL_START.match(follows):
        return False
    return is_broken or "/*" not in rest[:second]


def _after_comments(text: str) -> str:
    position = 0
    while comment := _next_comment(text, position):
        position = comment[1]
    return text[position:].lstrip()


def _with_query(
    text: str, start: int, header: Node | None, written: Written, found: list[Diagnostic]
) -> tuple[SqlFile, list[Diagnostic]]:
    body = text[start:]
    begin = start + len(body) - len(body.lstrip())
    line, column = _position(text, begin)
    query, problems = one_statement(text[begin:].rstrip(), written.file, line, column)
    return SqlFile(written.file, header, written, query, line, column), [*found, *problems]


def one_statement(text: str, path: str, line: int, column: int) -> tuple[str, list[Diagnostic]]:
    """Give the only statement of a text that begins at (line, column), without its ``;``."""
    if not text:
        return "", [_no_query(path, line, column)]
    if not text.startswith(("--", "/*")):
        if ";" not in text:
            return text, []
        if text.find(";") == len(text) - 1 and "--" not in text[text.rfind("\n") + 1 :]:
            return text[:-1].rstrip() or "", [] if text[:-1].strip() else [_no_query(path, line, column)]
    return _only(text, path, line, column)


def _only(text: str, path: str, line: int, column: int) -> tuple[str, list[Diagnostic]]:
    from headwater.sql.text import split_statements

    statements = split_statements(text)
    if not statements:
        return "", [_no_query(path, line, column)]
    offset, first = statements[0]
    if len(statements) == 1:
        return text[: offset + len(first)], []
    more_line, more_column = _position(text, statements[1][0])
    where = Where(path, line + more_line - 1, more_column + (column - 1 if more_line == 1 else 0))
    hint = "one file holds one query: put each into a file of its own"
    return text[: offset + len(first)], [error("HW0120", "a second statement begins here", where, hint=hint)]


def _no_query(path: str, line: int, column: int) -> Diagnostic:
    return error("HW0119", "the file holds no query", Where(path, line, column), hint="write a SELECT")


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
