"""Where rows go: every sink with the node it takes, its key and its environments."""

from collections.abc import Iterator

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.graph.drafts import Draft
from headwater.graph.python_nodes import python_node
from headwater.graph.values import SinkNode
from headwater.project.names import shown
from headwater.project.place_names import PlaceNames
from headwater.spec.addresses import HUB
from headwater.spec.nodes import Sink

_SERVED = frozenset({"full", "incremental", "view", "append"})


def resolve_sinks(draft: Draft) -> Draft:
    """Resolve all sinks."""
    found = {name: list(_wrong(draft, sink)) for name, sink in draft.project.sinks.items()}
    sinks = tuple(_node(draft, sink) for name, sink in draft.project.sinks.items() if not found[name])
    return draft.noting(found, sinks=sinks)


def _node(draft: Draft, sink: Sink) -> SinkNode:
    return SinkNode(
        name=sink.name,
        from_=draft.names[sink.from_.casefold()],
        connector=sink.connector,
        settings=sink.settings,
        mode=sink.mode,
        key=sink.key,
        environments=sink.in_,
        targets=sink.targets,
        after_rollback=sink.after_rollback,
        restate=sink.restate,
        python=python_node(sink.code),
        jurisdiction=_jurisdiction(draft, sink),
        description=sink.description,
        owner=sink.owner or draft.project.defaults.owner,
        tags=sink.tags,
        file=sink.at.where.file,
        line=sink.at.where.line,
    )


def _wrong(draft: Draft, sink: Sink) -> Iterator[Diagnostic]:
    yield from _wrong_from(draft, sink)
    yield from _wrong_key(draft, sink)
    yield from _wrong_environments(draft, sink)
    yield from _wrong_place(draft, sink)


def _jurisdiction(draft: Draft, sink: Sink) -> str:
    places = PlaceNames.of(draft.project)
    return places.jurisdiction_of(sink.at_sites) if places.has_borders else ""


def _wrong_place(draft: Draft, sink: Sink) -> Iterator[Diagnostic]:
    places = PlaceNames.of(draft.project)
    known = sorted({HUB, *places.sites, *places.jurisdictions} - {""})
    if sink.at_sites not in known:
        hint = suggest(sink.at_sites, known) or f"there are {', '.join(known)}"
        yield error("HW0128", f"no site or jurisdiction `{shown(sink.at_sites)}`", sink.at.of("at"), hint=hint)


def _wrong_from(draft: Draft, sink: Sink) -> Iterator[Diagnostic]:
    name = draft.names.get(sink.from_.casefold())
    where = sink.at.of("from")
    if name is None:
        models = list(draft.project.models)
        yield error("HW0229", f"`{sink.from_}` is no model", where, hint=suggest(sink.from_, models))
    elif name in draft.project.sources:
        hint = "a source in place is not in the lake: put a model between them"
        yield error("HW0229", f"a sink cannot take the source `{name}`", where, hint=hint)
    elif draft.project.models[name].kind not in _SERVED:
        hint = "make it `view` or `full`"
        yield error("HW0228", f"the inline model `{name}` is served to nobody", where, hint=hint)


def _wrong_key(draft: Draft, sink: Sink) -> Iterator[Diagnostic]:
    if sink.mode == "merge" and not sink.key:
        yield error("HW0230", "`mode: merge` needs a `key`", sink.at.of("mode"), hint="such as `key: [id]`")
    columns = [name for name, _ in draft.relations.get(draft.names.get(sink.from_.casefold(), ""), ())]
    folded = {name.casefold() for name in columns}
    for at, name in enumerate(sink.key if columns else ()):
        if name.casefold() not in folded:
            message = f"`{sink.from_}` has no column `{name}`"
            yield error("HW0230", message, sink.at.of(f"key.{at}"), hint=suggest(name, columns))


def _wrong_environments(draft: Draft, sink: Sink) -> Iterator[Diagnostic]:
    known = draft.project.environments
    if not sink.in_:
        message = f"the sink `{sink.name}` runs nowhere"
        yield error("HW0231", message, sink.at.where, hint="say in which environments: `in: [prod]`")
    for key, names in (("in", sink.in_), ("targets", tuple(sink.targets))):
        for at, name in enumerate(names):
            if name not in known:
                where = sink.at.of(f"in.{at}" if key == "in" else f"targets.{name}")
                hint = suggest(name, known) or "declare it under `environments:`"
                yield error("HW0231", f"there is no environment `{name}`", where, hint=hint)
