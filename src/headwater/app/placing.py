"""Judges what a project's nodes would have sites send: refusals before anything runs, and what a plan says of it."""

from collections.abc import Iterable, Iterator, Mapping

from headwater.diagnostics import Diagnostic, Refused, Where, error
from headwater.graph.values import Graph, Node
from headwater.placement.nodes import COMPUTED, Holdings, Placing, remote_inputs
from headwater.placement.values import Exchange, Held, Placed, Read
from headwater.plan.values import Beside, PlannedCrossing
from headwater.policy.charters import charter_of
from headwater.policy.destinations import destinations_of, unlisted_releases, wrong_exports
from headwater.policy.values import Grant
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
    found: list[Diagnostic] = []
    used: dict[tuple[str, str], list[Grant]] = {}
    cuts: dict[tuple[str, str], tuple[str, Read]] = {}
    for node in graph.nodes:
        if node.source is None and node.kind not in COMPUTED and remote_inputs(graph, node):
            try:
                placed = placing.place(node.name)
            except Refused as refused:
                found += refused.diagnostics
            else:
                found += _other_cuts(placing, node, placed, cuts)
                for relation, grant in _grants(placed):
                    used.setdefault((node.name, relation), []).append(grant)
    found += unlisted_releases(graph)
    if not found:  # where the rows of a model may be follows from the grants by which they came
        to = destinations_of(graph, placing.charter, used)
        found += wrong_exports(graph, to, {sink.name: sink.jurisdiction for sink in graph.sinks})
    return list(dict.fromkeys(found))


def _other_cuts(
    placing: Placing, node: Node, placed: Placed | None, known: dict[tuple[str, str], tuple[str, Read]]
) -> Iterator[Diagnostic]:
    """Differences between two ways of cutting time would tell what either leaves out: a rule has one for each place."""
    for exchange in placed.exchanges if placed else ():
        for read in exchange.reads:
            rules = {each.rule for each in read.grants.values() if each.shape == "aggregate"}
            for rule, to in ((rule, placing.charter.jurisdictions.of(each)) for rule in rules for each in exchange.to):
                first, other = known.setdefault((rule, to), (node.name, read))
                if (other.every, other.timezone) != (read.every, read.timezone):
                    message = f"`{node.name}` and `{first}` read `{rule}` in slots of {_cut(read)} and of {_cut(other)}"
                    hint = "give both one `every` and `timezone`, and compute the coarser one from the finer"
                    yield error("HW1237", message, Where(node.file, node.line), hint=hint)


def _cut(read: Read) -> str:
    return f"`{read.every}` in {read.timezone}" if read.every else f"all of time in {read.timezone}"


def _grants(placed: Placed | None) -> Iterator[tuple[str, Grant]]:
    for exchange in placed.exchanges if placed else ():
        for read in exchange.reads:
            yield from ((read.relation, grant) for grant in read.grants.values())


def crossings_of(node: str, placed: Placed) -> Iterator[PlannedCrossing]:
    """Say what each site will send for a node."""
    for exchange in placed.exchanges:
        for sender in exchange.senders:
            receivers = tuple(each for each in exchange.to if each != sender)
            if receivers:
                yield _crossing(node, exchange, sender, receivers)


def beside(graph: Graph, nodes: Iterable[str], held: Holdings) -> Beside | None:
    """Say what would move if the sources that nodes read were copied; None where a site does not tell."""
    read: dict[str, set[str]] = {}
    by_name = {node.name: node for node in graph.nodes}
    for name in nodes:
        for source, columns in _columns_read(by_name[name], by_name):
            read.setdefault(source, set()).update(columns)
    remote, some, whole = graph.borders.remote, 0, 0
    for source in read.keys() & {name for name, node in by_name.items() if node.source is not None}:
        described = by_name[source].source
        for site in (each for each in described.sites if each in remote) if described else ():
            sizes = held(source, site).sizes
            if not sizes:
                return None
            whole += sum(sizes.values())
            some += sum(size for column, size in sizes.items() if "*" in read[source] or column in read[source])
    return Beside(columns_bytes=some, all_bytes=whole) if whole else None


def _columns_read(node: Node, nodes: Mapping[str, Node]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for each in node.inputs:
        yield each.node, each.columns
        if nodes[each.node].kind in COMPUTED:
            yield from _columns_read(nodes[each.node], nodes)


def _crossing(node: str, exchange: Exchange, sender: str, to: tuple[str, ...]) -> PlannedCrossing:
    grants = [read.grants[sender] for read in exchange.reads if sender in read.grants]
    shapes = {grant.shape for grant in grants}
    return PlannedCrossing(
        node=node,
        exchange=exchange.name,
        sender=sender,
        to=to,
        columns=tuple(sorted({f"{read.relation}.{name}" for read in exchange.reads for name, _ in read.columns})),
        form=next((each for each in ("raw", "coarse", "token", "aggregate") if each in shapes), "free"),
        rules=tuple(sorted({grant.rule for grant in grants if grant.rule})),
        because=exchange.because,
        estimated_bytes=exchange.estimate.bytes / len(exchange.senders) if exchange.estimate.bytes else None,
    )
