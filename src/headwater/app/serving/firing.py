"""Orders what is due in an environment: one transaction writes the orders, and how far its pipelines have fired."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from headwater.app.graphs import released_graph
from headwater.app.next_runs import runs_by_itself, standing_of
from headwater.app.serving.facts import Looker
from headwater.app.workspace import Workspace
from headwater.graph.values import Graph, PipelineNode
from headwater.schedule.due import Fire, due, is_full
from headwater.schedule.triggers import Facts, Judgement, judge, leaves
from headwater.spec.orders import Order, encode_order
from headwater.spec.releases import Head
from headwater.spec.schedules import Trigger
from headwater.state.arrivals import ArrivalKind, last_arrivals
from headwater.state.database import Database
from headwater.state.heads import read_head
from headwater.state.leases import require
from headwater.state.pipeline_states import PipelineState, pipeline_states, set_fired
from headwater.state.requests import Request, Status, enqueue, under_way

BY: Final = "scheduler"
"""The author of orders that nobody gave by hand."""


@dataclass(frozen=True, slots=True)
class Leading:
    """Under which lease somebody leads."""

    lease: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One look at an environment: its pipelines that run by themselves, and what their triggers wait for."""

    environment: str
    now: datetime
    pipelines: tuple[PipelineNode, ...]
    facts: Mapping[str, Facts]
    """Pipeline → what was found for its trigger; looked up before it is known what is under way: see ``_decide``."""


@dataclass(frozen=True, slots=True)
class _Decision:
    """What follows for one pipeline."""

    pipeline: PipelineNode
    fires: tuple[Fire, ...]
    kind: str
    fired_until: datetime | None
    memory: str


def fire(workspace: Workspace, environment: str, leading: Leading, looker: Looker, now: datetime) -> list[Request]:
    """Order every run that the pipelines of an environment ask for now; give the orders.

    Raises Conflict if somebody else leads by now: then nothing was ordered.
    """
    db = workspace.db
    look = _look(workspace, environment, looker, now)
    if not look.pipelines or not _decide(workspace, look):  # the usual case must not take the writer's lock
        return []
    with db.write() as connection:
        require(connection, leading.lease, leading.fence)
        ordered = []
        for each in _decide(workspace, look):
            set_fired(db, environment, each.pipeline.name, each.fired_until, each.memory)
            requests = [_request(workspace, look, each, fire) for fire in each.fires]
            ordered += [request for request in requests if _enqueue(db, request)]
    return ordered


def _enqueue(db: Database, request: Request) -> bool:
    """Add an order, once for each scheduled time; a clock that went back must not cost what a trigger has seen."""
    return enqueue(db, request) or (request.kind == "trigger" and enqueue(db, replace(request, fire_at=None)))


def _look(workspace: Workspace, environment: str, looker: Looker, now: datetime) -> _Look:
    db = workspace.db
    head = read_head(db, environment)
    if not head.code:
        return _Look(environment=environment, now=now, pipelines=(), facts={})
    graph = released_graph(db, environment, head.code)
    pipelines = tuple(each for each in graph.pipelines if runs_by_itself(each, environment))
    arrived = last_arrivals(db, environment)
    facts = {each.name: _facts(each.when, looker, graph, head, arrived, now) for each in pipelines if each.when}
    return _Look(environment=environment, now=now, pipelines=pipelines, facts=facts)


def _decide(workspace: Workspace, look: _Look) -> list[_Decision]:
    """Say what is to be written for which pipelines.

    What triggers look at is older than what is known here of runs: so a run that is seen to wait will see all of it,
    and a trigger may leave it to that run.
    """
    states = pipeline_states(workspace.db, look.environment)
    counts = under_way(workspace.db, look.environment)
    found = [_decision(each, states.get(each.name, PipelineState()), counts, look) for each in look.pipelines]
    return [each for each in found if each]


def _decision(
    pipeline: PipelineNode, state: PipelineState, counts: Mapping[tuple[str, Status], int], look: _Look
) -> _Decision | None:
    """Decide about one pipeline; None: nothing has happened that must be written."""
    standing = standing_of(state, pipeline.name, counts)
    timed = due(pipeline, standing, look.now)
    judged = _judged(pipeline, state, look)
    fires, kind = timed.fires, "schedule" if pipeline.continuous_s is None else "continuous"
    if judged and judged.fires and not fires and not is_full(pipeline, standing):
        fires, kind = (Fire(look.now, judged.because),), "trigger"
    is_known = judged is not None and judged.memory["seen"]  # else nothing it waits for was looked at yet
    memory = json.dumps(judged.memory, sort_keys=True) if judged and is_known else state.memory
    if not fires and memory == state.memory and not timed.is_news:
        return None
    return _Decision(pipeline, fires, kind, timed.fired_until, memory)


def _judged(pipeline: PipelineNode, state: PipelineState, look: _Look) -> Judgement | None:
    """Judge a pipeline's triggers; while it is paused nothing is seen: what came meanwhile is new afterwards."""
    if pipeline.when is None or state.is_paused:
        return None
    facts = look.facts[pipeline.name]
    return judge(pipeline.when, json.loads(state.memory), facts, look.now, pipeline.debounce_s)


def _facts(
    when: Trigger,
    looker: Looker,
    graph: Graph,
    head: Head,
    arrived: Mapping[tuple[ArrivalKind, str], int],
    now: datetime,
) -> Facts:
    wanted = list(leaves(when))
    named = {kind: [each.name for each in wanted if each.kind == kind] for kind in ("updated", "files")}
    return Facts(
        updated=looker.nodes(graph, head, named["updated"], now),
        files=looker.files(named["files"], now),
        webhook={name: seq for (kind, name), seq in arrived.items() if kind == "webhook"},
        message={name: seq for (kind, name), seq in arrived.items() if kind == "message"},
    )


def _request(workspace: Workspace, look: _Look, decision: _Decision, fire: Fire) -> Request:
    pipeline = decision.pipeline
    order = Order(
        environment=look.environment,
        select=(pipeline.name,),
        pipeline=pipeline.name,
        because=fire.because,
        priority=pipeline.priority,
    )
    return Request(
        id=workspace.effects.token(),
        environment=look.environment,
        pipeline=pipeline.name,
        kind=decision.kind,
        because=fire.because,
        fire_at=fire.at,
        body=encode_order(order),
        priority=pipeline.priority,
        created_at=look.now,
        author=BY,
        not_before=look.now,
    )
