"""The calls in a Python file that make nodes, found in its syntax tree, and whether the tree shows all they say."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from headwater.project.python.literals import NotLiteralError, Source, keywords
from headwater.project.yaml_nodes import Node
from headwater.spec.making import DECORATORS, NODES

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Call:
    """A call that makes a node; ``definition`` is the function it stands over."""

    kind: str
    expression: ast.expr
    definition: Function | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file's tree shows: the calls at its top level, and what keeps it from being read (None: nothing)."""

    calls: tuple[Call, ...]
    obstacle: NotLiteralError | None


def may_make_nodes(text: str) -> bool:
    """Whether a file is worth parsing."""
    return "headwater" in text and any(name in text for name in NODES)


def survey(tree: ast.Module, source: Source) -> Survey:
    """Look through a file that knows headwater."""
    calls = tuple(_top(tree, source))
    mentions = [node for node in ast.walk(tree) if isinstance(node, ast.expr) and source.called(node) in NODES]
    known = {id(_function(call.expression)) for call in calls}
    elsewhere = next((node for node in mentions if id(node) not in known), None)
    obstacle = _obstacle(calls, source)
    if obstacle is None and elsewhere is not None:
        obstacle = NotLiteralError(elsewhere, "it is not at the top of its file")
    return Survey(calls, obstacle)


def settings_of(call: Call, source: Source) -> list[tuple[Node, Node]]:
    """Give a call's literal arguments as the pairs of a map; NotLiteralError otherwise."""
    if not isinstance(call.expression, ast.Call):
        return []
    if call.expression.args:
        raise NotLiteralError(call.expression.args[0], f"`{call.kind}` takes keyword arguments only")
    return keywords(call.expression.keywords, source)


def _top(tree: ast.Module, source: Source) -> Iterator[Call]:
    for node in tree.body:
        if isinstance(node, Function):
            for decorator in node.decorator_list:
                kind = source.called(_function(decorator))
                if kind in DECORATORS:
                    yield Call(kind, decorator, node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            kind = source.called(node.value.func)
            if kind in NODES:
                yield Call(kind, node.value)


def _obstacle(calls: tuple[Call, ...], source: Source) -> NotLiteralError | None:
    for call in calls:
        try:
            settings_of(call, source)
        except NotLiteralError as problem:
            return problem
    return None


def _function(expression: ast.expr) -> ast.expr:
    return expression.func if isinstance(expression, ast.Call) else expression
