"""Applies code to an environment: compute what is missing, check everything, move once."""

from contextlib import ExitStack

from headwater.app.contexts import WAIT_S, context_of
from headwater.app.finishing import exit_code_of, release_settled, verdict_diagnostics
from headwater.app.outcomes import MISTAKE, Outcome
from headwater.app.planning import plan_with
from headwater.app.recording import recorded
from headwater.app.workspace import Workspace
from headwater.diagnostics import Conflict, error
from headwater.graph.values import Graph
from headwater.plan.knowledge import Options
from headwater.run.cycle import Planned, Settled, settle
from headwater.run.leasing import hold
from headwater.run.loaded import LoadedSinks
from headwater.run.moving import Signature
from headwater.state.moves import CodeConflict, EntryConflict

_MOST_TRIES = 20


def apply(
    workspace: Workspace,
    graph: Graph,
    environment: str,
    *,
    base: str | None = None,
    message: str = "",
    wait_s: float = WAIT_S,
) -> Outcome:
    """Bring an environment to a graph. ``base`` is the code that a saved plan stands on: Conflict if it has moved.

    One apply at a time changes an environment (a second waits); runs go on meanwhile, and what they moved is merged.
    Nothing becomes visible unless everything can.
    """
    effects = workspace.effects
    holder = f"{workspace.user}:{effects.token()}"
    name = f"apply:{environment}"
    with hold(workspace.db, [name], holder, clock=effects.clock, sleep=effects.sleep, wait_s=wait_s) as fences:
        for _ in range(_MOST_TRIES):
            context = context_of(workspace, graph, environment, wait_s=wait_s)
            planned = plan_with(context, Options())
            if base is not None and planned.plan.base != base:
                raise _moved_base(environment)
            try:
                return _apply(workspace, planned, message, (name, fences[name]))
            except CodeConflict:
                raise
            except EntryConflict:
                # A run moved data while we worked: what we computed is known, so planning again is cheap.
                continue
    raise Conflict.of("HW0542", f"`{environment}` moves faster than it can be applied to", hint="try again")


def _apply(workspace: Workspace, planned: Planned, message: str, fence: tuple[str, int]) -> Outcome:
    context = planned.context
    with recorded(context, "apply", workspace.user) as record, ExitStack() as leases:
        settled = settle(planned, leases)
        if _must_refuse(settled):
            return record.keep(refused(planned, settled))
        signature = Signature(
            kind="apply",
            at=context.clock(),
            by=workspace.user,
            commit=workspace.commit,
            message=message,
            fence=fence,
            run=context.run_id,
        )
        return record.keep(release_settled(workspace, planned, settled, signature))


def _must_refuse(settled: Settled) -> bool:
    """Code moves whole or not at all; rows of unchanged nodes that a check refuses are only withheld."""
    if settled.failures:
        return True
    plan = settled.plan
    incomplete = any(each.is_new and (each.blocked or each.waiting or each.stuck) for each in plan.nodes.values())
    return incomplete or bool(plan.changes_code and settled.unresolved)


def refused(planned: Planned, settled: Settled) -> Outcome:
    """Say why nothing was applied."""
    found = verdict_diagnostics(settled, planned.context.graph)
    plan = settled.plan
    for name, each in plan.nodes.items():
        if each.is_new and each.waiting and not found:
            message = f"`{name}` cannot be filled: {len(each.waiting)} slots wait for rows that nothing provides"
            found.append(error("HW0543", message))
        if each.is_new and each.stuck:
            message = f"{len(each.stuck)} slots of `{name}` stand on files that are gone and cannot be rebuilt"
            found.append(error("HW0544", message, hint="bring the files back, or leave the model as it was"))
    code = exit_code_of(settled, LoadedSinks()) or MISTAKE
    return Outcome(plan=plan, settled=settled, diagnostics=(*plan.diagnostics, *found), exit_code=code)


def _moved_base(environment: str) -> Conflict:
    hint = "run `headwater plan` again and look at what changed"
    return Conflict.of("HW0545", f"the code of `{environment}` has changed since the plan was made", hint=hint)
