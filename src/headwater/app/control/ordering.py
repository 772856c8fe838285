"""Orders a run: checks that it can be meant, and puts it into the queue, where a server's worker takes it."""

from dataclasses import dataclass, replace
from datetime import datetime

from headwater.app.contexts import released_graph
from headwater.app.workspace import Workspace
from headwater.diagnostics import Invalid, suggest
from headwater.graph.selection import select
from headwater.graph.values import Graph, PipelineNode
from headwater.spec.orders import Order, decode_order, encode_order
from headwater.state import audit
from headwater.state.environments import environments
from headwater.state.heads import read_head
from headwater.state.requests import Request, enqueue, open_requests


@dataclass(frozen=True, slots=True)
class Ordered:
    """What became of an order."""

    request: Request
    is_new: bool
    """False: the same was waiting already, and will do for both."""


def order_run(
    workspace: Workspace,
    order: Order,
    *,
    kind: str,
    by: str,
    fire_at: datetime | None = None,
    not_before: datetime | None = None,
) -> Ordered:
    """Put an order into the queue. Raises Invalid for an environment, pipeline or node that there is not."""
    pipeline = _checked(workspace, order)
    now = workspace.effects.clock()
    request = Request(
        id=workspace.effects.token(),
        environment=order.environment,
        pipeline=order.pipeline,
        kind=kind,
        because=order.because,
        fire_at=fire_at,
        body=encode_order(order),
        priority=order.priority or getattr(pipeline, "priority", 0),
        created_at=now,
        author=by,
        not_before=not_before or now,
        backfill=order.backfill,
    )
    with workspace.db.write() as connection:
        if waiting := _waiting(workspace, request):
            return Ordered(waiting, is_new=False)
        is_new = enqueue(workspace.db, request)
        if kind in {"hand", "rerun"}:
            document = {"run": request.id, "environment": order.environment, "by": by, "select": list(order.select)}
            audit.append(connection, "run ordered", document, now)
    return Ordered(request, is_new=is_new)


def released(workspace: Workspace, environment: str) -> Graph:
    """Give the code that an environment runs. Raises Invalid if there is no such environment, or nothing in it."""
    names = [row.name for row in environments(workspace.db)]
    if environment not in names:
        hint = suggest(environment, names) or "`headwater env list` shows them"
        raise Invalid.of("HW0555", f"there is no environment `{environment}`", hint=hint)
    code = read_head(workspace.db, environment).code
    if not code:
        hint = f"`headwater apply --env {environment}` comes first"
        raise Invalid.of("HW1121", f"nothing was ever applied to `{environment}`", hint=hint)
    return released_graph(workspace.db, environment, code)


def pipeline_in(graph: Graph, environment: str, name: str) -> PipelineNode:
    """Find a pipeline by its name; raises Invalid, with the closest name."""
    found = {pipeline.name: pipeline for pipeline in graph.pipelines}
    if name not in found:
        hint = suggest(name, found) or f"it has {', '.join(sorted(found)) or 'none'}; a new one comes with an apply"
        raise Invalid.of("HW1122", f"`{environment}` has no pipeline `{name}`", hint=hint)
    return found[name]


def _checked(workspace: Workspace, order: Order) -> PipelineNode | None:
    graph = released(workspace, order.environment)
    names = {pipeline.name for pipeline in graph.pipelines}
    patterns = [name for name in (*order.select, *order.start_from, *order.skip) if name not in names]
    problems = [problem for pattern in patterns for problem in select(graph, [pattern])[1]]
    if problems:
        raise Invalid.from_all(problems)
    return pipeline_in(graph, order.environment, order.pipeline) if order.pipeline else None


def _waiting(workspace: Workspace, wanted: Request) -> Request | None:
    """Find a request that waits for the same, and no longer than this one would: it will do for both."""
    if wanted.fire_at is not None or wanted.backfill:
        return None
    order = _essence(wanted)
    same = open_requests(workspace.db, wanted.environment, pipeline=wanted.pipeline)
    queued = (each for each in same if each.status == "queued" and each.not_before <= wanted.not_before)
    alike = (each for each in queued if _essence(each) == order)
    return next(alike, None)


def _essence(request: Request) -> Order:
    """What is asked for, whoever asks and why."""
    return replace(decode_order(request.body), because="", message="")
