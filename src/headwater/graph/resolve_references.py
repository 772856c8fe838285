"""Names in SQL → nodes: what each model mentions, and which of it is a source or model of the project."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.graph import caching, mistakes
from headwater.graph.drafts import Draft, Macros, Mentions, Named
from headwater.spec.addresses import address
from headwater.spec.nodes import Model
from headwater.sql import functions
from headwater.sql.binding import Bind, BindError
from headwater.sql.canonical import FORM
from headwater.sql.macros import expand, read_macro, relevant
from headwater.sql.outline import Mention, outline
from headwater.sql.parses import is_newer, translated
from headwater.sql.tree import Unclear


def resolve_references(draft: Draft) -> Draft:
    """Find out what every model reads."""
    mentions: dict[str, Mentions] = {}
    inputs: dict[str, tuple[str, ...]] = {}
    found: dict[str, list[Diagnostic]] = {}
    for name, model in draft.project.models.items():
        if model.code is not None:
            inputs[name], found[name] = _python_inputs(draft, model)
            continue
        mentions[name] = _mentions(draft, name, model)
        inputs[name], found[name] = _resolved(draft, model, mentions[name])
    found |= _same_when_folded(draft)
    return draft.noting(found, mentions=mentions, inputs=inputs)


def parsed(draft: Draft, name: str, model: Model) -> Mapping[str, Any]:
    """Give a model's parsed query with macros expanded; parsed once. Raises Unclear if a macro cannot be expanded."""
    if name not in draft.parses:
        tree = parse(draft.bind, model.query)
        if isinstance(tree, BindError):
            raise Unclear(tree.message)
        draft.parses[name] = _expanded(draft, model, tree)
    return draft.parses[name]


def _expanded(draft: Draft, model: Model, tree: Mapping[str, Any]) -> Mapping[str, Any]:
    macros = read_macros(draft.macros, model.query, draft.bind)
    return expand(tree, macros) if macros else tree


def parse(bind: Bind, text: str) -> Mapping[str, Any] | BindError:
    """Parse one query."""
    found = bind.parse(text)
    if isinstance(found, BindError):
        return found
    try:
        document = json.loads(found)
    except RecursionError:
        return BindError("other", "the query is nested too deeply")
    statements = (translated(document) if is_newer(found) else document)["statements"]
    if len(statements) != 1:
        return BindError("not a query", "there are several statements")
    tree: Mapping[str, Any] = statements[0]["node"]
    return tree


def read_macros(macros: Macros, text: str, bind: Bind) -> dict[str, Any]:
    """Give the macros that a text may use, read."""

    def parse_or_none(part: str) -> Mapping[str, Any] | None:
        tree = parse(bind, part)
        return None if isinstance(tree, BindError) else tree

    names = relevant(text, macros.statements)
    for name in names:
        if name not in macros.read:
            macros.read[name] = read_macro(name, macros.statements[name], parse_or_none)
    return {name: macros.read[name] for name in names}


def _mentions(draft: Draft, name: str, model: Model) -> Mentions:
    key = address("mentions", FORM, model.query, *draft.macros.used_by(model.query))
    known = caching.read(draft.cache, key, Mentions)
    if known is None:
        known = _read_mentions(draft, name, model)
        caching.write(draft.cache, key, known)
    return known


def _read_mentions(draft: Draft, name: str, model: Model) -> Mentions:
    tree = parse(draft.bind, model.query)
    if isinstance(tree, BindError):
        return Mentions(problem=tree)
    unclear = ""
    try:
        tree = draft.parses[name] = _expanded(draft, model, tree)
    except Unclear as why:
        unclear = str(why)
    seen = outline(tree)
    outside = [each for each in seen.generators if each.name in functions.OUTSIDE]

    def named(found: Iterator[Mention] | tuple[Mention, ...] | list[Mention]) -> tuple[Named, ...]:
        return tuple(Named(each.name, mistakes.characters(model.query, each.offset), each.alias) for each in found)

    return Mentions(
        named(seen.tables), named(outside), named(seen.volatile), named(seen.clocks), problem=None, unclear=unclear
    )


def _resolved(draft: Draft, model: Model, mentions: Mentions) -> tuple[tuple[str, ...], list[Diagnostic]]:
    if mentions.problem is not None:
        return (), [mistakes.of_parse(model, mentions.problem)]
    inputs: dict[str, None] = {}
    found = [mistakes.outside(model, each) for each in mentions.outside]
    for each in mentions.tables:
        folded = each.name.casefold().removeprefix("main.")
        if folded in draft.names:
            inputs[draft.names[folded]] = None
        else:
            found.append(mistakes.unknown_relation(model, each, draft.names.values()))
    return tuple(inputs), found


def _python_inputs(draft: Draft, model: Model) -> tuple[tuple[str, ...], list[Diagnostic]]:
    inputs: dict[str, None] = {}
    found: list[Diagnostic] = []
    for argument, name in (model.code.inputs if model.code else {}).items():
        if name.casefold() in draft.names:
            inputs[draft.names[name.casefold()]] = None
        else:
            message = f"`{model.name}` reads `{name}`, which is no source or model"
            hint = suggest(name, draft.names.values())
            found.append(error("HW0201", message, model.at.of(f"inputs.{argument}"), hint=hint))
    return tuple(inputs), found


def _same_when_folded(draft: Draft) -> dict[str, list[Diagnostic]]:
    """SQL does not tell names apart by case."""
    found: dict[str, list[Diagnostic]] = {}
    origins = {name: node.at for name, node in draft.project.sources.items()}
    origins |= {name: model.at for name, model in draft.project.models.items()}
    for name, at in origins.items():
        other = draft.names[name.casefold()]
        if other != name:
            message = f"`{name}` and `{other}` are one name in SQL"
            found[name] = [error("HW0206", message, at.where, hint="rename one of them")]
    return found
