"""Literals in Python source → the same nodes that YAML gives, so that one reader serves both."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from headwater.diagnostics import Where
from headwater.project.yaml_nodes import MAX_DEPTH, Node
from headwater.spec.checks import KINDS

CHECK_CALLS: Final = KINDS.keys() - {"query", "schema"}
"""Checks with a function in Python; the others are written as maps (``hw.query`` reads tables)."""
LISTED: Final = {"not_null", "unique"}
POSITIONS: Final = {
    "accepted_values": ("column", "values"),
    "accepted_range": ("column",),
    "matches": ("column", "pattern"),
    "freshness": ("column", "within"),
    "drift": ("metric", "within"),
    "references": ("column", "to"),
    "expression": ("sql", "name"),
}
"""Names of a check function's positional arguments."""


class NotLiteralError(Exception):
    """An expression that only running the file could evaluate."""

    def __init__(self, node: ast.expr | None, what: str) -> None:
        super().__init__(what)
        self.node = node
        self.what = what


@dataclass(slots=True)
class Mark:
    """A place, counted from 0."""

    line: int
    column: int


@dataclass(slots=True)
class LiteralNode:
    """A literal as the typed reader takes it."""

    id: str
    value: Any
    start_mark: Any
    style: str | None = None
    tag: str = ""


@dataclass(slots=True)
class Source:
    """The text of a Python file, and the names under which it knows headwater."""

    path: str
    text: str
    modules: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    """Name in the file → name in headwater (``from headwater import model as m``)."""
    _lines: list[str] = field(default_factory=list)

    def mark(self, node: ast.AST) -> Mark:
        """Give a node's place."""
        return self.mark_at(getattr(node, "lineno", 1), getattr(node, "col_offset", 0))

    def mark_at(self, line: int, column: int) -> Mark:
        """Give a place (line from 1); Python counts columns in bytes, people count characters."""
        text = self.line(line)
        if not text.isascii():
            column = len(text.encode()[:column].decode(errors="replace"))
        return Mark(line - 1, column)

    def line(self, number: int) -> str:
        """Give a line of the file, from 1; empty where there is none."""
        if not self._lines:
            self._lines = self.text.split("\n")
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def where(self, node: ast.AST) -> Where:
        """Give a node's place for a diagnostic."""
        mark = self.mark(node)
        return Where(self.path, mark.line + 1, mark.column + 1)

    def called(self, function: ast.expr) -> str:
        """Give the name in headwater that an expression names (``hw.not_null`` → ``not_null``), or nothing."""
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            return function.attr if function.value.id in self.modules else ""
        return self.names.get(function.id, "") if isinstance(function, ast.Name) else ""


def know_imports(source: Source, tree: ast.Module) -> None:
    """Note under which names a file knows headwater."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            source.modules |= {a.asname or "headwater" for a in node.names if a.name == "headwater"}
        elif isinstance(node, ast.ImportFrom) and node.module == "headwater" and not node.level:
            source.names |= {a.asname or a.name: a.name for a in node.names}


def literal(expression: ast.expr, source: Source, depth: int = 0) -> Node:
    """Turn a literal into a node; NotLiteralError otherwise."""
    mark = source.mark(expression)
    if depth > MAX_DEPTH:
        raise NotLiteralError(expression, "it is nested too deep")
    match expression:
        case ast.Constant():
            return scalar(expression.value, expression, mark)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant(value=int() | float() as number)):
            return scalar(-number if isinstance(expression.op, ast.USub) else number, expression, mark)
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return LiteralNode("sequence", [literal(e, source, depth + 1) for e in elements], mark)
        case ast.Dict():
            return LiteralNode("mapping", _pairs(expression, source, depth), mark)
        case ast.Call() if source.called(expression.func) in CHECK_CALLS:
            return _check(expression, source, depth)
    raise NotLiteralError(expression, "it is not a literal")


def scalar(value: Any, expression: ast.expr | None, mark: Mark) -> LiteralNode:
    """Give a plain value as a node; NotLiteralError for a value of another type."""
    if isinstance(value, str):
        return LiteralNode("scalar", value, mark, style='"')
    if value is None or isinstance(value, bool):
        return LiteralNode("scalar", {None: "null", True: "true", False: "false"}[value], mark)
    if isinstance(value, int | float):
        try:
            return LiteralNode("scalar", str(value).replace("inf", ".inf"), mark)
        except ValueError:
            raise NotLiteralError(expression, "the number is too long") from None
    raise NotLiteralError(expression, f"a {type(value).__name__} is no setting")


def _pairs(expression: ast.Dict, source: Source, depth: int) -> list[tuple[Node, Node]]:
    pairs = []
    for name, value in zip(expression.keys, expression.values, strict=True):
        if name is None:
            raise NotLiteralError(value, "`**` is not a literal")
        pairs.append((literal(name, source, depth + 1), literal(value, source, depth + 1)))
    return pairs


def _check(call: ast.Call, source: Source, depth: int) -> Node:
    """``hw.unique("a", "b", on_fail="warn")`` is ``{unique: {columns: [a, b], on_fail: warn}}``."""
    kind, mark = source.called(call.func), source.mark(call)
    settings: list[tuple[Node, Node]] = []
    values = [literal(argument, source, depth + 1) for argument in call.args]
    if kind in LISTED:
        settings.append((key("columns", mark), LiteralNode("sequence", values, mark)))
    else:
        names = POSITIONS.get(kind, ())
        if len(values) > len(names):
            raise NotLiteralError(call.args[len(names)], f"`{kind}` takes {len(names)} positional arguments")
        settings += [(key(name, mark), value) for name, value in zip(names, values, strict=False)]
    settings += keywords(call.keywords, source, depth + 1)
    return LiteralNode("mapping", [(key(kind, mark), LiteralNode("mapping", settings, mark))], mark)


def keywords(arguments: Iterable[ast.keyword], source: Source, depth: int = 0) -> list[tuple[Node, Node]]:
    """Turn keyword arguments into the pairs of a map."""
    pairs = []
    for argument in arguments:
        if argument.arg is None:
            raise NotLiteralError(argument.value, "`**` is not a literal")
        pairs.append((key(argument.arg, source.mark(argument)), literal(argument.value, source, depth + 1)))
    return pairs


def key(name: str, mark: Mark) -> Node:
    """Give a key of a map as a node."""
    return LiteralNode("scalar", name, mark)
