"""How long tables keep their rows, by the classes in them, and which tables cannot keep such a promise."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from headwater.diagnostics import Diagnostic, Where, error, warning
from headwater.graph.values import TABLE_KINDS, Graph, Node
from headwater.policy.labels import labels_of
from headwater.policy.subjects import class_name, is_within


def kept_for(graph: Graph) -> Mapping[str, float]:
    """Give table → seconds for which its rows may be kept, of those into which a class flows that is kept so long only.

    Of several rules the shortest time holds.
    """
    rules = [(class_name(p.retain.class_), p.retain.for_) for p in graph.borders.policies if p.retain is not None]
    if not rules:
        return {}
    labels = labels_of(graph)
    found: dict[str, float] = {}
    for node in graph.nodes:
        if node.kind in TABLE_KINDS:
            classes = {label.class_ for each in labels[node.name].values() for label in each}
            times = [seconds for above, seconds in rules if any(is_within(each, above) for each in classes)]
            if times:
                found[node.name] = min(times)
    return found


def oldest_kept(graph: Graph, now: datetime) -> Mapping[str, datetime]:
    """Give table → the instant before which slots have to have ended to go."""
    return {name: now - timedelta(seconds=seconds) for name, seconds in kept_for(graph).items()}


def retention_problems(graph: Graph) -> Iterator[Diagnostic]:
    """Say of which tables rows could not be forgotten when their time has come."""
    kept = kept_for(graph)
    nodes = {node.name: node for node in graph.nodes}
    for name, node in nodes.items():
        where = Where(node.file, node.line)
        if name in kept and (node.chain is not None or node.kind == "links"):
            message = f"`{name.partition('@')[0]}` is built from its own past: rows of a class with `retain` stay in it"
            yield error("HW1319", message, where, hint="let it be incremental, or leave the columns of that class out")
        elif name in kept and node.kind == "full" and any(nodes[each].source for each in _above(nodes, node)):
            message = f"`{name}` has columns of a class with `retain`, but no time by which old rows could be told"
            # It has what its source has: rows go from it when they go there.
            hint = "rows stay in it as long as in its source; let it be incremental, or read a model that is"
            yield warning("HW1319", message, where, hint=hint)
        elif node.kind == "incremental" and name not in kept:
            for each in sorted(_above(nodes, node) & kept.keys()):
                message = f"`{name}` keeps slots for which `{each}` has no rows once `retain` has let them go"
                yield error("HW1319", message, where, hint="give a column of it the same `class:`")


def _above(nodes: Mapping[str, Node], node: Node) -> set[str]:
    """Sources and incremental tables that a node reads, through views and, of a full table, through full ones."""
    passed = {"view", "inline", "full"} if node.kind == "full" else {"view", "inline"}
    found: set[str] = set()
    for each in node.inputs:
        upper = nodes[each.node]
        found |= _above(nodes, upper) if upper.kind in passed else {each.node}
    return found
