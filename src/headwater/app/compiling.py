"""Compiles a project for an environment as it is: forward changes start from the code that it runs."""

from dataclasses import replace

from headwater.app.checking import Checked, compiled
from headwater.app.contexts import make_source
from headwater.app.graphs import previous_graph
from headwater.app.workspace import Workspace
from headwater.diagnostics import Invalid, has_errors
from headwater.graph.column_changes import broken_promises
from headwater.graph.values import Graph
from headwater.run.discovering import discover, unknown_columns
from headwater.spec.observations import Observation
from headwater.state.heads import read_head


def compiled_for(workspace: Workspace, environment: str) -> Checked:
    """Check the workspace's project for an environment; raises Invalid if it is not sound."""

    def previous() -> Graph | None:
        return previous_graph(workspace.db, read_head(workspace.db, environment).code)

    def compiled_now() -> tuple[Checked, Graph]:
        checked = compiled(workspace.root, environment, workspace.variables, previous, workspace.effects.clock())
        assert checked.graph is not None  # noqa: S101 - `compiled` raises otherwise
        return checked, checked.graph

    checked, graph = compiled_now()
    if look_for_columns(workspace, graph):
        checked, graph = compiled_now()
    is_served = read_head(workspace.db, environment).code == graph.digest
    broken = [] if is_served else broken_promises(previous(), graph)
    if has_errors(broken):
        raise Invalid.from_all((*checked.diagnostics, *broken))
    return replace(checked, diagnostics=(*checked.diagnostics, *broken))


def look_for_columns(workspace: Workspace, graph: Graph) -> bool:
    """Look into new files of sources that evolve; say whether there are columns that the graph does not have yet."""
    is_news = False
    for node in graph.nodes:
        if node.source is None or node.source.on_schema_change != "evolve":
            continue
        source = make_source(node, workspace.root, workspace.store)
        observations = [Observation(node.name, site, source.observe(site)[0]) for site in node.source.sites]
        now = workspace.effects.clock()
        discover(workspace.db, node, source, observations, frozenset(), engine=workspace.engine, now=now)
        is_news = is_news or bool(unknown_columns(workspace.db, node))
    return is_news
