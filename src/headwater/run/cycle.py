"""Brings an environment to what a plan says: compute, check, and plan again where a check refused."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace

from headwater.diagnostics import HeadwaterError
from headwater.events import Blocked, CheckFinished, FillReused, Phase
from headwater.graph.split_chains import CHANGES
from headwater.graph.values import Graph, Node
from headwater.plan.diff import diff
from headwater.plan.knowledge import Options
from headwater.plan.values import Plan, Step
from headwater.run.computing import computing
from headwater.run.context import Context, FillBook
from headwater.run.erasing import erased_among
from headwater.run.executor import Terms, execute
from headwater.run.journal import Reading, StateJournal
from headwater.run.knowing import knowledge
from headwater.run.leasing import build_leases, hold
from headwater.run.limits import limiter_of
from headwater.run.metering import Meter
from headwater.run.observing import Observed, observe
from headwater.run.python.models import Request, perform_in_process
from headwater.run.quality.drifting import Book, drifted, guard_drift
from headwater.run.quality.failing_rows import with_examples
from headwater.run.quality.guarding import Guarded, culprits, guard_fills, guard_maps, readers_due
from headwater.run.quality.guarding_sources import guard_sources
from headwater.run.reclaiming import USE, finish_condemned
from headwater.run.relations import Surroundings
from headwater.run.sites.reaching import Crossing
from headwater.run.worker import Receipt, perform
from headwater.spec.addresses import FillId
from headwater.spec.quality import Measurement
from headwater.spec.releases import Head, Verdict
from headwater.state.file_index import record_set_aside
from headwater.state.fills import record
from headwater.state.packs import pack_ids
from headwater.state.verdicts import record_verdicts
from headwater.tasks.compile import compile_tasks
from headwater.tasks.values import Task, fills_of, needed
from headwater.tasks.weighing import are_many_and_small

_MOST_ROUNDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a cycle leaves: a plan whose fills all exist, and what happened on the way."""

    plan: Plan
    observed: Observed
    fills: FillBook
    verdicts: tuple[Verdict, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    refused: tuple[Verdict, ...] = ()
    """Failing verdicts of blocking checks."""
    warned: tuple[Verdict, ...] = ()
    unresolved: tuple[Verdict, ...] = ()
    """Those of them that are about what the plan would serve: withholding could not avoid them."""
    failures: Mapping[str, HeadwaterError] = field(default_factory=dict)
    """Node → why its task gave up."""
    receipts: tuple[Receipt, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    """What sites sent for it."""


def observe_all(context: Context) -> Observed:
    """Observe every source of the context's graph."""
    context.emit(Phase("observe", sum(node.source is not None for node in context.graph.nodes)))
    return observe(
        context.db,
        context.graph,
        context.sources,
        context.environment,
        engine=context.engine,
        now=context.now,
        emit=context.emit,
    )


def plan_from(
    context: Context, head: Head, observed: Observed, previous: Callable[[], Graph | None], options: Options
) -> Plan:
    """Plan the context's graph against a head."""
    plan = diff(
        context.graph,
        head,
        observed.facts,
        now=context.now,
        horizon=context.horizon,
        knowledge=replace(
            knowledge(context.db, context.store), drifted=drifted(context.db, context.environment, context.now)
        ),
        previous=previous,
        options=options,
    )
    return replace(plan, diagnostics=observed.diagnostics, steps=(*_landing_steps(observed), *plan.steps))


def _landing_steps(observed: Observed) -> list[Step]:
    return [Step(action="land", node=name, because=because) for name, because in observed.landing.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with what it was made from, ready to be executed."""

    context: Context
    observed: Observed
    plan: Plan
    previous: Callable[[], Graph | None]
    """The graph that the head runs."""
    options: Options


def settle(planned: Planned, leases: ExitStack) -> Settled:
    """Compute what a plan lacks and check it; whatever fails is withheld, with all that reads it, by planning again.

    Leases on what is computed go onto ``leases``: they are kept until the move, so that nobody condemns the fills.
    """
    return _Cycle(planned, leases).run(planned.plan)


class _Cycle:
    def __init__(self, planned: Planned, leases: ExitStack) -> None:
        self._context, self._observed, self._leases = planned.context, planned.observed, leases
        self._previous, self._options = planned.previous, planned.options
        context, observed = planned.context, planned.observed
        self._fills = FillBook(context.db, context.store)
        self._around = Surroundings(
            graph=context.graph,
            store=context.store,
            sources=context.sources,
            inspections=observed.inspections,
            fills=self._fills,
        )
        self._verdicts: dict[tuple[str, str, str], Verdict] = {}
        self._book = Book(context.db)
        self._failures: dict[str, HeadwaterError] = {}
        self._receipts: list[Receipt] = []
        self._served: tuple[Verdict, ...] = ()
        """Failing verdicts of blocking checks about source files on which tables stand that do not change."""
        self._unresolved: tuple[Verdict, ...] = ()
        self._sealed: dict[str, frozenset[FillId]] = {}
        """Node to compute → fills that somebody had sealed before."""
        self._held: set[str] = set()
        """Versions whose fills are kept from the janitor, because this run takes some."""

    def run(self, plan: Plan) -> Settled:
        for _ in range(_MOST_ROUNDS):
            again = self._round(plan)
            if again is None:
                break
            plan = again
        refused = [v for v in self._verdicts.values() if v.failing and v.on_fail == "block"]
        warned = [v for v in self._verdicts.values() if v.failing and v.on_fail == "warn"]
        return Settled(
            plan=plan,
            observed=self._observed,
            fills=self._fills,
            verdicts=tuple(self._verdicts.values()),
            measurements=tuple(self._book.fresh),
            refused=with_examples(refused, self._context.engine, self._around, self._fills),
            warned=with_examples(warned, self._context.engine, self._around, self._fills),
            unresolved=self._unresolved,
            failures=self._failures,
            receipts=tuple(self._receipts),
            crossings=tuple(self._context.crossed),
        )

    def _round(self, plan: Plan) -> Plan | None:
        """Compute and check once; give a new plan if something must be withheld, None if the plan stands."""
        self._expect(plan)
        if not self._hold_taken(plan):
            return self._again(frozenset())
        withheld = self._refused_sources(plan) or self._compute(plan)
        if withheld:
            return self._again(withheld)
        context = self._context
        fills = guard_fills(plan, self._old(plan), self._verdicts, context.db, context.engine, self._around)
        if self._is_refused(plan, fills):
            return self._again(_links_behind(plan, {verdict.node for verdict in fills.failing}))
        unlike = guard_drift(plan, self._old(plan), self._book, context.engine, self._around, self._fills)
        self._forget(unlike)
        if self._is_refused(plan, unlike):
            return self._again(_links_behind(plan, {verdict.node for verdict in unlike.failing}))
        guarded = guard_maps(plan, context.db, context.engine, self._around, context.emit)
        self._take(guarded)
        blamed = [culprits(plan, v, guarded.reads.get(v.node, frozenset())) for v in guarded.failing]
        names = frozenset(name for found in blamed for name in found)
        names |= _links_behind(plan, names)
        self._unresolved = (*self._served, *fills.failing, *unlike.failing, *guarded.failing)
        return self._again(names) if names else None

    def _refused_sources(self, plan: Plan) -> frozenset[str]:
        """Give the tables that must not be built, because a check has refused a file of a source that they read."""
        context = self._context
        guarded = guard_sources(plan, self._old(plan), context.db, context.engine, self._around)
        self._take(guarded)
        self._served = tuple(verdict for verdict in guarded.failing if not readers_due(plan, verdict.node))
        return frozenset(name for verdict in guarded.failing for name in readers_due(plan, verdict.node))

    def _again(self, withheld: frozenset[str]) -> Plan:
        self._options = replace(self._options, withheld=self._options.withheld | withheld)
        for name in sorted(withheld):
            self._context.emit(Blocked(name, 0, "a task or check failed"))
        head = self._head
        return plan_from(self._context, head, self._observed, self._previous, self._options)

    def _expect(self, plan: Plan) -> None:
        self._head = plan.head
        for each in plan.nodes.values():
            taken = [entry.fill for entry in each.reuse.values()]
            self._fills.expect(each.node, taken)
            if taken and not self._receipts:
                self._context.emit(FillReused(each.node.name, len(taken)))

    def _hold_taken(self, plan: Plan) -> bool:
        """Keep fills that are taken as they are from a janitor's hands; False if one was gone before."""
        context = self._context
        fresh = [p for p in plan.nodes.values() if p.reuse and p.node.version not in self._held]
        if not fresh:
            return True
        self._lease([f"{USE}:{each.node.version}:{context.run_id}" for each in fresh])
        self._held.update(each.node.version for each in fresh)
        sealed = knowledge(context.db, context.store).sealed
        ids = [(each.node, [entry.fill for entry in each.reuse.values()]) for each in fresh]
        return all(sealed(node, taken).issuperset(taken) for node, taken in ids)

    def _compute(self, plan: Plan) -> frozenset[str]:
        """Run the plan's tasks; give the nodes that must be withheld (failed) or planned again (refused)."""
        tasks = compile_tasks(plan)
        if not tasks:
            return frozenset()
        context = self._context
        context.emit(Phase("build", len(tasks)))
        self._fills.load({fill for task in tasks for fill in (*fills_of(task.relations), *task.also_read)})
        self._lease(build_leases(tasks))
        finish_condemned(context.db, context.store, [slot.entry.fill for task in tasks for slot in task.slots])
        self._sealed = {name: self._sealed_before(node) for name, node in {t.node.name: t.node for t in tasks}.items()}
        with context.engine.one_thread_each() if are_many_and_small(tasks, self._bytes_of) else nullcontext():
            executed = execute(tasks, self._attempt, context.pace, context.emit, self._receive, self._terms(plan))
        failed = {task.node.name: executed.failures[task.id] for task in tasks if task.id in executed.failures}
        self._failures.update(failed)
        return frozenset(failed)

    def _terms(self, plan: Plan) -> Terms:
        context = self._context
        journal = StateJournal(
            context.db,
            run=context.run_id,
            environment=context.environment,
            worker=context.ticket.worker,
            because={name: each.because for name, each in plan.nodes.items()},
            reading=Reading(self._fills, self._observed.inspections),
            clock=context.clock,
        )
        limiter = limiter_of(context.graph.limits, context.db, context.holder, context.clock)
        return Terms(journal=journal, limiter=limiter, set_aside=context.ticket.set_aside)

    def _sealed_before(self, node: Node) -> frozenset[FillId]:
        """Somebody may have sealed fills while we waited for the lease; from now on it is ours."""
        context = self._context
        return context.store.sealed(node.name, node.version, pack_ids(context.db, node.name, node.version))

    def _bytes_of(self, fill: str) -> int:
        return self._fills[fill].bytes

    def _lease(self, names: Iterable[str]) -> None:
        """Say what is being computed or taken: who would compute the same waits, and then finds it."""
        context = self._context
        lease = hold(
            context.db,
            sorted(set(names)),
            context.holder,
            clock=context.clock,
            sleep=context.pace.rest,
            wait_s=context.wait_s,
        )
        self._leases.enter_context(lease)

    def _attempt(self, task: Task, number: int, meter: Meter) -> Receipt:
        context = self._context
        attempt = f"{context.token()}{number}"
        sealed = self._already(task)
        if sealed is not None:
            return sealed
        if task.node.python is None:
            return perform(task, attempt, context.engine, self._around, computing(context, task, self._around), meter)
        graph = needed(context.graph, task)
        names = {node.name for node in graph.nodes}
        request = Request(
            task=task,
            graph=graph,
            attempt=attempt,
            root=context.root,
            lake=context.lake,
            temp_directory=context.temp_directory,
            fills={fill: self._fills[fill] for fill in (*fills_of(task.relations), *task.also_read)},
            inspections={name: found for name, found in self._observed.inspections.items() if name in names},
            erased=erased_among(context.sources, names),
        )
        return perform_in_process(request, context.engine, context.emit, meter)

    def _already(self, task: Task) -> Receipt | None:
        """Somebody may have sealed all of a task's fills while we waited for the lease: then nothing is computed."""
        sealed = self._sealed[task.node.name]
        ids = [slot.entry.fill for slot in task.slots]
        if not sealed.issuperset(ids):
            return None
        store = self._context.store
        found = [store.find(task.node.name, task.node.version, fill) for fill in ids]
        whole = tuple(fill for fill in found if fill is not None and store.is_whole(fill))
        return Receipt(task=task.id, fills=whole) if len(whole) == len(ids) else None

    def _receive(self, receipt: Receipt) -> None:
        context = self._context
        self._fills.add(receipt.fills)
        self._receipts.append(receipt)
        self._book.add(receipt.measurements)
        refused = {verdict.subject for verdict in receipt.verdicts if verdict.failing}
        if refused:
            record(context.db, [fill for fill in receipt.fills if fill.id in refused], at=context.now)
        self._note(receipt.verdicts)
        for name, rows in receipt.set_aside.items():
            node = self._around.node(name)
            record_set_aside(context.db, node.rows_address, name, rows, context.now)

    def _is_refused(self, plan: Plan, guarded: Guarded) -> bool:
        """Whether a fill that was about to be taken has been refused (kept ones are judged by whoever moves)."""
        self._take(guarded)
        nodes = plan.nodes.values()
        taken = {entry.fill for each in nodes for entry in (*each.reuse.values(), *each.build.values())}
        return any(verdict.subject in taken for verdict in guarded.failing)

    def _forget(self, guarded: Guarded) -> None:
        """Let go of earlier verdicts of this run on the same: what stands before a fill may be other than it was."""
        again = {(verdict.subject, verdict.check) for verdict in guarded.fresh}
        self._verdicts = {key: verdict for key, verdict in self._verdicts.items() if key[:2] not in again}

    def _take(self, guarded: Guarded) -> None:
        self._note(guarded.fresh)
        self._verdicts.update(((v.subject, v.check, v.reads), v) for v in guarded.failing)

    def _note(self, verdicts: Sequence[Verdict]) -> None:
        """Remember verdicts: passes go into the state with the move, failures at once, because plans ask for them."""
        failing = [verdict for verdict in verdicts if verdict.failing]
        if failing:
            record_verdicts(self._context.db, failing, self._context.now)
        self._verdicts.update(((v.subject, v.check, v.reads), v) for v in verdicts)
        for verdict in verdicts:
            if verdict.failing:
                emit = self._context.emit
                emit(CheckFinished(verdict.node, verdict.name, verdict.failing, verdict.on_fail, verdict.slot))

    def _old(self, plan: Plan) -> Graph | None:
        return self._previous() if plan.changes_code else plan.graph


def _links_behind(plan: Plan, refused: AbstractSet[str]) -> frozenset[str]:
    """Give the chains whose folds were refused: a link that has entered stays, and with it what was refused."""
    chains = {name + CHANGES for name in refused}
    return frozenset(name for name in chains & plan.nodes.keys() if plan.nodes[name].node.kind == "links")
