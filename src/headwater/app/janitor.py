"""Gives back what nobody needs: condemned in the state first, deleted from the lake, then forgotten."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from headwater.app.compacting import compact_all
from headwater.app.environments import remove_environment
from headwater.app.forgetting import runs_after
from headwater.app.landed_ranges import give_back, unneeded_ranges
from headwater.app.retaining import let_go
from headwater.app.workspace import Workspace
from headwater.diagnostics import Diagnostic
from headwater.run.leasing import hold
from headwater.run.reclaiming import files_of, finish_condemned, spared_versions, tidy_packs
from headwater.spec.addresses import FillId
from headwater.spec.fills import Fill
from headwater.state.compactions import Compaction
from headwater.state.database import Database
from headwater.state.environments import environments
from headwater.state.fills import condemned, known, record, recorded
from headwater.state.forgetting import forget_runs, old_runs
from headwater.state.janitor import condemn, unreferenced
from headwater.state.leases import live_leases
from headwater.state.packs import known_packs
from headwater.state.run_events import forget_events

LONGEST_TASK_S = 86400.0
"""Files that no manifest names may belong to a task for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What was (or, in a dry run, would be) given back."""

    fills: int
    files: int
    """Files of these fills, manifests among them."""
    bytes: int
    """Bytes of fills and orphans."""
    environments: tuple[str, ...] = ()
    """Environments that had expired."""
    orphans: int = 0
    """Files that belong to nothing: attempts that were given up, and what packing has left over."""
    runs: int = 0
    """Runs whose records are forgotten."""
    packed: tuple[Compaction, ...] = ()
    """What was packed into fewer files."""
    diagnostics: tuple[Diagnostic, ...] = ()
    dry_run: bool = False


def janitor(
    workspace: Workspace, *, dry_run: bool = False, longest_task_s: float = LONGEST_TASK_S, wait_s: float = 0.0
) -> Cleaned:
    """Delete fills that no head, no release within ``keep`` and no run names, orphans, and expired environments.

    Runs that ended long ago are forgotten (``RUNS_S``), and logs that are older than ``keep``. Slots that policies keep
    no longer (``retain``) leave environments and releases first; a dry run does not count those.

    Afterwards pack what environments serve from many small files.

    Runs and applies may go on meanwhile. Raises Conflict if another janitor is at work for longer than ``wait_s``.
    """
    effects = workspace.effects
    if dry_run:
        return _preview(workspace, longest_task_s)
    holder = f"{workspace.user}:{effects.token()}"
    with hold(workspace.db, ["janitor"], holder, clock=effects.clock, sleep=effects.sleep, wait_s=wait_s):
        cleaned = _clean(workspace, longest_task_s, wait_s)
        packed, found = compact_all(workspace)
        return replace(cleaned, packed=packed, diagnostics=found)


def _clean(workspace: Workspace, longest_task_s: float, wait_s: float) -> Cleaned:
    db, store, now = workspace.db, workspace.store, workspace.effects.clock()
    expired = tuple(_expired(db, now))
    for name in expired:
        remove_environment(workspace, name, wait_s=wait_s)
    let_go(workspace)
    old = now - timedelta(seconds=longest_task_s)
    lost = [*store.unlisted(old, _listed(db)), *store.unlisted_packs(old, known_packs(db))]
    keep_after = now - timedelta(seconds=workspace.settings.keep_s)
    with db.write():
        # What was sealed, but never recorded, gets a record first: only what the state condemns is deleted.
        record(db, lost)
        ids = [fill.id for fill in _unneeded(db, keep_after, now)]
        condemn(db, ids, keep_after=keep_after)
    done = finish_condemned(db, store)
    orphans = _orphans(workspace, old)
    freed = store.delete_files(orphans)
    left_files, left_bytes = tidy_packs(db, store, old)
    ranges = give_back(workspace, keep_after, old)
    forget_events(db, keep_after)
    forgotten = old_runs(db, runs_after(workspace, now))
    forget_runs(db, forgotten, runs_after(workspace, now))
    return Cleaned(
        fills=done.fills,
        files=done.files + ranges.files,
        bytes=done.bytes + freed + left_bytes + ranges.bytes,
        environments=expired,
        orphans=len(orphans) + left_files,
        runs=len(forgotten),
    )


def _preview(workspace: Workspace, longest_task_s: float) -> Cleaned:
    """Say what would go; what only expired environments keep is not counted."""
    db, now = workspace.db, workspace.effects.clock()
    old = now - timedelta(seconds=longest_task_s)
    keep_after = now - timedelta(seconds=workspace.settings.keep_s)
    fills = {fill.id: fill for fill in (*_unneeded(db, keep_after, now), *condemned(db))}
    fills |= {fill.id: fill for fill in workspace.store.unlisted(old, _listed(db))}
    orphans = _orphans(workspace, old)
    ranges = unneeded_ranges(db, keep_after, old)
    return Cleaned(
        fills=len(fills),
        files=sum(map(files_of, fills.values())) + sum(1 + bool(each.file) for each in ranges),
        bytes=sum(fill.bytes for fill in fills.values()) + sum(map(_size, orphans)) + sum(r.bytes for r in ranges),
        environments=tuple(_expired(db, now)),
        orphans=len(orphans),
        runs=len(old_runs(db, runs_after(workspace, now))),
        dry_run=True,
    )


def _expired(db: Database, now: datetime) -> Iterator[str]:
    for row in environments(db):
        if row.expires is not None and row.expires <= now:
            yield row.name


def _unneeded(db: Database, keep_after: datetime, now: datetime) -> list[Fill]:
    """Fills that nobody names, without those of versions that some run computes or takes right now."""
    spared = spared_versions(live_leases(db, now))
    return [fill for fill in unreferenced(db, keep_after, frozenset()) if fill.version not in spared]


def _listed(db: Database) -> Callable[[Sequence[FillId]], Collection[FillId]]:
    """Answer which fills the state knows, condemned ones too."""
    return lambda ids: recorded(db, ids) | {fill.id for fill in condemned(db)}


def _orphans(workspace: Workspace, older_than: datetime) -> list[Path]:
    """Files without a manifest, unless the state knows them: a manifest that is lost does not take its rows along."""
    packs = known_packs(workspace.db)
    found = [path for path in workspace.store.orphans(older_than) if path.name.partition("-")[0] not in packs]
    fills = known(workspace.db, {FillId(path.name.partition("-")[0]) for path in found})
    named = {name for fill in fills.values() for name in (fill.rejects_file, *(file.name for file in fill.files))}
    return [path for path in found if path.name not in named]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
