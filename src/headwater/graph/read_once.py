"""Of which inputs a chain without time reads each file once: those that say so, or the one that can be meant."""

from collections.abc import Iterator
from dataclasses import replace

from headwater.diagnostics import Diagnostic, error
from headwater.graph.drafts import Draft
from headwater.spec.nodes import Model


def read_once(draft: Draft) -> Draft:
    """Resolve ``reads: {x: new}``, and what an ``append`` without time means."""
    found: dict[str, list[Diagnostic]] = {}
    once: dict[str, frozenset[str]] = {}
    for name, model in draft.project.models.items():
        if name in draft.failed or name not in draft.relations:
            continue
        found[name] = list(_wrong(draft, model))
        if not found[name] and _is_links(model):
            once[name] = frozenset(_new(draft, model))
            found[name] = list(_unclear(draft, model, once[name]))
    once = {name: inputs for name, inputs in once.items() if inputs}
    return replace(draft.noting(found), read_once=once)


def _is_links(model: Model) -> bool:
    return model.chain is not None and model.chain.role == "links"


def _said(model: Model, rows: str) -> list[str]:
    return [name for name, reads in model.reads.items() if reads.rows == rows]


def _wrong(draft: Draft, model: Model) -> Iterator[Diagnostic]:
    for name in [*_said(model, "new"), *_said(model, "all")]:
        where = model.at.of(f"reads.{name}")
        if not _is_links(model):
            hint = "a slot by time reads what belongs to its time"
            yield error("HW0260", "`new` and `all` are for chains without `time`", where, hint=hint)
        elif name in _said(model, "new") and name in draft.inputs[model.name] and not _has_files(draft, name):
            hint = "only sources have files, and inline models over sources; give the model `time` and `every`"
            yield error("HW0267", f"`{name}` has no files that could be new", where, hint=hint)
    if _said(model, "new") and model.on_missing == "delete":
        where = model.at.of("on_missing")
        hint = "new files say nothing of keys that they do not name; use `deleted:`"
        yield error("HW0260", "`on_missing: delete` needs to see all there is", where, hint=hint)


def _new(draft: Draft, model: Model) -> list[str]:
    """An append reads the one input that has files, unless it says otherwise."""
    inputs = draft.inputs[model.name]
    said = [name for name in _said(model, "new") if name in inputs]
    is_silent = model.kind == "append" and model.chain is not None and model.chain.kind == "append"
    if said or _said(model, "all") or not is_silent:
        return said
    return [name for name in inputs if _has_files(draft, name)]


def _unclear(draft: Draft, model: Model, new: frozenset[str]) -> Iterator[Diagnostic]:
    if model.chain is None or model.chain.kind != "append" or _said(model, "new") or _said(model, "all"):
        return
    if len(new) != 1:
        found = " and ".join(f"`{name}`" for name in draft.inputs[model.name] if name in new) or "no source"
        message = f"an append without `time` appends what is new in its input: `{model.name}` reads {found}"
        hint = "say which: `reads: {orders: new}`; `all` appends all that is there each time something moves"
        yield error("HW0267", message, model.at.of("kind"), hint=hint)


def _has_files(draft: Draft, name: str) -> bool:
    if name in draft.project.sources:
        return True
    below = draft.inputs.get(name, ())
    return draft.project.models[name].kind == "inline" and bool(below) and all(_has_files(draft, n) for n in below)
