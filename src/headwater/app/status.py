"""How an environment is, node by node: from the state alone in milliseconds, or with a look at what is due."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from headwater.app.workspace import Workspace
from headwater.graph.encoding import NodeOutline, Outline, outline
from headwater.graph.values import SERVED_KINDS, Deprecation
from headwater.plan.lateness import behind_s, filled_until
from headwater.spec.addresses import HUB
from headwater.spec.releases import Head
from headwater.state.conditions import Condition, conditions, last_slots
from headwater.state.heads import read_head
from headwater.state.releases import find_release, graph_of
from headwater.state.runs import LastRun, last_runs

if TYPE_CHECKING:
    from headwater.plan.values import NodePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """How a node of an environment is."""

    node: str
    kind: str
    version: str
    slots: int
    """Slots that are filled."""
    filled_until: datetime | None = None
    """End of the last filled slot; None where slots are not cut by time, or nothing is filled."""
    due: int | None = None
    """Slots that are due; None: nobody has looked (see ``observe``)."""
    blocked: int = 0
    """Slots that a check refused."""
    waiting: int = 0
    """Slots that wait for rows of other nodes."""
    held: int = 0
    """Slots that a rollback holds."""
    behind_s: float | None = None
    """Seconds from ``filled_until`` to now, or to where its time ends; None where slots are not cut by time."""
    quality: float | None = None
    """How good what the last apply or run brought is, from 0 to 100 (see ``spec.quality.Score``); None: unknown."""
    last_run: LastRun | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How an environment is. ``release`` is None before the first one."""

    environment: str
    release: str | None
    released_at: datetime | None
    nodes: tuple[NodeStatus, ...]
    is_observed: bool = False
    deprecations: tuple[Deprecation, ...] = ()
    """Tables that nobody should read from a day on, with those who do."""


def status(workspace: Workspace, environment: str, *, observe: bool = False) -> Status:
    """Say how an environment is; ``observe`` also looks at the sources and says what is due. Nothing is changed."""
    db = workspace.db
    with db.read():
        head = read_head(db, environment)
        known = _Known(
            head=head,
            code=_outline(workspace, head),
            conditions=conditions(db, environment),
            last=last_slots(db, environment, HUB),
            runs=last_runs(db, environment),
            held=Counter(node for node, _, _ in head.holds),
            now=workspace.effects.clock(),
        )
        released_at = find_release(db, head.release).at if head.release else None
    plans = _look(workspace, head) if observe and head.code else {}
    nodes = tuple(known.node(each, plans.get(each.name)) for each in known.served())
    return Status(
        environment=environment,
        release=head.release,
        released_at=released_at,
        nodes=nodes,
        is_observed=bool(plans),
        deprecations=known.code.deprecations,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the state tells."""

    head: Head
    code: Outline
    conditions: dict[str, Condition]
    last: dict[str, str | None]
    runs: dict[str, LastRun]
    held: Counter[str]
    now: datetime

    def served(self) -> list[NodeOutline]:
        return [each for each in self.code.nodes if each.kind in SERVED_KINDS and each.name in self.head.nodes]

    def node(self, each: NodeOutline, plan: "NodePlan | None") -> NodeStatus:
        name, condition = each.name, self.conditions.get(each.name, Condition())
        at_head, run = self.head.nodes[name], self.runs.get(name)
        until = filled_until(each, self.last.get(name))
        return NodeStatus(
            node=name,
            kind=each.kind,
            version=at_head.version,
            slots=at_head.slots,
            filled_until=until,
            due=plan.due if plan else None,
            blocked=len(plan.blocked) if plan else condition.blocked,
            waiting=len(plan.waiting) if plan else condition.waiting,
            held=len(plan.held) if plan and not plan.settled else self.held[name],
            behind_s=behind_s(each, until, self.code.as_of, self.now),
            quality=condition.score,
            last_run=run,
        )


def _outline(workspace: Workspace, head: Head) -> Outline:
    body = graph_of(workspace.db, head.code) if head.code else None
    return outline(body) if body else Outline()


def _look(workspace: Workspace, head: Head) -> "dict[str, NodePlan]":
    """Plan the released code, as a run would find it."""
    from headwater.app.contexts import context_of, released_graph
    from headwater.app.planning import plan_with
    from headwater.plan.knowledge import Options

    graph = released_graph(workspace.db, head.environment, head.code)
    planned = plan_with(context_of(workspace, graph, head.environment), Options())
    return dict(planned.plan.nodes)
