"""What the inputs of a node hold now: rows that an environment serves, and sources as they are observed."""

from collections.abc import Iterator
from dataclasses import replace

from headwater.app.contexts import context_of, released_graph
from headwater.app.workspace import Workspace
from headwater.diagnostics import Invalid
from headwater.graph.values import Graph, Node
from headwater.run.context import FillBook
from headwater.run.cycle import observe_all
from headwater.run.observing import Observed
from headwater.run.relations import Surroundings
from headwater.spec.releases import Head
from headwater.state.heads import read_head
from headwater.tasks.values import Relation, fills_of


def served_inputs(
    workspace: Workspace, environment: str, graph: Graph, node: Node
) -> tuple[list[Relation], Surroundings]:
    """Give a relation for each input of a node, whole, and what defines them.

    Raises Invalid if the environment serves no rows of a table among them, and whatever is wrong with a source.
    """
    head = read_head(workspace.db, environment)
    released = released_graph(workspace.db, environment, head.code) if head.code else None
    needed = set(_reached(graph, node))
    sources = tuple(each for each in graph.nodes if each.source is not None and each.name in needed)
    context = context_of(workspace, replace(graph, nodes=sources, sinks=(), pipelines=()), environment)
    observed = observe_all(context)
    finder = _Finder(graph, released, head, observed)
    relations = [finder.relation(each.node) for each in node.inputs]
    fills = FillBook(workspace.db, workspace.store)
    fills.load(fills_of(tuple(relations)))
    around = Surroundings(
        graph=finder.mixed(),
        store=workspace.store,
        sources=context.sources,
        inspections=observed.inspections,
        fills=fills,
    )
    return relations, around


def _reached(graph: Graph, node: Node) -> Iterator[str]:
    """Names of what is read: inputs, and through views and inline models what those read."""
    nodes = {each.name: each for each in graph.nodes}
    for each in node.inputs:
        yield each.node
        if nodes[each.node].kind in {"view", "inline"}:
            yield from _reached(graph, nodes[each.node])


class _Finder:
    def __init__(self, graph: Graph, released: Graph | None, head: Head, observed: Observed) -> None:
        self._graph, self._head, self._observed = graph, head, observed
        self._nodes = {node.name: node for node in graph.nodes}
        self._released = {node.name: node for node in released.nodes} if released else {}

    def relation(self, name: str) -> Relation:
        """Give a node as a relation."""
        node = self._nodes[name]
        if node.kind in {"view", "inline"}:
            inputs = tuple(self.relation(each.node) for each in node.inputs)
            return Relation(name=name, kind="view", version=node.version, time=node.time, inputs=inputs)
        if node.source is not None:
            facts = self._observed.facts[name]
            items = tuple((o.site, item) for o in facts.observations for item in o.items)
            return Relation(name=name, kind="source", version=node.version, time=node.time, items=items)
        if name not in self._released or name not in self._head.nodes:
            hint = f"`headwater apply --env {self._head.environment}` fills it; or name another environment with --env"
            raise Invalid.of("HW0672", f"`{self._head.environment}` serves no rows of `{name}`", hint=hint)
        fills = tuple(entry.fill for _, entry in sorted(self._head.entries_of(name).items()))
        return Relation(name=name, kind="table", version=node.version, time=node.time, fills=fills)

    def mixed(self) -> Graph:
        """Tables as the environment has them, all else as the project's files say."""
        tables = {n for n, each in self._nodes.items() if each.source is None and each.kind not in {"view", "inline"}}
        nodes = tuple(self._released.get(n.name, n) if n.name in tables else n for n in self._graph.nodes)
        return replace(self._graph, nodes=nodes)
