"""The difference between what the code and the data say and what an environment's head holds."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache

from headwater.graph.values import TABLE_KINDS, Graph, Node
from headwater.plan.decide import Decider
from headwater.plan.knowledge import Knowledge, Options
from headwater.plan.movements import Movements
from headwater.plan.positions import Positions
from headwater.plan.reasons import added_checks, by_name, reason_of
from headwater.plan.values import Action, NodePlan, Plan, SourceFacts, Step
from headwater.plan.wanted import Horizon, wanted_ranges
from headwater.spec.addresses import Slot, Version
from headwater.spec.releases import Head


def diff(
    graph: Graph,
    head: Head,
    sources: Mapping[str, SourceFacts],
    *,
    now: datetime,
    horizon: Horizon,
    knowledge: Knowledge,
    previous: Callable[[], Graph | None],
    options: Options | None = None,
) -> Plan:
    """Plan an environment: every wanted slot that is due is taken where its fill exists, else computed.

    ``previous`` gives the graph that the head runs; it is asked for only if the code differs.
    """
    nodes = {node.name: node for node in graph.nodes}
    positions = Positions(nodes, sources)
    tables = cache(lambda: _tables(previous() if head.code else None))
    decider = Decider(
        head=head,
        sources=sources,
        positions=positions,
        ranges=wanted_ranges(graph, horizon),
        knowledge=knowledge,
        options=options or Options(),
        now=now,
        table_of=lambda name: tables().get(name),
        is_same_code=head.code == graph.digest,
        movements=Movements(nodes, sources, head, positions),
    )
    decided = {node.name: _decide(node, decider) for node in graph.nodes}
    old = by_name(previous() if head.code and head.code != graph.digest else (graph if head.code else None))
    explained = {
        name: plan if plan.settled else replace(plan, because=reason_of(plan, old, nodes))
        for name, plan in decided.items()
    }
    plan = Plan(
        environment=head.environment,
        now=now,
        graph=graph,
        head=head,
        nodes=explained,
        sources=sources,
        dropped=tuple(sorted(head.nodes.keys() - nodes.keys())),
        sinks_not_reverted=tuple(s.name for s in graph.sinks if _runs(s.environments, head.environment)),
    )
    return replace(plan, steps=_steps(plan, old))


def _tables(graph: Graph | None) -> dict[str, Version]:
    return {node.name: node.table for node in graph.nodes} if graph else {}


def _decide(node: Node, decider: Decider) -> NodePlan:
    if node.kind in TABLE_KINDS:
        return decider.decide(node)
    at_head = decider.head.nodes.get(node.name)
    return NodePlan(
        node=node,
        because="nothing moved",
        head_version=at_head.version if at_head else None,
        settled=bool(at_head and at_head.version == node.version),
    )


def _steps(plan: Plan, old: Mapping[str, Node]) -> tuple[Step, ...]:
    steps: list[Step] = []
    for name in plan.nodes:
        steps += _node_steps(plan.nodes[name], plan, old)
    steps += [Step(action="drop", node=name, because="no longer in the project") for name in plan.dropped]
    moving = [name for name, each in plan.nodes.items() if each.moves]
    if moving or plan.dropped or plan.changes_code:
        because = _visible(len(moving) + len(plan.dropped))
        steps.append(Step(action="move", node=plan.environment, because=because))
    for sink in plan.graph.sinks:
        if _runs(sink.environments, plan.environment) and sink.from_ in moving:
            steps.append(Step(action="load", node=sink.name, because=f"{sink.from_} moves"))
    return tuple(steps)


def _visible(nodes: int) -> str:
    if nodes == 0:
        return "no logic changes: only settings, checks, schedules, alerts or policies"
    return f"{nodes} nodes become visible at once" if nodes > 1 else "1 node becomes visible"


def _node_steps(each: NodePlan, plan: Plan, old: Mapping[str, Node]) -> list[Step]:
    node = each.node
    steps: list[Step] = []
    computed: Action = "build" if each.is_new and not each.keep else "fill"
    taken: Action = "reuse"
    for action, entries in ((computed, each.build), (taken, each.reuse)):
        if entries:
            steps.append(_step(each, action, sorted(slot for _, slot in entries)))
    if each.is_new and each.keep:
        steps.append(_step(each, "reuse", sorted(slot for _, slot in each.keep), because=f"{each.because}: forward"))
    elif each.is_new and not steps and node.kind not in {"source", "inline"}:
        steps.append(_step(each, "build", []))
    kept = plan.head.nodes[node.name].slots if each.settled and node.name in plan.head.nodes else len(each.keep)
    is_read = kept or (node.kind == "source" and each.settled)
    if plan.changes_code and is_read and (checks := added_checks(old.get(node.name), node)):
        names = ", ".join(f"{check.name} ({check.on_fail})" for check in checks[:3])
        steps.append(_step(each, "check", [], kept, because=f"new or changed: {names}"))
    return steps


def _step(each: NodePlan, action: Action, slots: list[Slot], kept: int = 0, because: str = "") -> Step:
    return Step(
        action=action,
        node=each.node.name,
        because=because or each.because,
        version=each.node.version,
        slots=len(slots) or kept,
        first=slots[0] if slots else None,
        last=slots[-1] if slots else None,
    )


def _runs(environments: tuple[str, ...], environment: str) -> bool:
    return environment in environments
