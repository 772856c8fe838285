"""The address of a source: its resolved location and its whole contract, never credentials."""

import json
from collections.abc import Mapping
from typing import Any, Final

from headwater.graph.drafts import Draft
from headwater.graph.python_nodes import python_node
from headwater.graph.values import Column, Node, SourceNode
from headwater.spec.addresses import Version, address
from headwater.spec.discoveries import Columns
from headwater.spec.nodes import Source

_IN_PLACE: Final = frozenset({"files"})
"""Connectors whose rows stay where they are unless a source says `land: true`."""
_LIMITS: Final = frozenset({"timeout", "memory"})
"""Settings that say how rows are extracted, and not which."""


def source_node(draft: Draft, source: Source) -> Node:
    """Make a source's node: any change to its contract changes its rows."""
    columns = draft.relations[source.name]
    discovered = draft.added.get(source.name, frozenset())
    time = draft.times.get(source.name)
    required = tuple(name for name, column in source.columns.items() if column.required or name == source.time)
    # A function is known by its source's name: mending its code does not fetch again what it has given before.
    place = place_of(source.connector, source.settings, source.name if source.code else "")
    contract = address(
        "contract",
        place,
        *source.at_sites,
        *(f"{name} {type_} {name in required}" for name, type_ in columns if name not in discovered),
        source.time or "",
        source.timezone,
        source.start.isoformat() if source.start else "",
        source.end.isoformat() if source.end else "",
        str(source.ahead),
        source.contract,
        source.on_bad_row,
        source.on_schema_change,
    )
    return Node(
        name=source.name,
        kind="source",
        version=Version(address("version", contract)),
        rows_address=address("rows", contract),
        columns=tuple(_column(source, name, type_, place) for name, type_ in columns),
        time=time,
        source=_source(source, required, tuple(column for column in columns if column[0] in discovered)),
        checks=draft.checks.get(source.name, ()),
        timezone=source.timezone,
        timeout_s=float(source.settings.get("timeout") or draft.project.defaults.timeout),
        memory_bytes=source.settings.get("memory"),
        description=source.description,
        owner=source.owner or draft.project.defaults.owner,
        tags=source.tags,
        file=source.at.where.file,
        line=source.at.where.line,
    )


def place_of(connector: str, settings: Mapping[str, Any], function: str = "") -> str:
    """Address of where a source is read: its connector and settings, and the name of a source that is a function."""
    named = (function,) if function else ()
    return address("source", connector, _settings(settings), *named)


def _column(source: Source, name: str, type_: str, place: str) -> Column:
    said = source.columns[name]
    return Column(
        name=name,
        type=type_,
        address=address("column", place, source.contract, source.timezone, name, type_),
        description=said.description,
        unit=said.unit,
        class_=said.class_,
    )


def _source(source: Source, required: tuple[str, ...], discovered: Columns) -> SourceNode:
    spelt = {name.casefold(): name for name in source.columns}
    return SourceNode(
        connector=source.connector,
        settings=source.settings,
        sites=source.at_sites,
        required=required,
        start=source.start,
        end=source.end,
        timezone=source.timezone,
        ahead_s=source.ahead,
        contract=source.contract,
        identity=source.identity,
        on_vanish=source.on_vanish,
        on_bad_row=source.on_bad_row,
        on_schema_change=source.on_schema_change,
        land=lands(source),
        replicated=source.replicated,
        partition={spelt[name.casefold()]: to for name, to in source.partition.items() if name.casefold() in spelt},
        discovered=dict(discovered),
        columns_line=source.at.of("columns").line,
        python=python_node(source.code),
    )


def _settings(settings: Mapping[str, Any]) -> str:
    place = {name: value for name, value in settings.items() if name not in _LIMITS}
    return json.dumps(place, sort_keys=True, default=str)


def lands(source: Source) -> bool:
    """Whether a source's rows are copied into the lake: it says so, or its connector cannot be read twice alike."""
    return source.connector not in _IN_PLACE if source.land is None else source.land


def landing_address(node: Node) -> str:
    """Give the address under which a source's rows are kept once landed: its place and contract, not where it is read.

    Equal for all sources, environments and sites that would land the same rows.
    """
    source = node.source
    assert source is not None  # noqa: S101 - only sources land
    return address(
        "landing",
        source.connector,
        _settings(source.settings),
        node.name if source.python else "",
        *(f"{column.name} {column.type} {column.name in source.required}" for column in node.columns),
        node.time.column if node.time else "",
        source.timezone,
        source.start.isoformat() if source.start else "",
        source.end.isoformat() if source.end else "",
        str(float(source.ahead_s)),
        source.contract,
        source.on_bad_row,
    )
