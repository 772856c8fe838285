"""An engine's refusal as a diagnostic: at the place in the user's file, in our words, with a suggestion."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.graph.drafts import Macros, Mentions, Named, place
from headwater.graph.syntax_hints import reserved_near, template_at
from headwater.spec.nodes import Model
from headwater.sql import functions
from headwater.sql.binding import BindError, Relation
from headwater.sql.text import position

_MOST_SHOWN = 8
_CODES = {
    "missing column": "HW0213",
    "ambiguous": "HW0214",
    "missing function": "HW0215",
    "types": "HW0216",
    "missing table": "HW0201",
    "syntax": "HW0203",
}


def characters(text: str, offset: int) -> int:
    """An offset in bytes as one in characters."""
    return offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore"))


def of_parse(model: Model, problem: BindError) -> Diagnostic:
    """Say why a model's text is not one query."""
    if problem.kind == "not a query":
        first = model.query.split(maxsplit=1)[0].rstrip("(").upper() if model.query.strip() else ""
        message, hint = "a model is one SELECT", "statements that change something do not belong in a model"
        if not first:
            message, hint = "the model has no query", "write a SELECT below its settings"
        elif first == "PIVOT" or "PIVOT" in model.query.upper():
            hint = "PIVOT needs its values in an IN list: its columns must not depend on rows"
        return error("HW0204", message, place(model, 0), hint=hint, length=len(first) or 1)
    offset = len(model.query.rstrip()) if problem.offset is None else problem.offset
    if template := template_at(model.query, offset):
        begin, hint = template
        return error("HW0203", "a query holds a template of another tool", place(model, begin), hint=hint, length=2)
    hint = reserved_near(model.query, offset)
    return error("HW0203", problem.message.splitlines()[0], place(model, offset), hint=hint)


def outside(model: Model, mention: Named) -> Diagnostic:
    """Say that a table function reads what is no node."""
    message = f"`{mention.name}` reads rows from outside of the project's nodes"
    hint = "declare a source, and read that"
    return error("HW0205", message, place(model, mention.offset), hint=hint, length=len(mention.name))


def unknown_relation(model: Model, mention: Named, known: Iterable[str]) -> Diagnostic:
    """Say that a table is no node; files in FROM are told apart."""
    where, length = place(model, mention.offset), len(mention.name)
    if "/" in mention.name or "\\" in mention.name or mention.name.lower().endswith(_FILES):
        hint = "declare a source with `connector: files`, and read that"
        return error("HW0205", f"`{mention.name}` is a file, not a node", where, hint=hint, length=length + 2)
    hint = suggest(mention.name, known)
    return error("HW0201", f"`{mention.name}` is no source or model", where, hint=hint, length=length)


_FILES = (".csv", ".parquet", ".json", ".jsonl", ".ndjson", ".tsv", ".gz", ".zst", ".xlsx", ".db", ".duckdb")


def of_binding(
    model: Model, mentions: Mentions, inputs: Mapping[str, Relation], macros: Macros, problem: BindError
) -> Diagnostic:
    """Say why the engine does not accept a model's query."""
    if problem.kind == "macro":
        return of_macro(macros, problem)
    code = _CODES.get(problem.kind, "HW0217")
    where = place(model, problem.offset) if problem.offset is not None else place(model, 0)
    message, hint, length = problem.message.splitlines()[0], "", 1
    if problem.kind == "missing column":
        message, hint, length = _missing_column(model, mentions, inputs, problem)
    elif problem.kind == "ambiguous":
        message = f"`{problem.name}` could be a column of several relations"
        hint, length = "put the relation's name before it", len(problem.name)
    elif problem.kind == "missing function":
        message, length = f"there is no function `{problem.name}`", len(problem.name)
        hint = suggest(problem.name, [*problem.candidates, *functions.AGGREGATES, *functions.SCALARS])
    elif problem.kind == "missing table":
        message, length = f"there is no relation `{problem.name}`", len(problem.name)
        hint = suggest(problem.name, problem.candidates or inputs)
    return error(code, message, where, hint=hint, length=length)


def of_macro(macros: Macros, problem: BindError) -> Diagnostic:
    """Say why a macro cannot be created."""
    name = problem.name
    where, statement = macros.places.get(name), macros.statements.get(name, "")
    if where is not None and problem.offset is not None:
        line, column = position(statement, problem.offset, max(where.line, 1), max(where.column, 1))
        where = replace(where, line=line, column=column)
    hint = suggest(_quoted(problem.message), problem.candidates) if problem.candidates else ""
    return error("HW0212", f"the macro `{name}` cannot be: {problem.message.splitlines()[0]}", where, hint=hint)


def _quoted(message: str) -> str:
    found = re.search(r"name \"?(\S+?)\"? ", message)
    return found[1] if found else ""


def _missing_column(
    model: Model, mentions: Mentions, inputs: Mapping[str, Relation], problem: BindError
) -> tuple[str, str, int]:
    """Name the relation if the query does, and its columns."""
    offset = problem.offset or 0
    written = model.query[offset : offset + 400]
    qualifier = ""
    if "." in written.split(problem.name)[0]:
        qualifier = written.split(problem.name)[0].rstrip(".").strip('"').casefold()
    among = [t for t in mentions.tables if qualifier in (t.alias.casefold(), t.name.casefold())] if qualifier else []
    names = {each.name.casefold() for each in (among or mentions.tables)}
    known = {name: [c for c, _ in columns] for name, columns in inputs.items() if name.casefold() in names}
    columns = [column for each in known.values() for column in each] or list(problem.candidates)
    hint = suggest(problem.name, [*problem.candidates, *columns])
    length = written.find(problem.name) + len(problem.name) if problem.name in written else 1
    message = f"unknown column `{problem.name}`"
    if len(known) == 1:
        message += f" in `{next(iter(known))}`"
    if not hint and columns:
        shown = ", ".join(columns[:_MOST_SHOWN]) + (" …" if len(columns) > _MOST_SHOWN else "")
        hint = f"there are {shown}"
    return message, hint, length
