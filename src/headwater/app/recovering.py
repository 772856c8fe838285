"""What failed or was kept back before, and is well again although nothing had to be computed for it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from headwater.plan.values import NodePlan, Plan
from headwater.run.context import Context
from headwater.run.cycle import Settled
from headwater.spec.quality import Score
from headwater.state.attempts import note_well
from headwater.state.conditions import Condition, note_scores
from headwater.state.runs import last_runs
from headwater.state.scores import score_history

_BEST = 100


def views_in_doubt(plan: Plan, known: Mapping[str, Condition]) -> frozenset[str]:
    """Give the views that were not as they should be: their checks may pass now, though no verdict is new."""
    views = (name for name, each in plan.nodes.items() if each.node.kind == "view")
    return frozenset(name for name in views if _is_doubtful(known.get(name)))


def note_recovered(
    context: Context, settled: Settled, known: Mapping[str, Condition], scores: Mapping[str, Score]
) -> None:
    """Take back what an earlier failure has left in the state, of tables where nothing is due or kept back any more.

    Their score is again that of the release that touched them last, their last attempt is this one.
    """
    whole = [name for name, each in settled.plan.nodes.items() if _is_whole(each) and name not in settled.failures]
    doubtful = [name for name in whole if name not in scores and _is_doubtful(known.get(name))]
    fresh = {name: score for name in doubtful for score in _last_score(context, name) if score != known[name].score}
    if fresh:
        note_scores(context.db, context.environment, fresh)
    _note_attempts(context, whole, {fill.node for receipt in settled.receipts for fill in receipt.fills})


def _is_doubtful(known: Condition | None) -> bool:
    return known is not None and known.score is not None and known.score < _BEST


def _is_whole(each: NodePlan) -> bool:
    """Whether all slots were looked at, and none is due that cannot be filled."""
    is_known = bool(each.settles) or not (each.settled or each.is_partial)
    return is_known and not (each.blocked or each.waiting or each.stuck)


def _last_score(context: Context, name: str) -> Iterable[float | None]:
    """Its score at its last release, without what was kept back then; nothing if there was none."""
    found = score_history(context.db, context.environment, name, 1)
    return [replace(each.score, withheld=0).score for each in found]


def _note_attempts(context: Context, whole: Iterable[str], computed: Collection[str]) -> None:
    last = last_runs(context.db, context.environment)
    well = sorted({name for name in whole if name in last and last[name].status != "done"}.difference(computed))
    if well:
        version = {node.name: node.version for node in context.graph.nodes}
        nodes = [(name, version[name]) for name in well]
        note_well(context.db, context.run_id, context.environment, nodes, context.clock())
