"""Where a column comes from and who uses it, in a project's files or in what an environment runs."""

from headwater.app.checking import compiled
from headwater.app.graphs import released_graph
from headwater.app.workspace import Workspace
from headwater.graph.lineage import Lineage, trace
from headwater.graph.values import Graph
from headwater.state.heads import read_head


def lineage(workspace: Workspace, node: str, column: str | None = None, *, environment: str | None = None) -> Lineage:
    """Trace a column, or all of a node, as values and as control, upwards and downwards.

    In the project's files; with an ``environment`` in the code that it runs. Raises Invalid with a suggestion if there
    is no such node or column.
    """
    return trace(_graph(workspace, environment), node, column)


def _graph(workspace: Workspace, environment: str | None) -> Graph:
    if environment is not None:
        return released_graph(workspace.db, environment, read_head(workspace.db, environment).code)
    graph = compiled(workspace.root, "", workspace.variables).graph
    assert graph is not None  # noqa: S101 - a sound check has one
    return graph
