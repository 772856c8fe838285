"""How good a node has been: its score release by release, its rows slot by slot, and what its checks found."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from headwater.app.contexts import released_graph
from headwater.app.reading import require_served
from headwater.app.workspace import Workspace
from headwater.graph.values import Check, Graph, Node
from headwater.plan.drift import OPEN
from headwater.run.context import FillBook
from headwater.run.quality.failing_rows import rows_failing
from headwater.run.relations import Surroundings
from headwater.run.serving import served_address
from headwater.spec.addresses import HUB, FillId
from headwater.spec.releases import Head, SlotKey, Verdict
from headwater.state.conditions import Condition, conditions
from headwater.state.fills import known
from headwater.state.heads import read_head
from headwater.state.measurements import last_entries
from headwater.state.scores import ReleaseScore, score_history
from headwater.state.verdicts import failing_verdicts, verdicts

SHOWN = 30
"""Releases and slots that are shown unless told otherwise."""
_MOST_FAILING = 10
_MOST_SEARCHED = 500


@dataclass(frozen=True, slots=True)
class SlotRows:
    """How many rows a slot has, and how many its node's checks set aside."""

    slot: str
    rows: int
    rejects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """What a check found in the slots that are shown, or in the whole table."""

    check: str
    on_fail: str
    passed: int
    failed: int
    last: str = ""
    """What it found last, in numbers, where it says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A check that failed, and a few of the rows that fail (JSON, what is classified covered)."""

    check: str
    on_fail: str
    slot: str
    failing: int
    detail: str
    is_served: bool
    """Whether the rows are served all the same (it only warns), or were refused."""
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeQuality:
    """How good a node of an environment is, and was; releases and slots from old to new."""

    environment: str
    node: str
    score: float | None
    """That of the last apply or run; None: nothing was checked yet."""
    blocked: int
    releases: tuple[ReleaseScore, ...]
    slots: tuple[SlotRows, ...]
    checks: tuple[CheckRecord, ...]
    failing: tuple[Failing, ...]


_Found = Mapping[tuple[str, str], Verdict]
"""(subject, check) → verdict."""


def node_quality(workspace: Workspace, environment: str, name: str, *, limit: int = SHOWN) -> NodeQuality:
    """Say how good a node is; raises Invalid if the environment serves no node of that name."""
    db = workspace.db
    with db.read():
        head = read_head(db, environment)
        graph = released_graph(db, environment, head.code)
        require_served(graph, head, name)
        node = next(each for each in graph.nodes if each.name == name)
        entries = dict(sorted(last_entries(db, environment, name, HUB, limit).items()))
        condition = conditions(db, environment).get(name, Condition())
        subjects = [*entries.values(), served_address(graph, head, name)]
        found = _verdicts(workspace, node, subjects)
        refused = _refused(workspace, node, condition.blocked, frozenset(_served(head, name)))
        return NodeQuality(
            environment=environment,
            node=name,
            score=condition.score,
            blocked=condition.blocked,
            releases=score_history(db, environment, name, limit)[::-1],
            slots=tuple(_rows(workspace, entries)),
            checks=tuple(_records(node, subjects, found)),
            failing=tuple(_failing(workspace, graph, node, [v for v in found.values() if v.failing], refused)),
        )


def _served(head: Head, name: str) -> Iterator[str]:
    for entry in head.entries_of(name).values():
        yield entry.fill


def _rows(workspace: Workspace, entries: Mapping[SlotKey, str]) -> Iterator[SlotRows]:
    fills = known(workspace.db, [FillId(fill) for fill in entries.values()])
    for (_, slot), fill in entries.items():
        if fill in fills:
            yield SlotRows(slot, fills[FillId(fill)].rows, fills[FillId(fill)].rejects)


def _verdicts(workspace: Workspace, node: Node, subjects: Iterable[str]) -> _Found:
    """Verdicts by subject and check; of several, by what else was read, the one that says most."""
    asked = verdicts(workspace.db, subjects, [check.address for check in node.checks])
    ordered = sorted(
        asked.values(), key=lambda each: (each.reads != OPEN, (each.failing > 0) == (each.on_fail == "warn"))
    )
    return {(verdict.subject, verdict.check): verdict for verdict in ordered}


def _records(node: Node, subjects: Iterable[str], found: _Found) -> Iterator[CheckRecord]:
    asked = list(subjects)
    for check in node.checks:
        mine = [found[subject, check.address] for subject in asked if (subject, check.address) in found]
        if mine:
            failed = sum(verdict.failing > 0 for verdict in mine)
            yield CheckRecord(
                check=check.name,
                on_fail=check.on_fail,
                passed=len(mine) - failed,
                failed=failed,
                last=mine[-1].detail,
            )


def _refused(workspace: Workspace, node: Node, blocked: int, served: frozenset[str]) -> list[Verdict]:
    """The last failing verdicts on rows that were to come in and did not, one a slot and check."""
    if not blocked:
        return []
    checks = {check.address for check in node.checks if check.on_fail == "block"}
    found: dict[tuple[str, str], Verdict] = {}
    slots: set[str] = set()
    for verdict, _ in failing_verdicts(workspace.db, node.name, _MOST_SEARCHED):
        at = (verdict.slot, verdict.check)
        is_new = verdict.check in checks and verdict.subject not in served and at not in found
        if is_new and (verdict.slot in slots or len(slots) < blocked):
            found[at] = verdict
            slots.add(verdict.slot)
    return list(found.values())


def _failing(
    workspace: Workspace, graph: Graph, node: Node, served: list[Verdict], refused: list[Verdict]
) -> Iterator[Failing]:
    checks = {check.address: check for check in node.checks}
    newest = sorted(served, key=lambda verdict: verdict.slot, reverse=True)
    wanted = [(verdict, False) for verdict in refused] + [(verdict, True) for verdict in newest]
    for verdict, is_served in wanted[:_MOST_FAILING]:
        yield Failing(
            check=verdict.name,
            on_fail=verdict.on_fail,
            slot=verdict.slot,
            failing=verdict.failing,
            detail=verdict.detail,
            is_served=is_served,
            rows=_examples(workspace, graph, checks[verdict.check], verdict),
        )


def _examples(workspace: Workspace, graph: Graph, check: Check, verdict: Verdict) -> tuple[str, ...]:
    """Rows that fail, from the fill, where it is one and still there."""
    fills = FillBook(workspace.db, workspace.store)
    if check.examples:
        fills.load([verdict.subject])
    if not check.examples or verdict.subject not in fills.found:
        return ()
    around = Surroundings(graph=graph, store=workspace.store, sources={}, inspections={}, fills=fills)
    workspace.temporary.mkdir(parents=True, exist_ok=True)
    return rows_failing(workspace.engine, around, check, fills[verdict.subject])
