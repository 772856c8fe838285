"""Lets go of rows that policies keep no longer (``retain``): from environments, releases and quarantine."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from headwater.app.erasing.performing import delete_unserved
from headwater.app.erasing.subjects import released_graphs
from headwater.app.running import run
from headwater.app.workspace import Workspace
from headwater.diagnostics import Invalid, error
from headwater.graph.values import Graph, Node
from headwater.plan.calendar import Calendar
from headwater.policy.retaining import oldest_kept
from headwater.policy.subjects import class_name, is_within
from headwater.run.packs.reading import is_slot
from headwater.run.reclaiming import spared_versions
from headwater.spec.addresses import Slot
from headwater.spec.fills import Fill
from headwater.spec.orders import Order
from headwater.state.erasures import forget_old_set_aside, note_not_retained
from headwater.state.heads import read_head
from headwater.state.leases import live_leases


def let_go(workspace: Workspace) -> None:
    """Drop slots that have ended before what policies keep, whatever release names them; raises Invalid if a run fails.

    A run lets them leave what each environment serves, with all that was made of them; then their fills are deleted,
    and older fills of tables without time, which were made while the rows were there.
    """
    now = workspace.effects.clock()
    graphs = {
        name: graph
        for name, graph in released_graphs(workspace).items()
        if any(policy.retain is not None for policy in graph.borders.policies)
    }
    fills = rows = 0
    for environment, graph in graphs.items():
        oldest = oldest_kept(graph, now)
        nodes = {node.name: node for node in graph.nodes if node.name in oldest}
        if _has_old(workspace, environment, nodes, oldest):
            order = Order(environment=environment, start_from=tuple(nodes), message="rows that policies keep no longer")
            _require_done(environment, run(workspace, order).exit_code)
        spared = spared_versions(live_leases(workspace.db, now))

        def goes(
            fill: Fill,
            nodes: Mapping[str, Node] = nodes,
            oldest: Mapping[str, datetime] = oldest,
            spared: frozenset[str] = spared,
        ) -> bool:
            node = nodes[fill.node]
            return fill.version not in spared and (node.kind == "full" or _is_old(node, fill.slot, oldest))

        if nodes:
            fills += delete_unserved(workspace, frozenset(nodes), goes)
        rows += sum(forget_old_set_aside(workspace.db, *each) for each in _contracts(graph, now))
    if fills or rows:
        note_not_retained(workspace.db, fills, rows, now)


def _require_done(environment: str, exit_code: int) -> None:
    if exit_code:
        message = f"`{environment}` could not be run: it still serves rows that a policy keeps no longer"
        hint = f"`headwater run --env {environment}` says why; then run the janitor again"
        raise Invalid(error("HW1315", message, hint=hint))


def _has_old(workspace: Workspace, environment: str, nodes: Mapping[str, Node], oldest: Mapping[str, datetime]) -> bool:
    head = read_head(workspace.db, environment)
    return any(
        _is_old(node, slot, oldest)
        for name, node in nodes.items()
        if name in head.nodes and node.kind == "incremental"
        for _, slot in head.entries_of(name)
    )


def _is_old(node: Node, slot: Slot, oldest: Mapping[str, datetime]) -> bool:
    if node.time is None or not node.time.every or not is_slot(slot):
        return False
    return Calendar.of(node.time.every, node.time.timezone).interval(slot)[1] <= oldest[node.name]


def _contracts(graph: Graph, now: datetime) -> list[tuple[str, datetime]]:
    """Give the contract of each source with columns of a class, and before when its rows set aside go."""
    found = []
    for policy in graph.borders.policies:
        for node in graph.nodes if policy.retain is not None else ():
            above = class_name(policy.retain.class_) if policy.retain else ""
            if node.source and any(is_within(class_name(column.class_), above) for column in node.columns):
                assert policy.retain is not None  # noqa: S101 - see above
                found.append((node.rows_address, now - timedelta(seconds=policy.retain.for_)))
    return found
