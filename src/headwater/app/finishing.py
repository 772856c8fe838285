"""The common end of apply, run and rollback: move the head, load the sinks, say what came of it."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace

from headwater.app.compacting import compact_nodes
from headwater.app.contexts import sink_maker
from headwater.app.kept_catalogs import keep_catalogs
from headwater.app.outcomes import BROKEN, CHECK_FAILED, DONE, MISTAKE, Outcome
from headwater.app.recovering import note_recovered, views_in_doubt
from headwater.app.workspace import Workspace
from headwater.diagnostics import Broken, Diagnostic, HeadwaterError, RowsRefused, Where, error, warning
from headwater.events import Phase
from headwater.graph.values import Check, Graph
from headwater.plan.values import NodePlan, Plan, Step
from headwater.run.context import Context, FillBook
from headwater.run.cycle import Planned, Settled
from headwater.run.loaded import LoadedSinks, sinks_of
from headwater.run.loading import load_sinks
from headwater.run.moving import Signature, make_move, move_of, note_nothing_due
from headwater.run.quality.scoring import score_nodes
from headwater.run.relations import Surroundings
from headwater.spec.quality import Score
from headwater.spec.releases import Move, Release, Verdict
from headwater.state.conditions import Condition, conditions, note_conditions
from headwater.state.heads import read_head


def release_settled(
    workspace: Workspace,
    planned: Planned,
    settled: Settled,
    signature: Signature,
    *,
    skipped: Set[str] = frozenset(),
) -> Outcome:
    """Make a settled plan visible and load the sinks, but those that are ``skipped``."""
    context = planned.context
    known = conditions(context.db, context.environment)
    doubtful = views_in_doubt(settled.plan, known)
    scores = score_nodes(settled.plan, settled.verdicts, settled.fills, context.db, doubtful)
    move = move_of(settled, signature)
    if move is not None:
        touched = {change.node for change in move.changes} | {change.node for change in move.versions}
        move = replace(move, scores={name: score for name, score in scores.items() if name in touched})
    release = _move(context, move) if move else None
    if move is None:
        note_nothing_due(context.db, settled.plan)
    note_conditions(context.db, context.environment, _fresh_conditions(known, settled, scores))
    note_recovered(context, settled, known, scores)
    sinks = load_released(workspace, context, move, skipped=skipped)
    moved = {change.node for change in move.changes} if move else set()
    _, left = compact_nodes(workspace, context.environment, (n for n in context.graph.nodes if n.name in moved))
    lagging = keep_catalogs(workspace, context.environment)
    found = (*verdict_diagnostics(settled, context.graph), *_failed(sinks), *left, *lagging)
    diagnostics = (*settled.plan.diagnostics, *found)
    code = exit_code_of(settled, sinks)
    plan = _with_loads(settled.plan, sinks)
    return Outcome(plan=plan, settled=settled, release=release, sinks=sinks, diagnostics=diagnostics, exit_code=code)


def _with_loads(plan: Plan, sinks: LoadedSinks) -> Plan:
    """Add what was loaded, or should have been, though its table has not moved: an earlier load had failed."""
    known = {step.node for step in plan.steps if step.action == "load"}
    behind = [name for name in (*sinks.loaded, *sinks.failures) if sinks.loaded.get(name, (1, 0))[0]]
    steps = [Step(action="load", node=n, because="it was left behind") for n in behind if n not in known]
    return replace(plan, steps=(*plan.steps, *steps)) if steps else plan


def _fresh_conditions(
    known: Mapping[str, Condition], settled: Settled, scores: Mapping[str, Score]
) -> dict[str, Condition]:
    """Say how the nodes are now, where that is not known already; nodes that were not selected stay as they were."""
    found: dict[str, Condition] = {}
    for name, each in settled.plan.nodes.items():
        if each.settled and not each.settles and name not in scores:
            continue
        before, withheld = known.get(name, Condition()), (len(each.blocked), len(each.waiting))
        if each.is_partial:  # what is true of the others is not known
            withheld = (max(before.blocked, withheld[0]), max(before.waiting, withheld[1]))
        score = scores[name].score if name in scores else None
        if score not in {None, before.score} or withheld != (before.blocked, before.waiting):
            found[name] = Condition(blocked=withheld[0], waiting=withheld[1], score=score)
    return found


def _move(context: Context, move: Move) -> Release:
    context.emit(Phase("move", len(move.changes)))
    return make_move(context.db, context.store, move, context.token(), context.emit)


def load_released(
    workspace: Workspace,
    context: Context,
    move: Move | None,
    *,
    only: str | None = None,
    skipped: Set[str] = frozenset(),
) -> LoadedSinks:
    """Bring the environment's sinks to what its head serves now; ``only`` those that follow a rollback in this way."""
    every = sinks_of(context.graph.sinks, context.environment)
    sinks = tuple(s for s in every if s.name not in skipped and (only is None or s.after_rollback == only))
    if not sinks:
        return LoadedSinks()
    context.emit(Phase("sink", len(sinks)))
    changed = frozenset((c.node, (c.site, c.slot)) for c in (move.changes if move else ()))
    head = read_head(context.db, context.environment)
    fills = FillBook(context.db, context.store)
    for sink in sinks:
        if sink.from_ in head.nodes:
            fills.load(entry.fill for entry in head.entries_of(sink.from_).values())
    around = Surroundings(
        graph=context.graph, store=context.store, sources=context.sources, inspections={}, fills=fills
    )
    return load_sinks(context, head, sinks, sink_maker(workspace, context.environment, context.emit), around, changed)


def exit_code_of(settled: Settled, sinks: LoadedSinks) -> int:
    """Give the exit code: an error beats a failed check."""
    failures = [*settled.failures.values(), *sinks.failures.values()]
    if any(isinstance(failure, Broken) for failure in failures):
        return BROKEN
    if failures:
        return CHECK_FAILED if all(isinstance(failure, RowsRefused) for failure in failures) else MISTAKE
    is_blocked = any(each.blocked for each in settled.plan.nodes.values())
    return CHECK_FAILED if settled.refused or is_blocked else DONE


def verdict_diagnostics(settled: Settled, graph: Graph) -> list[Diagnostic]:
    """Say what failed: tasks first, then blocking checks, then warnings."""
    found = [d for failure in settled.failures.values() for d in _diagnostics(failure)]
    checks = {check.address: check for node in graph.nodes for check in node.checks}
    found += _set_aside(settled)
    by_check: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in (*settled.refused, *settled.warned):
        by_check.setdefault((verdict.node, verdict.check), []).append(verdict)
    found += [_about_check(verdicts, checks.get(address)) for (_, address), verdicts in by_check.items()]
    judged = {verdict.node for verdict in settled.refused}
    found += [
        _still_refused(each) for each in settled.plan.nodes.values() if each.blocked and each.node.name not in judged
    ]
    return found


def _still_refused(each: NodePlan) -> Diagnostic:
    """A slot that was refused before stays red until its data or its check is mended."""
    slots = "1 slot" if len(each.blocked) == 1 else f"{len(each.blocked)} slots"
    message = f"{slots} of `{each.node.name}` withheld: a check refused the rows, or what they read failed"
    hint = f"`headwater status` shows them; mend the data or the check of `{each.node.name}`"
    return error("HW0401", message, Where(each.node.file, each.node.line), hint=hint)


def _set_aside(settled: Settled) -> Iterator[Diagnostic]:
    """Rows that scans of this run set aside (files that are inspected first have said so before)."""
    counts: dict[str, int] = {}
    for receipt in settled.receipts:
        for source, rows in receipt.set_aside.items():
            counts[source] = counts.get(source, 0) + sum(not row.recovered for row in rows)
    for source, count in counts.items():
        if count:
            what = "1 row" if count == 1 else f"{count:,} rows"
            message = f"{what} of source `{source}` set aside: outside its contract"
            yield warning("HW0316", message, hint=f"`headwater quarantine show {source}` shows them")


def _about_check(verdicts: list[Verdict], check: Check | None) -> Diagnostic:
    """One diagnostic a check, however many slots it failed in."""
    where = Where(check.file, check.line, check.column) if check else None
    verdict, failing = verdicts[0], sum(v.failing for v in verdicts)
    slots = sorted(v.slot for v in verdicts if v.slot and v.slot != "all")
    others = f" and {len(slots) - 1} more" if len(slots) > 1 else ""
    slot = f", slot {slots[0]}{others}" if slots else ""
    rows = "1 row fails" if failing == 1 else f"{failing:,} rows fail"
    message = f"check `{verdict.name}` of `{verdict.node}`{slot}: {verdict.detail or rows}"
    message = "\n".join([message, *next((v.examples for v in verdicts if v.examples), ())])
    if verdict.on_fail == "warn":
        return warning("HW0402", message, where)
    return error("HW0401", message, where, hint="the slot keeps what it had; mend the data or the check")


def _failed(sinks: LoadedSinks) -> list[Diagnostic]:
    return [d for failure in sinks.failures.values() for d in _diagnostics(failure)]


def _diagnostics(failure: HeadwaterError) -> Sequence[Diagnostic]:
    return failure.diagnostics
