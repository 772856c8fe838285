"""From a settled plan to the move that makes it visible: one transaction, and its copy in the lake."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from headwater.connect.stores import Store
from headwater.events import Emit, Moved
from headwater.graph.encoding import encode
from headwater.graph.values import Node
from headwater.plan.values import NodePlan, Plan
from headwater.run.measuring import drift_checks, map_checks
from headwater.spec.addresses import Digest, Version
from headwater.spec.fills import Fill
from headwater.spec.observations import Observation
from headwater.spec.releases import Change, Move, Release, ReleaseKind, VersionChange
from headwater.state.database import Database
from headwater.state.heads import settle as note_settled
from headwater.state.moves import move
from headwater.state.repair import release_document

if TYPE_CHECKING:
    from headwater.run.cycle import Settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who moves, when, and why."""

    kind: ReleaseKind
    at: datetime
    by: str
    commit: str = ""
    message: str = ""
    fence: tuple[str, int] | None = None
    run: str = ""


def move_of(settled: "Settled", signature: Signature) -> Move | None:
    """Give the move of a settled plan; None if the head stays as it is."""
    plan = settled.plan
    changes = tuple(_changes(plan))
    released = frozenset((name, *key) for name, each in plan.nodes.items() for key in each.released)
    if not (changes or released or _versions(plan) or (plan.changes_code and signature.kind == "apply")):
        return None
    taken: set[str] = {change.new.fill for change in changes if change.new}
    is_apply = signature.kind == "apply"
    return Move(
        environment=plan.environment,
        kind=signature.kind,
        at=signature.at,
        by=signature.by,
        commit=signature.commit,
        message=signature.message,
        code_before=plan.base,
        code=plan.graph.digest if is_apply else "",
        graph=encode(plan.graph) if is_apply and plan.changes_code else None,
        expected_versions=_expected_versions(plan),
        expected_rollups=_expected_rollups(plan),
        carried=frozenset(name for name, each in plan.nodes.items() if _is_carried(each.node)),
        versions=_versions(plan),
        changes=changes,
        fills=tuple(_fills(settled, taken)),
        verdicts=settled.verdicts,
        measurements=settled.measurements,
        observations=tuple(_observations(plan)),
        holds_cleared=released,
        settled={name: each.settles for name, each in plan.nodes.items() if each.settles},
        fence=signature.fence,
        run=signature.run,
    )


def make_move(db: Database, store: Store, planned: Move, release_id: str, emit: Emit) -> Release:
    """Move the head, then keep a copy of the release beside the rows; raises Conflict if somebody was faster."""
    store.make_durable(planned.fills)
    release = move(db, planned, release_id)
    keep_copy(db, store, release)
    emit(Moved(planned.environment, release.id, len(release.nodes), len(planned.changes)))
    return release


def keep_copy(db: Database, store: Store, release: Release) -> None:
    """Write a release's record into the lake, from which a lost state can be rebuilt."""
    store.put_release(release.environment, release.id, release_document(db, release.id))


def note_nothing_due(db: Database, plan: Plan) -> None:
    """Remember of which nodes nothing was due although inputs moved, so that the next plan is quick."""
    fresh = {
        name: each.settles
        for name, each in plan.nodes.items()
        if each.settles and not each.moves and name in plan.head.nodes and plan.head.nodes[name].settled != each.settles
    }
    if fresh:
        note_settled(db, plan.head, fresh)


def _changes(plan: Plan) -> Iterator[Change]:
    for name, each in plan.nodes.items():
        if each.settled:
            continue
        old = plan.head.entries_of(name) if name in plan.head.nodes else {}
        chosen = each.chosen
        for key in sorted(old.keys() | chosen.keys() if each.looked_at is None else each.looked_at):
            before, after = old.get(key), chosen.get(key)
            if before != after:
                yield Change(node=name, site=key[0], slot=key[1], old=before.fill if before else None, new=after)
    for name in plan.dropped:
        for (site, slot), entry in sorted(plan.head.entries_of(name).items()):
            yield Change(node=name, site=site, slot=slot, old=entry.fill, new=None)


def _is_carried(node: Node) -> bool:
    return node.kind == "links" or node.table != node.version


def _versions(plan: Plan) -> tuple[VersionChange, ...]:
    changed = [
        VersionChange(node=name, old=each.head_version, new=each.node.version)
        for name, each in plan.nodes.items()
        if each.is_new
    ]
    gone = [VersionChange(node=name, old=plan.head.nodes[name].version, new=None) for name in plan.dropped]
    return (*changed, *gone)


def _expected_versions(plan: Plan) -> dict[str, Version]:
    """A move of rows holds only while the nodes it moves, and those it read, have the versions it saw."""
    moved = [name for name, each in plan.nodes.items() if each.moves and not each.is_new]
    return {name: plan.nodes[name].node.version for name in moved}


def _expected_rollups(plan: Plan) -> Mapping[str, Digest]:
    """Nodes whose whole map some check has read must not have moved meanwhile."""
    read = {name for each in plan.nodes.values() for name in _read_by_checks(each.node)}
    read |= {name for name, each in plan.nodes.items() if each.moves and _reads_its_past(each.node)}
    tables = {table for name in read for table in _tables(plan, name)}
    return {name: plan.head.nodes[name].rollup for name in sorted(tables) if name in plan.head.nodes}


def _read_by_checks(node: Node) -> set[str]:
    checks = [check for check in map_checks(node) if check.on_fail == "block"]
    return {node.name, *(name for check in checks for name in check.reads)} if checks else set()


def _reads_its_past(node: Node) -> bool:
    return any(check.on_fail == "block" for check in drift_checks(node))


def _tables(plan: Plan, name: str) -> set[str]:
    each: NodePlan = plan.nodes[name]
    if each.node.kind in {"view", "inline"}:
        return {table for below in each.node.inputs for table in _tables(plan, below.node)}
    return {name} if each.node.kind != "source" else set()


def _fills(settled: "Settled", taken: set[str]) -> Iterator[Fill]:
    settled.fills.load(taken)
    for fill in sorted(taken):
        yield settled.fills[fill]


def _observations(plan: Plan) -> Iterator[Observation]:
    for facts in plan.sources.values():
        yield from facts.observations
