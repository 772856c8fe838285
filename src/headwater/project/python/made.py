"""What running a Python file made → the same nodes that reading gives, placed at the lines that wrote them."""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from headwater.diagnostics import Diagnostic, Where, error
from headwater.project.names import printable
from headwater.project.python.calls import Function
from headwater.project.python.files import (
    Making,
    argument,
    bad_signature,
    code_of,
    signature_problem,
    with_connector,
)
from headwater.project.python.imports import parse
from headwater.project.python.literals import (
    CHECK_CALLS,
    LiteralNode,
    Mark,
    NotLiteralError,
    Source,
    key,
    know_imports,
    scalar,
)
from headwater.project.python.running import MadeFunction, MadeNode, Mishap, Ran
from headwater.project.yaml_nodes import MAX_DEPTH, Node

_HOLDS: Final = (
    "a node's function may hold text, numbers, dates, lists and maps of them, functions, classes and modules: make "
    "other things inside the function"
)
_SETTINGS: Final = "settings are text, numbers, true or false, dates, lists, maps and checks"
_Span = tuple[int, int, int, int]


@dataclass(slots=True)
class Sources:
    """The files of a project that made something, parsed once, and the calls in them by place."""

    text_of: Callable[[str], str | None]
    _sources: dict[str, Source] = field(default_factory=dict)
    _trees: dict[str, ast.Module] = field(default_factory=dict)
    _calls: dict[str, dict[_Span, ast.expr]] = field(default_factory=dict)
    _functions: dict[str, dict[tuple[int, str], Function]] = field(default_factory=dict)

    def source(self, path: str) -> Source:
        """Give a file as a source of nodes."""
        if path not in self._sources:
            self._sources[path] = source = Source(path, self.text_of(path) or "")
            self._trees[path] = _parsed(source.text)
            know_imports(source, self._trees[path])
        return self._sources[path]

    def call(self, path: str, span: _Span) -> ast.expr | None:
        """Find the call (or bare decorator) that spans a place."""
        self.source(path)
        if path not in self._calls:
            self._calls[path] = _calls(self._trees[path])
        return self._calls[path].get(span)

    def function(self, path: str, line: int, name: str) -> Function | None:
        """Find a function by its first line, decorators included."""
        self.source(path)
        if path not in self._functions:
            self._functions[path] = {
                (min([node.lineno, *(d.lineno for d in node.decorator_list)]), node.name): node
                for node in ast.walk(self._trees[path])
                if isinstance(node, Function)
            }
        return self._functions[path].get((line, name))


def made_nodes(
    path: str, ran: Ran, modules: Mapping[str, str], sources: Sources
) -> tuple[list[Making], list[Diagnostic]]:
    """Translate what a file made, and what went wrong on the way."""
    made: list[Making] = []
    found = [_mishap(each, sources) for each in ran.mishaps]
    known = dict(sorted({**modules, **ran.read}.items()))
    for each in ran.nodes:
        try:
            making, problems = _making(path, each, known, sources)
        except NotLiteralError as problem:
            where = sources.source(each.file).where(problem.node) if problem.node else Where(each.file, each.span[0])
            problems = [error("HW0141", f"a setting of `{each.kind}` {printable(problem.what)}", where, hint=_SETTINGS)]
            making = None
        made += [making] if making else []
        found += problems
    return made, found


def _making(
    path: str, made: MadeNode, modules: Mapping[str, str], sources: Sources
) -> tuple[Making | None, list[Diagnostic]]:
    source = sources.source(made.file)
    call = sources.call(made.file, made.span)
    mark = source.mark_at(made.span[0], max(made.span[1], 0))
    where = Where(made.file, mark.line + 1, mark.column + 1)
    if made.positional:
        hint = 'such as name="orders"'
        return None, [error("HW0152", f"`{made.kind}` takes keyword arguments only", where, hint=hint)]
    pairs: list[tuple[Node, Node]] = [
        (
            key(name, _key_mark(call, name, source, mark)),
            placed(value, argument(call, name) if call else None, source, mark),
        )
        for name, value in made.settings
    ]
    making = Making(
        kind=made.kind,
        settings=with_connector(pairs, made.kind, mark, is_function=made.function is not None),
        source=source,
        where=where,
        sql=argument(call, "sql") if call else None,
    )
    return (making, []) if made.function is None else _with_function(making, path, made.function, modules, sources)


def _with_function(
    making: Making, path: str, function: MadeFunction, modules: Mapping[str, str], sources: Sources
) -> tuple[Making | None, list[Diagnostic]]:
    definition = sources.function(function.file, function.line, function.name) if not function.wrong else None
    if definition is None:
        what = function.wrong or "is not written in this project"
        message = f"what `{making.kind}` stands over {what}"
        hint = "put it over a function that is written with `def` in a file of the project"
        return None, [error("HW0147", message, making.where, hint=hint)]
    where = sources.source(function.file).where(definition)
    if wrong := signature_problem(definition):
        return None, [bad_signature(wrong, where)]
    if function.holds:
        return None, [error("HW0146", f"`{function.name}` {function.holds}", where, hint=_HOLDS)]
    code = replace(
        code_of(definition, making.kind, path, modules), made_as=function.made_as, stands_on=function.stands_on
    )
    return replace(making, where=where, name=function.name, code=code), []


def placed(value: Any, expression: ast.expr | None, source: Source, mark: Mark, depth: int = 0) -> LiteralNode:
    """Give a value as a node, each part placed where the expression writes it; NotLiteralError for no setting."""
    here = source.mark(expression) if expression is not None else mark
    if depth > MAX_DEPTH:
        raise NotLiteralError(expression, "is nested too deep")
    match value:
        case list():
            parts = _elements(expression, len(value))
            below = [placed(v, e, source, here, depth + 1) for v, e in zip(value, parts, strict=True)]
            return LiteralNode("sequence", below, here)
        case {"m": pairs}:
            written = _written(expression, source)
            return LiteralNode("mapping", [_pair(k, v, written, source, here, depth) for k, v in pairs], here)
        case {"t": text}:
            return LiteralNode("scalar", text, here)
        case {"x": what}:
            raise NotLiteralError(expression, f"is {what}")
        case _:
            return scalar(value, expression, here)


def _pair(
    name: Any,
    value: Any,
    written: Mapping[str, tuple[ast.AST, ast.expr | None]],
    source: Source,
    mark: Mark,
    depth: int,
) -> tuple[Node, Node]:
    at, below = written.get(name, (None, None)) if isinstance(name, str) else (None, None)
    here = source.mark(at) if at is not None else mark
    return placed(name, None, source, here, depth + 1), placed(value, below, source, here, depth + 1)


def _elements(expression: ast.expr | None, length: int) -> list[ast.expr | None]:
    parts = expression.elts if isinstance(expression, ast.List | ast.Tuple) else []
    is_whole = len(parts) == length and not any(isinstance(each, ast.Starred) for each in parts)
    return list(parts) if is_whole else [None] * length


def _written(expression: ast.expr | None, source: Source) -> dict[str, tuple[ast.AST, ast.expr | None]]:
    """Give the keys that an expression writes out: key → its place, and the expression of its value."""
    if isinstance(expression, ast.Dict):
        pairs = zip(expression.keys, expression.values, strict=True)
        return {k.value: (k, v) for k, v in pairs if isinstance(k, ast.Constant) and isinstance(k.value, str)}
    if isinstance(expression, ast.Call):
        kind = source.called(expression.func)
        if kind in CHECK_CALLS:
            return {kind: (expression, expression), **_keywords(expression)}
        if isinstance(expression.func, ast.Name) and expression.func.id == "dict":
            return _keywords(expression)
    return {}


def _keywords(call: ast.Call) -> dict[str, tuple[ast.AST, ast.expr | None]]:
    return {each.arg: (each, each.value) for each in call.keywords if each.arg}


def _key_mark(call: ast.expr | None, name: str, source: Source, mark: Mark) -> Mark:
    keywords = call.keywords if isinstance(call, ast.Call) else []
    return next((source.mark(each) for each in keywords if each.arg == name), mark)


def _calls(tree: ast.Module) -> dict[_Span, ast.expr]:
    """Index calls, and names that may be bare decorators, by what they span."""
    return {span: node for node in ast.walk(tree) if isinstance(node, ast.expr) for span in _spans(node)}


def _spans(node: ast.expr) -> Iterator[_Span]:
    if isinstance(node, ast.Call) and node.end_lineno is not None and node.end_col_offset is not None:
        yield node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _parsed(text: str) -> ast.Module:
    try:
        return parse(text)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def _mishap(mishap: Mishap, sources: Sources) -> Diagnostic:
    where = Where(mishap.file, mishap.line)
    if mishap.column >= 0:
        where = Where(
            mishap.file, mishap.line, sources.source(mishap.file).mark_at(mishap.line, mishap.column).column + 1
        )
    return error(mishap.code, printable(mishap.message), where, hint=printable(mishap.hint))
