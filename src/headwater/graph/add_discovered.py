"""Columns that were discovered in files become nullable columns of their sources, after the declared ones."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from headwater.diagnostics import Diagnostic, error
from headwater.graph.address_sources import lands, place_of
from headwater.graph.drafts import Draft
from headwater.graph.values import Node
from headwater.spec.addresses import address
from headwater.spec.discoveries import Columns, Discovered
from headwater.spec.nodes import Column, Source
from headwater.sql.widening import widest


def add_discovered(draft: Draft) -> Draft:
    """Give every source that evolves the columns that were discovered in its files and are not declared."""
    sources = dict(draft.project.sources)
    added: dict[str, frozenset[str]] = {}
    found: dict[str, list[Diagnostic]] = {}
    for name, source in draft.project.sources.items():
        if source.on_schema_change != "evolve":
            continue
        found[name] = list(_mistakes(source))
        declared = {column.casefold() for column in source.columns}
        new = [each for each in draft.discovered.get(name, ()) if each.name.casefold() not in declared]
        added[name] = frozenset(each.name for each in new)
        columns = {each.name: Column(type=each.type, description="discovered in its files") for each in new}
        sources[name] = replace(source, columns={**source.columns, **columns})
    return draft.noting(found, project=replace(draft.project, sources=sources), added=added)


def _mistakes(source: Source) -> Iterator[Diagnostic]:
    if lands(source):
        hint = "declare its columns, or read it in place: `land: false`"
        message = f"`{source.name}` is landed: its columns cannot evolve"
        yield error("HW0280", message, source.at.of("on_schema_change"), hint=hint)


def discovery_key(place: str, declared: Iterable[str]) -> str:
    """Under what it is kept which columns files have: their place, and the columns that are not to be discovered."""
    return address("discovered", place, *sorted(name.casefold() for name in declared))


def key_of_source(source: Source) -> str:
    """Give a source's ``discovery_key`` before its columns are added."""
    return discovery_key(place_of(source.connector, source.settings), source.columns)


def key_of_node(node: Node) -> str:
    """Give a compiled source's ``discovery_key``."""
    assert node.source is not None  # noqa: S101 - asked by the caller
    declared = (column.name for column in node.columns if column.name not in node.source.discovered)
    return discovery_key(place_of(node.source.connector, node.source.settings), declared)


def together(found: Iterable[tuple[Columns, int]]) -> tuple[Discovered, ...]:
    """Make one list of what files were found to have: names once, each with a type that holds all of its values.

    It does not depend on the order of the files, except for how a name is spelt: as in the first one.
    """
    names: dict[str, str] = {}
    types: dict[str, set[str]] = {}
    files: dict[str, int] = {}
    for columns, count in found:
        for name, type_ in columns:
            folded = name.casefold()
            names.setdefault(folded, name)
            types.setdefault(folded, set()).add(type_)
            files[folded] = files.get(folded, 0) + count
    return tuple(
        Discovered(name=names[folded], type=widest(types[folded]), files=files[folded]) for folded in sorted(names)
    )
