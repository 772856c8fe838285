"""Examines state and lake, even where neither opens; rebuilds a lost state from the lake, and lets go of lost rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headwater.app.landed_ranges import examine_ranges, take_up
from headwater.app.settings import Settings, find_root, read_settings
from headwater.app.workspace import Effects, state_if_any
from headwater.connect.stores import Store
from headwater.diagnostics import Diagnostic, HeadwaterError, error, has_errors
from headwater.run.moving import keep_copy
from headwater.spec.addresses import FillId
from headwater.spec.fills import Fill
from headwater.spec.releases import Change, Head, Move
from headwater.state.compactions import fills_in_pack
from headwater.state.database import Database, open_database
from headwater.state.environments import environments
from headwater.state.failures import lost
from headwater.state.fills import known, shared_files
from headwater.state.heads import read_head
from headwater.state.health import examine
from headwater.state.janitor import condemn, forget
from headwater.state.moves import move
from headwater.state.packs import forget_packs
from headwater.state.places import StatePlace, name_of
from headwater.state.releases import graph_of
from headwater.state.repair import rebuild
from headwater.state.replacing import beside, put_in_place, remove_rest

_REBUILT = frozenset({"HW0601", "HW0602", "HW0625"})
"""Findings after which the state is rebuilt; one of a newer version, or that lets nobody write, is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found, and what was done about it."""

    findings: tuple[Diagnostic, ...]
    repaired: tuple[str, ...] = ()
    """What a repair has done, in sentences."""
    set_aside: StatePlace | None = None
    """Where the damaged state was moved to."""
    remaining: tuple[Diagnostic, ...] = ()
    """What is still wrong after a repair; without one, what was found."""

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong (any more)."""
        return not has_errors(self.remaining)


@dataclass(slots=True, kw_only=True)
class _Visit:
    """What an examination needs, and what grows during it."""

    settings: Settings
    effects: Effects
    store: Store
    repair: bool
    hashes: bool
    findings: list[Diagnostic] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    set_aside: StatePlace | None = None
    packs: dict[str, bool] = field(default_factory=dict)
    """Files that many fills share and that were looked at: whether they are lost."""
    lost: dict[FillId, Fill] = field(default_factory=dict)
    """Fills that some head names and the lake no longer has whole."""


def doctor(root: Path, *, repair: bool = False, hashes: bool = True, effects: Effects | None = None) -> Report:
    """Examine a project's state and lake; with ``repair`` rebuild a lost or damaged state and let go of lost rows.

    ``hashes`` reads every byte that is served. Nothing is ever deleted but the rest of fills that are damaged: a state
    that cannot be used is renamed. Nobody else should work on the project during a repair.
    """
    settings, given = read_settings(find_root(root.absolute())), effects or Effects()
    try:
        visit = _visit(settings, given, repair=repair, hashes=hashes)
        after = _visit(settings, given, repair=False, hashes=False) if visit.repaired else visit
    except HeadwaterError as problem:
        return Report(findings=problem.diagnostics, remaining=problem.diagnostics)
    return Report(
        findings=tuple(visit.findings),
        repaired=tuple(visit.repaired),
        set_aside=visit.set_aside,
        remaining=tuple(after.findings),
    )


def _visit(settings: Settings, effects: Effects, *, repair: bool, hashes: bool) -> _Visit:
    from headwater.connectors.stores.lake import Lake

    visit = _Visit(settings=settings, effects=effects, store=Lake(settings.lake), repair=repair, hashes=hashes)
    visit.findings += visit.store.problems()
    found = _examine_state(visit)
    visit.findings += found
    if repair and any(each.code in _REBUILT for each in found):
        _rebuild(visit)
        found = () if visit.repaired else found
    if all(each.code == "HW0624" for each in found):
        _examine_heads(visit)
    return visit


def _examine_state(visit: _Visit) -> tuple[Diagnostic, ...]:
    try:
        with state_if_any(visit.settings) as db:
            if db is not None:
                return examine(db)
    except HeadwaterError as problem:
        return problem.diagnostics
    if next(iter(visit.store.releases()), None) is None:
        return ()
    return lost(visit.settings.state).diagnostics


def _rebuild(visit: _Visit) -> None:
    """Build a new state beside the old one, then let them change places; if it cannot be built, nothing changes."""
    place = visit.settings.state
    fresh = beside(place, visit.effects.token())
    try:
        with open_database(fresh) as db:
            visit.findings += rebuild(db, visit.store.every_fill(), visit.store.releases())
            take_up(db, visit.store)
            names = [row.name for row in environments(db)]
        visit.set_aside = put_in_place(fresh, place, visit.effects.clock())
    except HeadwaterError as problem:
        visit.findings += problem.diagnostics
        return
    except OSError as problem:
        message = f"the state `{place}` cannot be replaced: {problem.strerror}"
        visit.findings.append(error("HW0582", message, hint="check who may write there"))
        return
    finally:
        remove_rest(fresh)
    what = ", ".join(f"`{name}`" for name in names) or "no environment"
    visit.repaired.append(f"the state was rebuilt from the lake: {what}")
    if visit.set_aside:
        visit.repaired.append(f"the old state is kept as `{name_of(visit.set_aside)}`")


def _examine_heads(visit: _Visit) -> None:
    """Look at all that environments serve: its code and its rows."""
    try:
        with state_if_any(visit.settings) as db:
            if db is None:
                return
            for row in environments(db):
                if row.code and graph_of(db, row.code) is None:
                    hint = f"`headwater apply --env {row.name}` brings it back"
                    message = f"the code that `{row.name}` runs is not in the state"
                    visit.findings.append(error("HW0581", message, hint=hint))
                _examine_rows(visit, db, read_head(db, row.name))
            if visit.lost and visit.repair:
                _let_go(visit, db)
            found, repaired = examine_ranges(db, visit.store, hashes=visit.hashes, repair=visit.repair)
            visit.findings += found
            visit.repaired += repaired
    except HeadwaterError as problem:
        visit.findings += problem.diagnostics


def _examine_rows(visit: _Visit, db: Database, head: Head) -> None:
    for node in head.nodes:
        ids = {entry.fill for entry in head.entries_of(node).values()} - visit.lost.keys()
        for fill in known(db, ids).values():
            if _is_lost(visit, fill):
                visit.lost[fill.id] = fill
            elif not visit.store.has_manifest(fill):
                _restore_manifest(visit, db, fill)


def _is_lost(visit: _Visit, fill: Fill) -> bool:
    """Look at a fill's files; at a file that many fills share only once."""
    if fill.pack is None or fill.rejects_file:
        found = visit.store.verify(fill, hashes=visit.hashes)
        visit.findings += found
        return bool(found)
    if fill.pack.id not in visit.packs:
        found = visit.store.verify(fill, hashes=visit.hashes)
        visit.findings += found
        visit.packs[fill.pack.id] = bool(found)
    return visit.packs[fill.pack.id]


def _restore_manifest(visit: _Visit, db: Database, fill: Fill) -> None:
    message = f"the manifest of `{fill.node}`, slot {fill.slot}, is missing"
    hint = "`headwater doctor --repair` writes it again: its rows are whole"
    visit.findings.append(error("HW0580", message, hint=hint))
    if visit.repair:
        fills = fills_in_pack(db, fill.pack.id) if fill.pack else (fill,)
        visit.store.make_durable(visit.store.seal_all(fills))
        visit.repaired.append(f"the manifest of `{fill.node}`, slot {fill.slot}, was written again")


def _let_go(visit: _Visit, db: Database) -> None:
    """Take lost rows out of every head, so that they are due; then forget the fills, so that they can be computed."""
    for row in environments(db):
        head = read_head(db, row.name)
        changes = tuple(_changes(head, visit.lost))
        if not changes:
            continue
        change = Move(
            environment=row.name,
            kind="run",
            at=visit.effects.clock(),
            by="doctor",
            message="rows that the lake has lost",
            expected_versions={c.node: head.nodes[c.node].version for c in changes},
            changes=changes,
        )
        release = move(db, change, visit.effects.token())
        keep_copy(db, visit.store, release)
        visit.repaired.append(f"{len(changes)} slots of `{row.name}` are due: `headwater run --env {row.name}`")
    gone = condemn(db, visit.lost)
    lost = [fill for name, fill in visit.lost.items() if name in gone]
    visit.store.delete(lost, shared_files(db, lost))
    forget(db, gone)
    packs = {fill.pack.id: fill.pack for fill in visit.lost.values() if fill.pack}
    visit.store.delete_packs([packs[pack] for pack in forget_packs(db, packs)])


def _changes(head: Head, lost: Mapping[FillId, Fill]) -> Iterator[Change]:
    for node in head.nodes:
        for (site, slot), entry in sorted(head.entries_of(node).items()):
            if entry.fill in lost:
                yield Change(node=node, site=site, slot=slot, old=entry.fill, new=None)
