"""Orders what is due in an environment: one transaction writes the orders, and how far its pipelines have fired."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.app.graphs import released_graph
from headwater.app.serving.facts import Looker
from headwater.app.workspace import Workspace
from headwater.graph.values import Graph, PipelineNode
from headwater.schedule.due import Due, Fire, Standing, due, is_full
from headwater.schedule.triggers import Facts, Judgement, judge, leaves
from headwater.spec.orders import Order, encode_order
from headwater.spec.releases import Head
from headwater.state.arrivals import last_arrivals
from headwater.state.heads import read_head
from headwater.state.leases import require
from headwater.state.pipeline_states import PipelineState, pipeline_states, set_fired
from headwater.state.requests import Request, enqueue, open_requests

BY: Final = "scheduler"
"""The author of orders that nobody gave by hand."""


@dataclass(frozen=True, slots=True)
class Leading:
    """Under which lease somebody leads."""

    lease: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One look at an environment."""

    graph: Graph
    head: Head
    environment: str
    now: datetime
    states: dict[str, PipelineState]
    under_way: tuple[Request, ...]


def fire(workspace: Workspace, environment: str, leading: Leading, looker: Looker, now: datetime) -> list[Request]:
    """Order every run that the pipelines of an environment ask for now; give the orders.

    Raises Conflict if somebody else leads by now: then nothing was ordered.
    """
    db = workspace.db
    head = read_head(db, environment)
    if not head.code:
        return []
    look = _Look(
        graph=released_graph(db, environment, head.code),
        head=head,
        environment=environment,
        now=now,
        states=pipeline_states(db, environment),
        under_way=open_requests(db, environment),
    )
    ordered: list[Request] = []
    for pipeline in look.graph.pipelines:
        if runs_by_itself(pipeline, environment):
            ordered += _fire(workspace, pipeline, look, leading, looker)
    return ordered


def runs_by_itself(pipeline: PipelineNode, environment: str) -> bool:
    """Whether a pipeline starts without being asked in an environment."""
    asks = pipeline.schedule or pipeline.when or pipeline.continuous_s is not None
    return bool(asks) and (not pipeline.in_ or environment in pipeline.in_)


def standing_of(state: PipelineState, pipeline: str, under_way: tuple[Request, ...]) -> Standing:
    """Say where a pipeline stands, as planning its next runs asks for it."""
    own = [each for each in under_way if each.pipeline == pipeline and not each.backfill]
    return Standing(
        fired_until=state.fired_until,
        is_paused=state.is_paused,
        running=sum(each.status == "running" for each in own),
        waiting=sum(each.status == "queued" for each in own),
    )


def _fire(workspace: Workspace, pipeline: PipelineNode, look: _Look, leading: Leading, looker: Looker) -> list[Request]:
    state = look.states.get(pipeline.name, PipelineState())
    standing = standing_of(state, pipeline.name, look.under_way)
    timed = due(pipeline, standing, look.now)
    judged = _judged(workspace, pipeline, look, looker, state)
    found = [_request(workspace, pipeline, look, each, "schedule") for each in timed.fires]
    if pipeline.continuous_s is not None:
        found = [_request(workspace, pipeline, look, each, "continuous") for each in timed.fires]
    if judged and judged.fires and not found and not is_full(pipeline, standing):
        found = [_request(workspace, pipeline, look, Fire(look.now, judged.because), "trigger")]
    memory = json.dumps(judged.memory, sort_keys=True) if judged else state.memory
    if not found and memory == state.memory and not _settles(timed, state):
        return []
    with workspace.db.write() as connection:
        require(connection, leading.lease, leading.fence)
        set_fired(workspace.db, look.environment, pipeline.name, timed.fired_until, memory)
        return [request for request in found if enqueue(workspace.db, request)]


def _settles(timed: Due, state: PipelineState) -> bool:
    """Whether how far it has fired must be written: the first time, and where something was passed over."""
    return timed.is_news or (state.fired_until is None and timed.fired_until is not None)


def _judged(
    workspace: Workspace, pipeline: PipelineNode, look: _Look, looker: Looker, state: PipelineState
) -> Judgement | None:
    """Judge a pipeline's triggers; while it is paused nothing is seen: what came meanwhile is new afterwards."""
    if pipeline.when is None or state.is_paused:
        return None
    wanted = list(leaves(pipeline.when))
    named = {kind: [each.name for each in wanted if each.kind == kind] for kind in ("updated", "files")}
    arrived = last_arrivals(workspace.db, look.environment)
    facts = Facts(
        updated=looker.nodes(look.graph, look.head, named["updated"], look.now),
        files={pattern: looker.files(pattern, look.now) for pattern in named["files"]},
        webhook={name: last.seq for (kind, name), last in arrived.items() if kind == "webhook"},
        message={name: last.seq for (kind, name), last in arrived.items() if kind == "message"},
    )
    return judge(pipeline.when, json.loads(state.memory), facts, look.now, pipeline.debounce_s)


def _request(workspace: Workspace, pipeline: PipelineNode, look: _Look, fire: Fire, kind: str) -> Request:
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
        kind=kind,
        because=fire.because,
        fire_at=fire.at,
        body=encode_order(order),
        priority=pipeline.priority,
        created_at=look.now,
        author=BY,
        not_before=look.now,
    )
