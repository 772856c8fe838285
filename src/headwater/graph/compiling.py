"""From a project to its graph: a visible tuple of passes, each a pure function of the draft before it."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from headwater.diagnostics import Diagnostic, has_errors
from headwater.graph.add_discovered import add_discovered
from headwater.graph.address_columns import address_columns
from headwater.graph.caching import AnalysisCache, Forgetful
from headwater.graph.compile_checks import compile_checks
from headwater.graph.cut_time import cut_time
from headwater.graph.drafts import Draft, Macros
from headwater.graph.encoding import digest
from headwater.graph.grant_addresses import Behind, GrantAddress, stated_address, unchanged
from headwater.graph.infer_columns import infer_columns
from headwater.graph.keep_promises import keep_promises
from headwater.graph.order_nodes import order_nodes
from headwater.graph.prove_slots import prove_slots
from headwater.graph.read_once import read_once
from headwater.graph.resolve_alerts import resolve_alerts
from headwater.graph.resolve_borders import resolve_borders
from headwater.graph.resolve_pipelines import resolve_pipelines
from headwater.graph.resolve_references import resolve_references
from headwater.graph.resolve_sinks import resolve_sinks
from headwater.graph.split_chains import CHANGES, split_chains
from headwater.graph.trace_lineage import trace_lineage
from headwater.graph.values import Graph, Node
from headwater.spec.discoveries import Discovered
from headwater.spec.project import Project, Variable
from headwater.sql.binding import Bind

_DEEPEST: Final = 12_000

Pass = Callable[[Draft], Draft]

PASSES: Final[tuple[Pass, ...]] = (
    add_discovered,  # columns found in files → nullable columns of their sources
    split_chains,  # merge, append, history → plain models
    resolve_references,  # names in SQL → nodes
    order_nodes,  # topological; a ring is a diagnostic
    infer_columns,  # names and types, top-down
    trace_lineage,  # value and control columns per output column
    read_once,  # of which inputs links read each file once
    cut_time,  # how nodes are cut by time, and settings about it
    prove_slots,  # of which models one query may fill several slots
    compile_checks,  # assertions → SQL
    resolve_borders,  # sites, policies, keys; what is read through which policy
    address_columns,  # content addresses, per column and per row set
    resolve_sinks,  # where rows go
    keep_promises,  # consumers, versions of a table, deprecations
)


def compile_graph(
    project: Project,
    *,
    bind: Bind,
    cache: AnalysisCache | None = None,
    variables: Mapping[str, Variable] | None = None,
    previous: Callable[[], Graph | None] = lambda: None,
    discovered: Mapping[str, tuple[Discovered, ...]] | None = None,
    grant_address: GrantAddress = stated_address,
    behind: Behind = unchanged,
) -> tuple[Graph | None, list[Diagnostic]]:
    """Compile a project: the graph (None if anything is wrong) and everything that was found.

    ``previous`` gives the graph that the environment runs (asked for only where changes may go forward).
    ``discovered`` are columns that files of sources were found to have beyond their contracts.
    ``grant_address`` gives the address of what a policy lets through in another form, which is part of the version of
    models that name such a policy (``through``); ``behind`` the types of columns that it transforms.
    ``bind`` gives names and types, ``cache`` keeps analyses from one compilation to the next, ``variables`` are the
    project's unless given. What reads a failed node is passed over in silence.
    """
    draft = Draft(
        project=project,
        variables=project.variables if variables is None else variables,
        bind=bind,
        cache=cache if cache is not None else Forgetful(),
        macros=Macros.of(project.macros),
        previous=lambda: _by_name(previous()),
        discovered=discovered or {},
        grant_address=grant_address,
        behind=behind,
    )
    with _room_for_depth():
        for each in PASSES:
            draft = each(draft)
    if has_errors(draft.diagnostics):
        return None, _in_order(draft.diagnostics)
    graph = _graph(draft)
    pipelines, wrong = resolve_pipelines(project, graph)
    graph = replace(graph, pipelines=pipelines)
    alerts, mistakes = resolve_alerts(project, graph)
    graph, wrong = replace(graph, alerts=alerts), [*wrong, *mistakes]
    return (None if has_errors(wrong) else replace(graph, digest=digest(graph))), _in_order(
        [*draft.diagnostics, *wrong]
    )


def _by_name(graph: Graph | None) -> dict[str, Node]:
    return {node.name: node for node in graph.nodes} if graph else {}


def _in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    named = dict.fromkeys(map(_as_written, diagnostics))
    return sorted(named, key=lambda d: (d.where is None, d.where, d.code))


def _as_written(diagnostic: Diagnostic) -> Diagnostic:
    """Name a merge or history by its own name where its inner part is meant, which nobody wrote."""
    message, hint = (text.replace(CHANGES, "") for text in (diagnostic.message, diagnostic.hint))
    return replace(diagnostic, message=message, hint=hint)


@contextmanager
def _room_for_depth() -> Iterator[None]:
    """Expressions may be nested as deeply as the engine takes them (a sum of 900 terms is 900 deep)."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _graph(draft: Draft) -> Graph:
    return Graph(
        project=draft.project.name,
        nodes=draft.nodes,
        sinks=draft.sinks,
        deprecations=draft.deprecations,
        borders=draft.borders,
        limits=draft.project.limits,
        macros=tuple(draft.macros.statements.values()),
        variables=dict(draft.variables),
    )
