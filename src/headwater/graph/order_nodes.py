"""Topological order: each node after those it reads; a ring is a diagnostic that names all of it."""

import itertools
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from headwater.diagnostics import Diagnostic, error
from headwater.graph.drafts import Draft, place


def order_nodes(draft: Draft) -> Draft:
    """Put sources and models in an order in which they can be compiled; those in a ring have failed."""
    inputs = {name: set(draft.inputs[name]) for name in draft.project.models}
    found: dict[str, list[Diagnostic]] = {}
    while True:
        try:
            order = tuple(TopologicalSorter(_sorted(inputs)).static_order())
        except CycleError as ring:
            names = list(reversed(ring.args[1]))
            found[names[0]] = [_ring(draft, names)]
            inputs[names[0]] = set()
        else:
            break
    sources = [name for name in draft.project.sources if name not in order]
    return draft.noting(found, order=(*sources, *order))


def _sorted(inputs: Mapping[str, set[str]]) -> dict[str, list[str]]:
    return {name: sorted(inputs[name]) for name in sorted(inputs)}


def _ring(draft: Draft, names: list[str]) -> Diagnostic:
    """Names come as a → b → … → a, each reading the next."""
    steps = [f"`{name}`{_at(draft, name, after)}" for name, after in itertools.pairwise(names)]
    model = draft.project.models[names[0]]
    offset = _offset(draft, names[0], names[1])
    where = model.at.where if offset is None else place(model, offset)
    message = f"models read each other in a ring: {' → '.join([*steps, f'`{names[-1]}`'])}"
    if len(steps) == 1:
        message = f"`{names[0]}` reads itself"
    return error("HW0202", message, where, hint="a model can only read what is made before it", length=len(names[1]))


def _at(draft: Draft, name: str, after: str) -> str:
    offset = _offset(draft, name, after)
    return "" if offset is None else f" ({place(draft.project.models[name], offset)})"


def _offset(draft: Draft, name: str, after: str) -> int | None:
    mentions = draft.mentions.get(name)
    tables = mentions.tables if mentions else ()
    return next((each.offset for each in tables if each.name.casefold() == after.casefold()), None)
