"""What an environment serves, as relations: tables are the fills of the head, views stand on them."""

from headwater.graph.values import Graph, Input, Node
from headwater.spec.addresses import address
from headwater.spec.releases import Head
from headwater.tasks.values import Relation


def served_relation(graph: Graph, head: Head, each: Input) -> Relation:
    """Give the relation of a whole node as the head serves it."""
    nodes = {node.name: node for node in graph.nodes}
    return _relation(nodes, head, each)


def served_address(graph: Graph, head: Head, name: str) -> str:
    """Address of all rows that a node serves: its version with what it holds, or with what it reads."""
    node = next(node for node in graph.nodes if node.name == name)
    if node.kind in {"view", "inline"}:
        return address(node.version, *(served_address(graph, head, each.node) for each in node.inputs))
    at_head = head.nodes.get(name)
    return address(node.version, at_head.rollup if at_head else "")


def _relation(nodes: dict[str, Node], head: Head, each: Input) -> Relation:
    node = nodes[each.node]
    if node.kind in {"view", "inline"}:
        inputs = tuple(_relation(nodes, head, below) for below in node.inputs)
        return Relation(name=node.name, kind="view", version=node.version, inputs=inputs)
    entries = head.entries_of(node.name) if node.name in head.nodes else {}
    fills = tuple(entry.fill for _, entry in sorted(entries.items()))
    return Relation(name=node.name, kind="table", version=node.version, time=node.time, fills=fills)
