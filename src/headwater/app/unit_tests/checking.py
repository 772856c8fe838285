"""What tests name and does not exist, found without running them."""

from collections.abc import Iterator
from pathlib import Path

from headwater.app.unit_tests.running import resolve
from headwater.diagnostics import Diagnostic
from headwater.graph.values import Graph
from headwater.run.binding import Binder
from headwater.run.unit_tests.fixtures import unknown_columns
from headwater.spec.project import Project


def problems_of_tests(project: Project, graph: Graph, root: Path) -> Iterator[Diagnostic]:
    """Give everything that tests name in vain: models, inputs, columns, variables, slots, files with rows.

    They are part of ``headwater check`` and ``headwater test``; an apply does not look at tests.
    """
    nodes = {node.name: node for node in graph.nodes}
    for test in project.tests:
        case, found = resolve(test, graph, root)
        yield from found
        if case is None:
            continue
        for name, fixture in case.given.items():
            yield from unknown_columns([(each.name, each.type) for each in nodes[name].columns], fixture)
        yield from unknown_columns([(each.name, each.type) for each in case.node.columns], case.expected)
    if project.policy_tests:
        from headwater.app.policy_testing import problems_of_policy_tests

        binder = Binder()
        yield from problems_of_policy_tests(project, graph, binder)
        binder.close()
