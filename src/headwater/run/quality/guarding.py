"""Checks that guard a head: on fills that are taken or kept, on whole maps, and on the files of sources."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from headwater.diagnostics import Where
from headwater.events import CheckFinished, Emit
from headwater.graph.values import Check, Graph, Node
from headwater.plan.reasons import added_checks, by_name
from headwater.plan.values import NodePlan, Plan
from headwater.run.engine import Engine, as_headwater_error
from headwater.run.measuring import count_failing, fill_checks, map_checks, verdict_of
from headwater.run.quality.failing_rows import sample
from headwater.run.relations import Surroundings, create_macros, define
from headwater.run.worker import check_fills
from headwater.spec.addresses import address
from headwater.spec.releases import Verdict, rollup
from headwater.sql.text import bind_parameters, literal, quote_relation
from headwater.state.database import Database
from headwater.state.verdicts import verdicts
from headwater.tasks.compile import relation_of


@dataclass(frozen=True, slots=True)
class Guarded:
    """What guarding found: fresh verdicts, and every blocking verdict that fails."""

    fresh: tuple[Verdict, ...]
    failing: tuple[Verdict, ...]
    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Node whose map a check read → the nodes that this involved."""


def guard_fills(
    plan: Plan,
    old: Graph | None,
    recent: Mapping[tuple[str, str, str], Verdict],
    db: Database,
    engine: Engine,
    around: Surroundings,
) -> Guarded:
    """Evaluate the one-fill checks of all taken fills, and of kept fills where checks were added.

    ``recent`` holds verdicts that are not in the state yet.
    """
    fresh: list[Verdict] = []
    failing: list[Verdict] = []
    before = by_name(old)
    for each in plan.nodes.values():
        checks = fill_checks(each.node)
        ids = sorted(_to_guard(each, plan, before.get(each.node.name))) if checks else []
        if not ids:
            continue
        found = _known(db, ids, checks, recent)
        missing = [fill for fill in ids if any((fill, check.address, "") not in found for check in checks)]
        if missing:
            with explained(each.node, around), engine.session(each.node.timezone) as session:
                fresh += check_fills(session, each.node, [around.fills[fill] for fill in missing], around)
        known, changed = as_now(checks, [v for v in found.values() if v.subject not in missing])
        fresh += changed
        judged = [*known, *(v for v in fresh if v.node == each.node.name)]
        failing += [v for v in dict.fromkeys(judged) if v.failing and v.on_fail == "block"]
    return Guarded(tuple(fresh), tuple(failing))


def as_now(checks: Iterable[Check], known: Iterable[Verdict]) -> tuple[list[Verdict], list[Verdict]]:
    """Give known verdicts with what their checks do now; of those that fail, once more the ones that did another."""
    settings = {check.address: check.on_fail for check in checks}
    before = list(known)
    now = [replace(each, on_fail=settings[each.check]) for each in before]
    return now, [each for each, was in zip(now, before, strict=True) if each.failing and each != was]


def _known(
    db: Database, ids: list[str], checks: tuple[Check, ...], recent: Mapping[tuple[str, str, str], Verdict]
) -> dict[tuple[str, str, str], Verdict]:
    keys = [(fill, check.address, "") for fill in ids for check in checks]
    found = {key: recent[key] for key in keys if key in recent}
    rest = sorted({fill for fill, check, _ in keys if (fill, check, "") not in found})
    return found | (verdicts(db, rest, [check.address for check in checks]) if rest else {})


def _to_guard(each: NodePlan, plan: Plan, old: Node | None) -> set[str]:
    taken: set[str] = {entry.fill for entry in (*each.reuse.values(), *each.build.values())}
    if not plan.changes_code:
        return taken
    if set(fill_checks(each.node)).isdisjoint(added_checks(old, each.node)):
        return taken
    kept = plan.head.entries_of(each.node.name) if each.settled else each.keep
    return taken | {entry.fill for entry in kept.values()}


def guard_maps(plan: Plan, db: Database, engine: Engine, around: Surroundings, emit: Emit) -> Guarded:
    """Evaluate the checks over whole maps, as they will be after the move, unless a verdict is known."""
    fresh: list[Verdict] = []
    failing: list[Verdict] = []
    involved: dict[str, frozenset[str]] = {}
    subjects = Subjects(plan)
    for each in plan.nodes.values():
        # A table that lacks slots is not going to be served: what its whole map looks like is no question.
        for check in map_checks(each.node) if _is_whole(each) else ():
            subject = subjects.of(each.node.name)
            reads = address(*(subjects.of(name) for name in check.reads)) if check.reads else ""
            found = verdicts(db, [subject], [check.address]).get((subject, check.address, reads))
            if found is None:
                count, examples = _evaluate(plan, each.node, check, engine, around)
                found = verdict_of(each.node, check, subject, count, reads=reads)
                found = replace(found, examples=examples)
                fresh.append(found)
                emit(CheckFinished(each.node.name, check.name, count, check.on_fail))
            elif found.failing and found.on_fail != check.on_fail:
                found = replace(found, on_fail=check.on_fail)
                fresh.append(found)
            if found.failing and check.on_fail == "block":
                failing.append(found)
            involved[each.node.name] = involved.get(each.node.name, frozenset()) | {each.node.name, *check.reads}
    return Guarded(tuple(fresh), tuple(failing), involved)


def _is_whole(each: NodePlan) -> bool:
    return not (each.is_new and (each.blocked or each.waiting or each.stuck))


def _evaluate(
    plan: Plan, node: Node, check: Check, engine: Engine, around: Surroundings
) -> tuple[int, tuple[str, ...]]:
    """How many rows fail, and a few of them."""
    now = {"now": literal(plan.now)}
    names = dict.fromkeys((node.name, *check.reads))
    with explained(node, around), engine.session(node.timezone) as session:
        define(session, [relation_of(plan, name) for name in names], around, now)
        values = {name: literal(value) for name, value in plan.graph.variables.items()} | now
        query = bind_parameters(check.failing, values)
        create_macros(session, plan.graph, [query], now)
        session.run(f'CREATE VIEW "this" AS SELECT * FROM {quote_relation(node.name)}')
        count = count_failing(session, query)
        return count, sample(session, plan.graph, node, check, query) if count else ()


@contextmanager
def explained(node: Node, around: Surroundings) -> Iterator[None]:
    """A check that the engine cannot evaluate on these rows is somebody's mistake: say whose."""
    try:
        yield
    except Exception as problem:
        where = Where(node.file, node.line)
        raise as_headwater_error(problem, f"checking `{node.name}`", where, store=around.store) from problem


class Subjects:
    """Addresses of the rows that whole nodes will serve after a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._found: dict[str, str] = {}

    def of(self, name: str) -> str:
        """Address of all rows of a node: its version with what it holds, or with what it reads."""
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, name: str) -> str:
        each = self._plan.nodes[name]
        if each.node.kind == "source":
            facts = self._plan.sources.get(name)
            return address(each.node.version, *(o.digest for o in facts.observations) if facts else ())
        if each.node.kind in {"view", "inline"}:
            return address(each.node.version, *(self.of(below.node) for below in each.node.inputs))
        if each.settled:
            return address(each.node.version, self._plan.head.nodes[name].rollup)
        return address(each.node.version, each.rollup or rollup((k, entry.digest) for k, entry in each.chosen.items()))


def culprits(plan: Plan, verdict: Verdict, reads: Iterable[str]) -> frozenset[str]:
    """Say whose changes to withhold so that a failing map check is as it was: the node's own, else what it reads."""
    if plan.nodes[verdict.node].node.kind == "source":
        return readers_due(plan, verdict.node)
    own = _tables(plan, verdict.node)
    moving = frozenset(name for name in own if plan.nodes[name].reuse or plan.nodes[name].build)
    if moving:
        return moving
    others = (name for read in reads for name in _tables(plan, read))
    return frozenset(name for name in others if plan.nodes[name].reuse or plan.nodes[name].build)


def readers_due(plan: Plan, name: str) -> frozenset[str]:
    """Give the tables that read a node, directly or through views, and have slots to compute or take."""
    return frozenset(each.node.name for each in readers(plan, name) if each.reuse or each.build)


def readers(plan: Plan, name: str) -> list[NodePlan]:
    """Give the nodes that read a node, directly or through views."""
    return [each for each in plan.nodes.values() if name in _sources(plan, each.node)]


def _sources(plan: Plan, node: Node) -> set[str]:
    names = {each.node for each in node.inputs}
    views = (plan.nodes[name].node for name in names if plan.nodes[name].node.kind in {"view", "inline"})
    return names.union(*(_sources(plan, view) for view in views))


def _tables(plan: Plan, name: str) -> list[str]:
    node = plan.nodes[name].node
    if node.kind in {"view", "inline"}:
        return [table for each in node.inputs for table in _tables(plan, each.node)]
    return [name]
