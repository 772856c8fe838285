"""Named selections: every pipeline with what it selects; a pattern that selects nothing is a mistake."""

from headwater.diagnostics import Diagnostic
from headwater.graph.selection import select
from headwater.graph.values import Graph, PipelineNode
from headwater.spec.project import Pipeline, Project


def resolve_pipelines(project: Project, graph: Graph) -> tuple[tuple[PipelineNode, ...], list[Diagnostic]]:
    """Resolve all pipelines against the nodes and sinks of a graph."""
    found: list[Diagnostic] = []
    for pipeline in project.pipelines.values():
        for at, pattern in enumerate(pipeline.select):
            found += select(graph, [pattern], where=pipeline.at.of(f"select.{at}"))[1]
    return tuple(_node(pipeline, project) for pipeline in project.pipelines.values()), found


def _node(pipeline: Pipeline, project: Project) -> PipelineNode:
    return PipelineNode(
        name=pipeline.name,
        select=pipeline.select,
        publish=pipeline.publish,
        description=pipeline.description,
        owner=pipeline.owner or project.defaults.owner,
    )
