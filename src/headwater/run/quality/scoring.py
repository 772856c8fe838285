"""How good what a run brings is, node by node: what its checks found, what was set aside, what was kept back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from headwater.graph.values import Check
from headwater.plan.values import NodePlan, Plan
from headwater.run.context import FillBook
from headwater.run.quality.guarding import Subjects
from headwater.spec.addresses import FillId
from headwater.spec.fills import Entry
from headwater.spec.quality import Score
from headwater.spec.releases import Verdict
from headwater.state.database import Database
from headwater.state.verdicts import verdicts

_WEIGHTS = {"block": 3, "warn": 1}
_Known = Mapping[tuple[str, str], Verdict]
"""(subject, check) → verdict."""


def score_nodes(
    plan: Plan, found: Iterable[Verdict], fills: FillBook, db: Database, again: frozenset[str] = frozenset()
) -> dict[str, Score]:
    """Give node → score, where something was brought, checked or kept back; ``found`` are the verdicts of this run.

    ``again`` names nodes that are scored in any case, by what is known.
    """
    fresh = {(verdict.subject, verdict.check): verdict for verdict in found}
    checked = {verdict.node for verdict in fresh.values()} | again
    subjects = Subjects(plan)
    return {
        name: _score(plan, each, fresh, subjects, fills, db)
        for name, each in plan.nodes.items()
        if each.node.kind not in {"source", "inline"} and (each.moves or _withheld(each) or name in checked)
    }


def _withheld(each: NodePlan) -> int:
    return len(each.blocked) + len(each.waiting) + len(each.stuck)


def _score(plan: Plan, each: NodePlan, fresh: _Known, subjects: Subjects, fills: FillBook, db: Database) -> Score:
    taken: list[Entry] = [*each.reuse.values(), *each.build.values()]
    fills.load(entry.fill for entry in taken)
    brought = [fills[entry.fill] for entry in taken]
    return Score(
        checks=_passed(each, [*(fill.id for fill in brought), *_kept(plan, each, fresh)], fresh, subjects, db),
        rows=sum(fill.rows for fill in brought),
        rejects=sum(fill.rejects for fill in brought),
        slots=len(brought),
        withheld=_withheld(each),
    )


def _kept(plan: Plan, each: NodePlan, fresh: _Known) -> Iterator[FillId]:
    """Fills that stay, and that this run has judged: a check was added, or their slot has ended."""
    judged = {subject for (subject, _), verdict in fresh.items() if verdict.node == each.node.name}
    judged -= {entry.fill for entry in (*each.reuse.values(), *each.build.values())}
    if judged:
        kept = plan.head.entries_of(each.node.name) if each.settled else each.keep
        yield from (entry.fill for entry in kept.values() if entry.fill in judged)


def _passed(each: NodePlan, ids: Sequence[str], fresh: _Known, subjects: Subjects, db: Database) -> float | None:
    """Share of verdicts that pass, by the weight of their checks; each check counts once, however many slots it has."""
    checks = [check for check in each.node.checks if check.on_fail in _WEIGHTS]
    if not checks:
        return None
    has_maps = any(check.scope == "map" for check in checks)
    every = [*ids, subjects.of(each.node.name)] if has_maps else ids
    known = {key[:2]: verdict for key, verdict in verdicts(db, every, [check.address for check in checks]).items()}
    shares = list(_shares(checks, every, {**known, **fresh}))
    total = sum(weight for weight, _ in shares)
    return sum(weight * share for weight, share in shares) / total if total else None


def _shares(checks: Sequence[Check], subjects: Sequence[str], known: _Known) -> Iterator[tuple[int, float]]:
    """(weight, share of subjects on which it passed) of every check that has a verdict on any of them."""
    for check in checks:
        keys = ((subject, check.address) for subject in subjects)
        mine = [not known[key].failing for key in keys if key in known]
        if mine:
            yield _WEIGHTS[check.on_fail], sum(mine) / len(mine)
