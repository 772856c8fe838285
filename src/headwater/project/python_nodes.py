"""What Python files make → pieces of models and declared entries, read by the same readers as YAML."""

import ast
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from headwater.diagnostics import Where
from headwater.project.models import Piece, python_piece, query_piece
from headwater.project.names import normal
from headwater.project.python.files import Making, node_name
from headwater.project.python.literals import LiteralNode, Source
from headwater.project.reading import MISSING, Reading
from headwater.project.sections import Declared
from headwater.project.shapes import reader_of
from headwater.project.sql_files import one_statement
from headwater.project.yaml_nodes import Node

_SECTIONS: Final = {"source": "sources", "sink": "sinks", "pipeline": "pipelines"}
_QUOTES: Final = re.compile(r"[rRuU]?(\"\"\"|'''|\"|')")


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    node: Node
    settings: LiteralNode
    sql: Node | None = None


def model_piece(making: Making, reading: Reading) -> Piece | None:
    """Read a Python or SQL model; None if it has no name or no query, which is said."""
    if making.kind == "model" and making.code is not None:
        piece = python_piece(making.code, making.settings, making.where, reading)
        piece.name = normal(piece.name or node_name(making.code.path, making.name))
        return piece
    named = _named(making, reading, "sql")
    if named is None or named.sql is None:
        return None
    text = reader_of(str)(named.sql, reading)
    if text is MISSING:
        return None
    query, where, is_exact = _query(text, making, named, reading)
    place = (query, where.line, where.column)
    return query_piece(named.name, making.where, named.settings, place, reading, is_exact=is_exact)


def declared(making: Making, reading: Reading) -> Declared | None:
    """Read the name of a source, sink or pipeline; None if it has none, which is said."""
    named = _named(making, reading)
    if named is None:
        return None
    return Declared(_SECTIONS[making.kind], named.name, named.node, named.settings, reading, making.code)


def _named(making: Making, reading: Reading, *more: str) -> _Named | None:
    """Take the name (and the query) out of the settings."""
    taken: dict[str, Node] = {}
    rest: list[tuple[Node, Node]] = []
    for key, value in making.settings.value:
        if key.value in {"name", *more} and key.value not in taken:
            taken[key.value] = value
        else:
            rest.append((key, value))
    reading.key = "name"
    node = taken.get("name") or (_own_name(making) if making.name else None)
    lacking = [each for each in ("name", *more) if each not in taken and (each != "name" or node is None)]
    for each in lacking:
        reading.wrong("HW0111", making.settings, f"`{each}` is missing", f"`{making.kind}` needs {each}=")
    if node is None:
        return None
    name: Any = reader_of(str)(node, reading)
    if lacking or name is MISSING:
        return None
    return _Named(normal(name), node, replace(making.settings, value=rest), taken.get("sql"))


def _own_name(making: Making) -> Node:
    mark = replace(making.settings.start_mark, line=making.where.line - 1, column=making.where.column - 1)
    return LiteralNode("scalar", making.name, mark, style='"')


def _query(text: str, making: Making, named: _Named, reading: Reading) -> tuple[str, Where, bool]:
    """Give a query with the place of its first character: inside the literal that writes it, else the argument's."""
    stripped = text.strip()
    file = making.source.path
    start = literal_start(making.sql, text, making.source) if making.sql is not None else None
    if start is not None:
        query, found = one_statement(stripped, file, start.line, start.column)
        reading.found += found
        return query, start, True
    assert named.sql is not None  # noqa: S101 - asked by the caller
    where = reading.where(named.sql)
    query, found = one_statement(stripped, file, where.line, where.column)
    reading.found += [replace(each, where=where) for each in found]
    return query, where, False


def literal_start(expression: ast.expr, text: str, source: Source) -> Where | None:
    """Give the place of a text's first visible character, if the expression is that text, letter by letter."""
    if not isinstance(expression, ast.Constant) or expression.value != text or expression.end_lineno is None:
        return None
    mark = source.mark(expression)
    quotes = _QUOTES.match(source.line(mark.line + 1), mark.column)
    if quotes is None:
        return None
    lines = text.split("\n")
    if expression.end_lineno - expression.lineno != len(lines) - 1:
        return None
    for number, line in enumerate(lines):
        written = source.line(mark.line + 1 + number)[quotes.end() if number == 0 else 0 :]
        rest = written.removeprefix(line) if written.startswith(line) else None
        if rest is None or (rest if number < len(lines) - 1 else not rest.startswith(quotes[1])):
            return None
    before = text[: len(text) - len(text.lstrip())]
    down = before.count("\n")
    column = len(before) - before.rfind("\n") if down else quotes.end() + len(before) + 1
    return Where(source.path, mark.line + 1 + down, column)
