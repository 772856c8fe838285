"""Python model files: ``@hw.model`` functions read from the syntax tree; the files are never executed."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from headwater.diagnostics import Diagnostic, error
from headwater.project.python_imports import ReadText, imported_modules, parse, syntax_error
from headwater.project.python_literals import (
    LiteralNode,
    NotLiteralError,
    Source,
    keywords,
    know_imports,
)
from headwater.project.yaml_nodes import Node
from headwater.spec.nodes import PythonCode

RUN: Final = "run"
"""The argument that gets hw.Run instead of an input."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A decorated function: its node name (from its place), settings as nodes, and code."""

    name: str
    settings: Node
    code: PythonCode
    source: Source
    definition: Function


def may_hold_models(text: str) -> bool:
    """Whether a file is worth parsing."""
    return "headwater" in text and "model" in text and "@" in text


def read_python_file(path: str, text: str, read_text: ReadText) -> tuple[list[PythonFunction], list[Diagnostic]]:
    """Find the models of a file; ``read_text`` gives other files of the project, for the modules it imports."""
    source, found = Source(path, text), []
    try:
        tree = parse(text)
    except SyntaxError as problem:
        return [], [syntax_error(problem, path)]
    know_imports(source, tree)
    functions: list[PythonFunction] = []
    modules: dict[str, str] = {}
    for definition, decorator in _decorated(tree, source):
        if not modules:
            modules, problems = imported_modules(path, text, read_text)
            found += problems
        function, problems = _read(definition, decorator, source, modules)
        found += problems
        functions += [function] if function else []
    return functions, [*found, *_nested(tree, source)]


def _decorated(tree: ast.Module, source: Source) -> Iterator[tuple[Function, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (decorator := _decorator(node, source)):
            yield node, decorator


def _decorator(definition: Function, source: Source) -> ast.expr | None:
    for decorator in definition.decorator_list:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        if source.called(function) == "model":
            return decorator
    return None


def _nested(tree: ast.Module, source: Source) -> Iterator[Diagnostic]:
    """A decorated function inside another block cannot be imported by its name."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node in tree.body:
            continue
        if _decorator(node, source):
            message = f"the model `{node.name}` is not at the top of its file"
            yield error("HW0805", message, source.where(node), hint="move it to the left edge of the file")


def _read(
    definition: Function, decorator: ast.expr, source: Source, modules: dict[str, str]
) -> tuple[PythonFunction | None, list[Diagnostic]]:
    if wrong := _signature_problem(definition):
        return None, [error("HW0805", wrong, source.where(definition), hint="arguments are inputs, and `run`")]
    try:
        settings = _settings(decorator, source)
    except NotLiteralError as problem:
        message = f"a setting of `{definition.name}` cannot be read: {problem.what}"
        hint = "model files are read, not run: write plain values, lists and maps"
        return None, [error("HW0802", message, source.where(problem.node), hint=hint)]
    arguments = [a.arg for a in _arguments(definition)]
    code = PythonCode(
        path=source.path,
        function=definition.name,
        arguments=tuple(arguments),
        inputs={name: name for name in arguments if name != RUN},
        modules=modules,
        annotations={a.arg: _annotation(a.annotation) for a in _arguments(definition) if a.annotation},
    )
    return PythonFunction(_node_name(source.path, definition.name), settings, code, source, definition), []


def _settings(decorator: ast.expr, source: Source) -> Node:
    if not isinstance(decorator, ast.Call):
        return LiteralNode("mapping", [], source.mark(decorator))
    if decorator.args:
        raise NotLiteralError(decorator.args[0], "`model` takes keyword arguments only")
    return LiteralNode("mapping", keywords(decorator.keywords, source), source.mark(decorator))


def _arguments(definition: Function) -> list[ast.arg]:
    arguments = definition.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _annotation(expression: ast.expr) -> str:
    """Give an annotation as text; one in quotes means what stands in them."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        return expression.value
    return ast.unparse(expression)


def _signature_problem(definition: Function) -> str:
    arguments = definition.args
    if isinstance(definition, ast.AsyncFunctionDef):
        return f"`{definition.name}` is asynchronous"
    if arguments.vararg or arguments.kwarg:
        return f"`{definition.name}` takes any number of arguments"
    if arguments.defaults or any(default is not None for default in arguments.kw_defaults):
        return f"`{definition.name}` has an argument with a default"
    return f"`{definition.name}` has arguments without names" if arguments.posonlyargs else ""


def _node_name(path: str, function: str) -> str:
    parts = PurePosixPath(path).parts[:-1]
    return ".".join((*parts[1:], function)) if parts[:1] == ("models",) else function
