"""Runs an environment's released code: whatever is due is filled, checked and moved at once."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

from headwater.app.contexts import WAIT_S, context_of, released_graph
from headwater.app.finishing import release_settled
from headwater.app.outcomes import Outcome
from headwater.app.planning import plan_with, selected_names
from headwater.app.recording import recorded
from headwater.app.workspace import Workspace
from headwater.diagnostics import Conflict
from headwater.graph.values import TABLE_KINDS
from headwater.plan.knowledge import Options
from headwater.run.context import Context
from headwater.run.cycle import settle
from headwater.run.moving import Signature
from headwater.state.heads import read_head

_MOST_TRIES = 20


def run(
    workspace: Workspace,
    environment: str,
    *,
    select: Sequence[str] = (),
    release_holds: bool = False,
    message: str = "",
    wait_s: float = WAIT_S,
) -> Outcome:
    """Fill everything that is due in an environment, with the code that was applied to it.

    ``select`` holds patterns or names of pipelines. What fails, or is refused by a check, is withheld with all that
    reads it; the rest becomes visible at once, or node by node for a pipeline that says ``publish: each``.
    """
    now = workspace.effects.clock()
    outcomes: list[Outcome] = []
    for selected in _groups(workspace, environment, select):
        options = Options(refresh=True, selected=selected, release_holds=release_holds)
        outcomes.append(_run_until_moved(workspace, environment, options, now, message, wait_s))
    return together(outcomes)


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Make one outcome of several runs: everything that was done, the last release, the worst ending."""
    last = outcomes[-1]
    if len(outcomes) == 1:
        return last
    settled = [outcome.settled for outcome in outcomes]
    return replace(
        last,
        plan=replace(last.plan, steps=tuple(step for outcome in outcomes for step in outcome.plan.steps)),
        settled=replace(
            last.settled,
            receipts=tuple(receipt for each in settled for receipt in each.receipts),
            refused=tuple(verdict for each in settled for verdict in each.refused),
            warned=tuple(verdict for each in settled for verdict in each.warned),
            failures={node: failure for each in settled for node, failure in each.failures.items()},
        ),
        release=next((o.release for o in reversed(outcomes) if o.release), None),
        diagnostics=tuple(dict.fromkeys(d for outcome in outcomes for d in outcome.diagnostics)),
        exit_code=max(outcome.exit_code for outcome in outcomes),
    )


def _groups(workspace: Workspace, environment: str, select: Sequence[str]) -> list[frozenset[str] | None]:
    """Give the sets of nodes that are to become visible together; None: all nodes."""
    graph = released_graph(workspace.db, environment, read_head(workspace.db, environment).code)
    pipelines = {pipeline.name: pipeline for pipeline in graph.pipelines}
    named = [pipelines[name] for name in select if name in pipelines]
    patterns = [name for name in select if name not in pipelines]
    selected = selected_names(graph, [*patterns, *(p for each in named for p in each.select)], frozenset())
    if not any(pipeline.publish == "each" for pipeline in named):
        return [selected]
    tables = [node.name for node in graph.nodes if node.kind in TABLE_KINDS]
    return [frozenset({name}) for name in tables if selected is None or name in selected] or [selected]


def _run_until_moved(
    workspace: Workspace, environment: str, options: Options, now: datetime, message: str, wait_s: float
) -> Outcome:
    for _ in range(_MOST_TRIES):
        head = read_head(workspace.db, environment)
        graph = released_graph(workspace.db, environment, head.code)
        context = context_of(workspace, graph, environment, now=now, wait_s=wait_s)
        try:
            return _run(workspace, context, options, message)
        except Conflict as problem:
            # Somebody moved what we moved: what we computed is known, so planning again is cheap.
            if not hasattr(problem, "nodes"):
                raise
    raise Conflict.of("HW0542", f"`{environment}` moves faster than it can be run", hint="try again")


def _run(workspace: Workspace, context: Context, options: Options, message: str) -> Outcome:
    with recorded(context, "run", workspace.user) as record, ExitStack() as leases:
        planned = plan_with(context, options)
        settled = settle(planned, leases)
        signature = Signature(kind="run", at=context.clock(), by=workspace.user, message=message, run=context.run_id)
        return record.keep(release_settled(workspace, planned, settled, signature))
