"""Performs orders: runs an environment's released code, so that what is due is filled, checked and moved at once."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from headwater.app.contexts import WAIT_S, context_of, released_graph
from headwater.app.finishing import release_settled
from headwater.app.orders import Meaning, Names, changed_since, left_behind, meaning_of, options_of, require_slots
from headwater.app.outcomes import Outcome
from headwater.app.planning import plan_with
from headwater.app.recording import recorded
from headwater.app.reserving import left_to_backfills
from headwater.app.run_logs import RunLog
from headwater.app.workspace import Workspace
from headwater.diagnostics import Conflict, Invalid
from headwater.graph.values import Graph
from headwater.plan.knowledge import Options
from headwater.plan.values import NodePlan
from headwater.run.context import Context, Ticket
from headwater.run.cycle import settle
from headwater.run.moving import Signature
from headwater.run.stopping import Stop
from headwater.spec.orders import Order
from headwater.state.heads import read_head
from headwater.state.releases import find_release
from headwater.state.run_orders import keep_order, keep_undone, last_start, order_of_run
from headwater.state.suspects import clear_suspects

_MOST_TRIES = 20


def run(workspace: Workspace, order: Order, *, wait_s: float = WAIT_S, ticket: Ticket | None = None) -> Outcome:
    """Fill what an order asks for, with the code that its environment has, or that of the release it names.

    What fails, or is refused by a check, is withheld with all that reads it; the rest becomes visible at once, or node
    by node if it is to be published so. The run keeps the code with which it starts, also when it is resumed (the
    ``ticket`` has the id of a run that has started before): tables of which the environment has other code by now are
    left, and the outcome says so. Raises Invalid for an order that means nothing.
    """
    ticket = ticket or Ticket(pipeline=order.pipeline, because=order.because)
    aside = {node: why for node, why in ticket.set_aside.items() if node not in order.retry_set_aside}
    ticket = replace(ticket, run_id=ticket.run_id or workspace.effects.token(), set_aside=aside)
    running = _begin(workspace, order, ticket, wait_s)
    context = running.context(running.meaning.graph)
    require_slots(running.meaning, context.horizon)
    with recorded(context, "run", workspace.user) as record, context.stoppable():
        running = replace(running, ticket=replace(running.ticket, fence=record.ticket.fence))
        keep_order(workspace.db, ticket.run_id, order, running.release)
        clear_suspects(workspace.db, order.environment, order.retry_set_aside)
        outcome = together([running.until_moved(group) for group in running.meaning.groups])
        keep_undone(workspace.db, ticket.run_id, undone(outcome))
        return record.keep(outcome)


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


def undone(outcome: Outcome) -> Names:
    """Give the nodes that failed in a run, were refused or waited: those that ``rerun --failed`` begins with."""
    kept_back = {name for name, each in outcome.plan.nodes.items() if _is_kept_back(each)}
    refused = {verdict.node for verdict in outcome.settled.refused}
    return frozenset({*outcome.settled.failures, *outcome.sinks.failures, *kept_back, *refused})


def _is_kept_back(each: NodePlan) -> bool:
    return bool(each.blocked or each.waiting or each.stuck)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """A run on its way: what it was asked for, and what it keeps from its start."""

    workspace: Workspace
    meaning: Meaning
    release: str
    """Id of the release whose code it uses."""
    now: datetime
    ticket: Ticket
    wait_s: float
    log: RunLog
    stop: Stop = field(default_factory=Stop)

    def context(self, graph: Graph) -> Context:
        """Compose the context of one try; all of them have one log, and stop together."""
        context = context_of(
            self.workspace,
            graph,
            self.meaning.order.environment,
            now=self.now,
            wait_s=self.wait_s,
            ticket=self.ticket,
            log=self.log,
        )
        workers = 1 if self.ticket.alone else min([context.pace.workers, *self.meaning.limits])
        return replace(
            context, pace=replace(context.pace, workers=workers, stop=self.stop, retries=self.meaning.retries)
        )

    def until_moved(self, group: Names | None) -> Outcome:
        """Fill and move a group of nodes; whoever moves the same meanwhile makes us plan again."""
        workspace, environment = self.workspace, self.meaning.order.environment
        for _ in range(_MOST_TRIES):
            head = read_head(workspace.db, environment)
            context = self.context(released_graph(workspace.db, environment, head.code))
            try:
                return self._try(context, group)
            except Conflict as problem:
                # Somebody moved what we moved: what we computed is known, so planning again is cheap.
                if not hasattr(problem, "nodes"):
                    raise
        raise Conflict.of("HW0542", f"`{environment}` moves faster than it can be run", hint="try again")

    def _try(self, context: Context, group: Names | None) -> Outcome:
        with ExitStack() as leases:
            planned = plan_with(context, self._options(context, group))
            settled = settle(planned, leases)
            context.check_stop()
            signature = Signature(
                kind="run",
                at=context.clock(),
                by=self.workspace.user,
                message=self.meaning.order.message,
                fence=self.ticket.fence,
                run=context.run_id,
            )
            outcome = release_settled(self.workspace, planned, settled, signature, skipped=self.meaning.skipped)
        left = left_behind(changed_since(self.meaning, context.graph))
        return replace(outcome, diagnostics=(*left, *outcome.diagnostics))

    def _options(self, context: Context, group: Names | None) -> Options:
        backfill = self.meaning.order.backfill
        nonce, graph, horizon = backfill or context.run_id, context.graph, context.horizon
        left = left_to_backfills(context.db, context.environment, graph, horizon, besides=backfill)
        return options_of(self.meaning, group, graph, horizon, nonce=nonce, without=left)


def _begin(workspace: Workspace, order: Order, ticket: Ticket, wait_s: float) -> _Running:
    release, code, at = _start(workspace, order, ticket)
    graph = released_graph(workspace.db, order.environment, code)
    meaning = meaning_of(order, graph)
    effects = workspace.effects
    if meaning.timeout_s is not None and ticket.deadline_at is None:
        ticket = replace(ticket, deadline_at=effects.clock() + timedelta(seconds=meaning.timeout_s))
    log = RunLog(workspace.db, ticket.run_id, order.environment, effects.clock, effects.emit)
    return _Running(
        workspace=workspace, meaning=meaning, release=release, now=at, ticket=ticket, wait_s=wait_s, log=log
    )


def _start(workspace: Workspace, order: Order, ticket: Ticket) -> tuple[str, str, datetime]:
    """Give the release and the code with which a run starts, or has started, and when that was."""
    db, environment = workspace.db, order.environment
    started = order_of_run(db, ticket.run_id)
    if started is not None:
        return started.release, started.code, started.started_at
    now = workspace.effects.clock()
    at = max(now, last_start(db, environment) or now)  # clocks go back; what runs say of the present must not
    if not order.release:
        head = read_head(db, environment)
        return head.release or "", head.code, at
    named = find_release(db, order.release)
    if named.environment != environment:
        hint = f"`headwater history --env {environment}` lists its releases"
        raise Invalid.of("HW1147", f"release `{named.id}` is one of `{named.environment}`", hint=hint)
    return named.id, named.code, at
