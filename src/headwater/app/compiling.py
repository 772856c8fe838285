"""Compiles a project for an environment as it is: forward changes start from the code that it runs."""

from headwater.app.checking import Checked, compiled
from headwater.app.graphs import previous_graph
from headwater.app.workspace import Workspace
from headwater.graph.values import Graph
from headwater.state.heads import read_head


def compiled_for(workspace: Workspace, environment: str) -> Checked:
    """Check the workspace's project for an environment; raises Invalid if it is not sound."""

    def previous() -> Graph | None:
        return previous_graph(workspace.db, read_head(workspace.db, environment).code)

    return compiled(workspace.root, environment, workspace.variables, previous)
