"""Into which stretches of time a source at a remote site is cut when it is asked where it stands."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from headwater.graph.values import Graph, Node
from headwater.plan.calendar import Calendar


def stretches(graph: Graph, name: str, now: datetime) -> tuple[datetime, ...]:
    """Give the borders of a source's stretches, in order, of which the last one holds all that may come until ``now``.

    A stretch that stands elsewhere moves the slots that overlap it, so borders where slots begin move no others.
    Empty where the source is not cut by time, or nobody reads it so.
    """
    nodes = {node.name: node for node in graph.nodes}
    node = nodes[name]
    described = node.source
    if described is None or node.time is None or described.start is None:
        return ()
    until = min(described.end or now + timedelta(seconds=described.ahead_s), now + timedelta(seconds=described.ahead_s))
    found: set[datetime] = set()
    for calendar in {*_calendars(name, nodes)}:
        first, last = calendar.around(described.start, max(until, described.start) + timedelta(seconds=1))
        found |= {*calendar.starts(first, last), last}
    return tuple(sorted(found))


def _calendars(source: str, nodes: Mapping[str, Node]) -> Iterator[Calendar]:
    """Give the calendars of all who read a source within their slots, directly or through views."""
    for node in nodes.values():
        if node.time and node.time.every and node.source is None and source in _read(node, nodes):
            yield Calendar.of(node.time.every, node.time.timezone)


def _read(node: Node, nodes: Mapping[str, Node]) -> Iterator[str]:
    for each in node.inputs:
        below = nodes[each.node]
        if each.cut and below.source is not None:
            yield below.name
        elif each.cut and below.kind in {"view", "inline"}:
            yield from _read(below, nodes)
