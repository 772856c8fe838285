"""What Python files make: nodes with their settings, places and code, read from the syntax tree where that shows it."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from headwater.diagnostics import Diagnostic, Where, error
from headwater.project.names import printable
from headwater.project.python.calls import Call, Function, settings_of
from headwater.project.python.imports import ReadText, imported_modules
from headwater.project.python.literals import LiteralNode, Mark, NotLiteralError, Source, key
from headwater.project.yaml_nodes import Node
from headwater.spec.nodes import PythonCode

RUN: Final = "run"
"""The argument that gets hw.Run instead of an input."""
PYTHON: Final = "python"
"""The connector of sources and sinks that are functions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """One node that a file makes: the settings as nodes, and the code of its function if it has one."""

    kind: str
    settings: LiteralNode
    source: Source
    where: Where
    """Its place: the function's, or the call's."""
    name: str = ""
    """Its name where the settings say none."""
    code: PythonCode | None = None
    sql: ast.expr | None = None
    """The ``sql=`` argument, where it is found in the file."""


@dataclass(slots=True)
class Imports:
    """The files that a file may import, found once."""

    path: str
    text: str
    read_text: ReadText
    found: list[Diagnostic] = field(default_factory=list)
    _modules: dict[str, str] | None = None

    @property
    def modules(self) -> dict[str, str]:
        """Path → text, the file itself among them."""
        if self._modules is None:
            self._modules, problems = imported_modules(self.path, self.text, self.read_text)
            self.found += problems
        return self._modules


def read_calls(calls: tuple[Call, ...], source: Source, imports: Imports) -> tuple[list[Making], list[Diagnostic]]:
    """Read the calls of a file that are literals; NotLiteralError where one is not."""
    made: list[Making] = []
    found: list[Diagnostic] = []
    for call in calls:
        if call.definition is not None and (wrong := signature_problem(call.definition)):
            found.append(bad_signature(wrong, source.where(call.definition)))
            continue
        pairs = settings_of(call, source)
        definition = call.definition
        made.append(
            Making(
                kind=call.kind,
                settings=with_connector(pairs, call.kind, source.mark(call.expression), is_function=bool(definition)),
                source=source,
                where=source.where(definition or call.expression),
                name=definition.name if definition else "",
                code=code_of(definition, call.kind, source.path, imports.modules) if definition else None,
                sql=argument(call.expression, "sql"),
            )
        )
    return made, found


def not_read(path: str, obstacle: NotLiteralError, source: Source) -> Diagnostic:
    """Say what keeps a file from being read where nobody can run it."""
    where = source.where(obstacle.node) if obstacle.node is not None else Where(path)
    message = f"a setting of `{path}` cannot be read: {printable(obstacle.what)}"
    return error("HW0802", message, where, hint="this file is read, not run: write plain values, lists and maps")


def bad_signature(wrong: str, where: Where) -> Diagnostic:
    """Say why a function cannot be a node's."""
    return error("HW0805", wrong, where, hint="arguments are inputs, and `run`")


def argument(call: ast.expr, name: str) -> ast.expr | None:
    """Give the expression of a call's keyword argument."""
    pairs = call.keywords if isinstance(call, ast.Call) else []
    return next((each.value for each in pairs if each.arg == name), None)


def with_connector(pairs: list[tuple[Node, Node]], kind: str, mark: Mark, *, is_function: bool) -> LiteralNode:
    """Give settings as one map, in the words of YAML: ``from_`` is ``from``, a function's connector is ``python``."""
    for name, _ in pairs if kind in {"source", "sink", "pipeline"} else ():
        name.value = name.value.removesuffix("_")
    if kind in {"source", "sink"} and is_function and not any(name.value == "connector" for name, _ in pairs):
        pairs = [*pairs, (key("connector", mark), LiteralNode("scalar", PYTHON, mark, style='"'))]
    return LiteralNode("mapping", pairs, mark)


def code_of(definition: Function, kind: str, path: str, modules: Mapping[str, str]) -> PythonCode:
    """Give a function's code; the arguments of a model are its inputs."""
    arguments = [each.arg for each in _arguments(definition)]
    return PythonCode(
        path=path,
        function=definition.name,
        arguments=tuple(arguments),
        inputs={name: name for name in arguments if name != RUN} if kind == "model" else {},
        modules=modules,
    )


def node_name(path: str, function: str) -> str:
    """Give the name of a model by its place: folders below ``models/``, then its function."""
    parts = PurePosixPath(path).parts[:-1]
    return ".".join((*parts[1:], function)) if parts[:1] == ("models",) else function


def signature_problem(definition: Function) -> str:
    """Say why a function cannot be a node's; empty if it can."""
    arguments = definition.args
    if isinstance(definition, ast.AsyncFunctionDef):
        return f"`{definition.name}` is asynchronous"
    if arguments.vararg or arguments.kwarg:
        return f"`{definition.name}` takes any number of arguments"
    if arguments.defaults or any(default is not None for default in arguments.kw_defaults):
        return f"`{definition.name}` has an argument with a default"
    return f"`{definition.name}` has arguments without names" if arguments.posonlyargs else ""


def _arguments(definition: Function) -> list[ast.arg]:
    arguments = definition.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
