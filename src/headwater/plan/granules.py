"""How finely the file index tells stretches of time apart: as finely as the shortest slots of who reads a source."""

from collections.abc import Iterator, Mapping
from math import gcd

from headwater.graph.values import Graph, Node
from headwater.spec.units import parse_every

HOUR_S = 3600
"""What the index keeps where no reader has shorter slots."""


def granules(graph: Graph) -> dict[str, int]:
    """Give source → seconds: a divisor of an hour, at the borders of which all slots of its readers begin and end."""
    nodes = {node.name: node for node in graph.nodes}
    found = {node.name: HOUR_S for node in graph.nodes if node.source is not None}
    for node in graph.nodes:
        step = parse_every(node.time.every).step_s if node.time and node.time.every else 0
        for source in _cut_sources(node, nodes) if step else ():
            found[source] = gcd(found[source], step)
    return found


def _cut_sources(node: Node, nodes: Mapping[str, Node]) -> Iterator[str]:
    """Name the sources that a node reads within its slots, directly or through views."""
    for each in node.inputs:
        below = nodes[each.node]
        if each.cut and below.source is not None:
            yield below.name
        elif each.cut and below.kind in {"view", "inline"}:
            yield from _cut_sources(below, nodes)
