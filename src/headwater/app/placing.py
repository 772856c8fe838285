"""Judges what a project's nodes would have sites send: refusals before anything runs, and what a plan says of it."""

from collections.abc import Iterator

from headwater.diagnostics import Diagnostic, Refused
from headwater.graph.values import Graph
from headwater.placement.nodes import Holdings, Placing, remote_inputs
from headwater.placement.values import Exchange, Held, Placed
from headwater.plan.values import PlannedCrossing
from headwater.policy.charters import charter_of
from headwater.sql.binding import Bind


def nothing_known(source: str, site: str) -> Held:
    """Say of a source at a site what is known before anybody has asked."""
    del source, site
    return Held()


def placing_of(graph: Graph, bind: Bind, held: Holdings = nothing_known) -> Placing:
    """Give how the nodes of a graph are placed, for the hub."""
    return Placing(graph=graph, charter=charter_of(graph), bind=bind, held=held)


def refusals(graph: Graph, bind: Bind) -> list[Diagnostic]:
    """Give everything that the project's own rules forbid its nodes, each with what would make it legal."""
    if not graph.borders.remote:
        return []
    placing = placing_of(graph, bind)
    return list(dict.fromkeys(each for node in graph.nodes for each in _refused(placing, node.name)))


def _refused(placing: Placing, name: str) -> tuple[Diagnostic, ...]:
    node = next(each for each in placing.graph.nodes if each.name == name)
    if node.source is not None or node.kind in {"inline", "view"} or not remote_inputs(placing.graph, node):
        return ()
    try:
        placing.place(name)
    except Refused as refused:
        return refused.diagnostics
    return ()


def crossings_of(node: str, placed: Placed) -> Iterator[PlannedCrossing]:
    """Say what each site will send for a node."""
    for exchange in placed.exchanges:
        for sender in exchange.senders:
            receivers = tuple(each for each in exchange.to if each != sender)
            if receivers:
                yield _crossing(node, exchange, sender, receivers)


def _crossing(node: str, exchange: Exchange, sender: str, to: tuple[str, ...]) -> PlannedCrossing:
    grants = [read.grants[sender] for read in exchange.reads if sender in read.grants]
    shapes = {grant.shape for grant in grants}
    return PlannedCrossing(
        node=node,
        exchange=exchange.name,
        sender=sender,
        to=to,
        columns=tuple(name for name, _ in exchange.columns),
        form=next((each for each in ("raw", "coarse", "token", "aggregate") if each in shapes), "free"),
        rules=tuple(sorted({grant.rule for grant in grants if grant.rule})),
        because=exchange.because,
        estimated_bytes=exchange.estimate.bytes / len(exchange.senders) if exchange.estimate.bytes else None,
    )
