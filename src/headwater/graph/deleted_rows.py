"""The condition that says of a row that its key is gone: one truth about that row alone."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from headwater.diagnostics import Diagnostic, error
from headwater.graph.drafts import Draft
from headwater.graph.resolve_references import parse, read_macros
from headwater.spec.nodes import Model
from headwater.sql import functions
from headwater.sql.binding import BindError
from headwater.sql.macros import expand
from headwater.sql.outline import outline
from headwater.sql.text import parameters
from headwater.sql.tree import Unclear

_BEYOND: Final = frozenset({"SUBQUERY", "WINDOW"})
_TIMES: Final = frozenset({"now", "start", "end"})


def is_gone(deleted: str) -> str:
    """Give the condition as one that is never NULL; empty: no row says so."""
    return f"({deleted}\n) IS TRUE" if deleted else "false"  # a comment ends with its line


def wrong_deleted(draft: Draft, model: Model) -> Iterator[Diagnostic]:
    """Find out why ``deleted`` is no condition over one row: what came is folded by keys, at any later time."""
    if not model.deleted:
        return
    problem = _problem(draft, model.deleted)
    if problem:
        hint = "a condition over the columns of one row, such as \"op = 'D'\"; compute anything else in the query"
        yield error("HW0266", f"`deleted` {problem}", model.at.of("deleted"), hint=hint)


def _problem(draft: Draft, deleted: str) -> str:
    # Brackets around it make it one expression; without them, brackets that it closes were not its own.
    alone, bracketed = (parse(draft.bind, text) for text in (f"SELECT\n{deleted}\n", f"SELECT (\n{deleted}\n)"))
    for parsed in (alone, bracketed):
        if isinstance(parsed, BindError):
            return f"cannot be read: {parsed.message.splitlines()[0]}"
    assert not isinstance(bracketed, BindError)  # noqa: S101 - asked above
    try:
        tree = expand(bracketed, read_macros(draft.macros, deleted, draft.bind))
    except Unclear as why:
        return f"cannot be read: {why}"
    seen = outline(tree)
    moments = [f"${name}" for name, _ in parameters(deleted) if name in _TIMES]
    moving = moments + [each.name for each in (*seen.volatile, *seen.clocks)]
    if moving:
        return f"uses `{moving[0]}`, which is another one each time"
    beyond = [each.name for each in seen.functions if each.name in functions.AGGREGATES]
    beyond += [each.name for each in seen.functions if each.name == "unnest"]
    if beyond or any(kind in _BEYOND for kind in _kinds(tree)):
        return f"looks beyond its row{f': `{beyond[0]}`' if beyond else ''}"
    return ""


def _kinds(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield str(value.get("class", ""))
        for each in value.values():
            yield from _kinds(each)
    elif isinstance(value, list):
        for each in value:
            yield from _kinds(each)
