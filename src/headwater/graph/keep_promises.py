"""What models promise: contracts, declared consumers, versions of a table and their deprecation."""

from collections.abc import Iterator

from headwater.diagnostics import Diagnostic, Where, error, suggest, warning
from headwater.graph.drafts import Draft, place
from headwater.graph.split_chains import CHANGES
from headwater.graph.values import Consumer, Deprecation, Promises, Reader
from headwater.spec.nodes import Model


def promises_of(model: Model) -> Promises | None:
    """Give what a model promises; None if nothing (and for the inner part of a chain, which nobody reads)."""
    contract = model.contract.columns if model.contract else None
    if model.name.endswith(CHANGES) or not (contract or model.consumers or model.version or model.deprecated):
        return None
    where = model.at.of("contract")
    return Promises(
        columns=contract or "",
        consumers=tuple(
            Consumer(name=name, columns=said.columns, owner=said.owner) for name, said in model.consumers.items()
        ),
        version=model.version,
        of=model.of,
        deprecated=model.deprecated,
        file=where.file,
        line=where.line,
    )


def keep_promises(draft: Draft) -> Draft:
    """Check what is said of consumers and versions, and note who reads what is deprecated."""
    found: dict[str, list[Diagnostic]] = {}
    for name, model in draft.project.models.items():
        if not name.endswith(CHANGES) and name not in draft.failed:
            found[name] = [*_wrong_version(draft, model), *_unknown_columns(draft, model)]
    deprecations = tuple(_deprecations(draft))
    return draft.noting(found, deprecations=deprecations)


def _unknown_columns(draft: Draft, model: Model) -> Iterator[Diagnostic]:
    known = {column.casefold(): column for column, _ in draft.relations.get(model.name, ())}
    for consumer, said in model.consumers.items() if known else ():
        for column in said.columns:
            if column.casefold() not in known:
                message = f"`{consumer}` reads `{column}`, which `{model.name}` does not have"
                where = model.at.of(f"consumers.{consumer}.columns")
                yield warning("HW0284", message, where, hint=suggest(column, known.values()))


def _wrong_version(draft: Draft, model: Model) -> Iterator[Diagnostic]:
    if model.version is not None and model.version < 1:
        yield error("HW0288", "versions of a table are counted from 1", model.at.of("version"))
    if not model.of:
        return
    where = model.at.of("of")
    latest = draft.project.models.get(draft.names.get(model.of.casefold(), ""))
    if latest is None or latest is model:
        hint = suggest(model.of, [name for name in draft.project.models if name != model.name])
        yield error("HW0287", f"`{model.name}` is a version of `{model.of}`, which is no other model", where, hint=hint)
    elif latest.of:
        hint = f"say `of: {latest.of}`: readers of the plain name get the latest version"
        yield error("HW0287", f"`{latest.name}` is itself an older version of `{latest.of}`", where, hint=hint)
    elif model.version is None or latest.version is None or model.version >= latest.version:
        said = f"`{model.name}` says {model.version or 'none'}, `{latest.name}` {latest.version or 'none'}"
        hint = "both say `version:`, and the plain name has the highest"
        yield error("HW0288", f"an older version has a lower number than the latest: {said}", where, hint=hint)
    elif model.name.casefold() != f"{latest.name}_v{model.version}".casefold():
        message = f"version {model.version} of `{latest.name}` is called `{latest.name}_v{model.version}`"
        yield error("HW0288", message, where, hint=f"rename `{model.name}`, so that readers find it")


def _deprecations(draft: Draft) -> Iterator[Deprecation]:
    for name, model in draft.project.models.items():
        if model.deprecated is not None and not name.endswith(CHANGES):
            yield Deprecation(
                node=name,
                on=model.deprecated,
                instead=draft.names.get(model.of.casefold(), "") if model.of else "",
                readers=tuple(_readers(draft, name)),
                consumers=tuple(model.consumers),
            )


def _readers(draft: Draft, name: str) -> Iterator[Reader]:
    for each, inputs in draft.inputs.items():
        if name in inputs and each not in draft.failed and not (each == name or each == name + CHANGES):
            where = _place_of_reading(draft, draft.project.models[each], name)
            shown = each.removesuffix(CHANGES)
            yield Reader(name=shown, kind="model", file=where.file, line=where.line, column=where.column)
    for sink in draft.project.sinks.values():
        if sink.from_.casefold() == name.casefold():
            where = sink.at.of("from")
            yield Reader(name=sink.name, kind="sink", file=where.file, line=where.line, column=where.column)


def _place_of_reading(draft: Draft, model: Model, name: str) -> Where:
    mentions = draft.mentions.get(model.name)
    for each in mentions.tables if mentions else ():
        if each.name.casefold().removeprefix("main.") == name.casefold():
            return place(model, each.offset)
    argument = next((key for key, node in (model.code.inputs if model.code else {}).items() if node == name), "")
    return model.at.of(f"inputs.{argument}") if argument else model.at.where
