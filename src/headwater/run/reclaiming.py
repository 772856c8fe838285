"""Deletes what a janitor has condemned: for the janitor, or for a run that needs such a fill and computes it anew."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from headwater.connect.stores import Store
from headwater.spec.addresses import FillId
from headwater.spec.fills import Fill
from headwater.state.compactions import fills_in_pack
from headwater.state.database import Database
from headwater.state.fills import condemned, shared_files
from headwater.state.janitor import forget
from headwater.state.packs import forget_packs, note_no_loose_files, unused_packs, with_loose_files

USE = "use"
"""``use:<version>:<run>``: a run takes fills of a version as they are; any number of runs may."""
BUILD = "build"
"""``build:<version>``: a run computes fills of a version; one at a time. ``build:<version>/<fill>``: only this one."""


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """What was deleted."""

    fills: int
    files: int
    bytes: int


def finish_condemned(db: Database, store: Store, ids: Iterable[FillId] | None = None) -> Reclaimed:
    """Delete the files of condemned fills (those of ``ids``, or all) and forget them, so that they can come back.

    Another process may do the same at the same time: what is gone is gone, and a fill computed anew meanwhile has
    files of other names.
    """
    wanted = None if ids is None else frozenset(ids)
    if wanted is not None and not wanted:
        return Reclaimed(0, 0, 0)
    gone = [fill for fill in condemned(db) if wanted is None or fill.id in wanted]
    freed = store.delete(gone, shared_files(db, gone)) if gone else 0
    forget(db, [fill.id for fill in gone])
    return Reclaimed(len(gone), sum(map(files_of, gone)), freed)


def tidy_packs(db: Database, store: Store, before: datetime) -> tuple[int, int]:
    """Delete what packing left over and nobody can still be reading; give files and bytes.

    That are the files which fills had for themselves until a time, and packs in which nothing has lain since then.
    """
    files = freed = 0
    for pack in with_loose_files(db, before):
        found = store.delete_loose(fills_in_pack(db, pack))
        files, freed = files + found[0], freed + found[1]
        note_no_loose_files(db, [pack])
    unused = {pack.id: pack for pack in unused_packs(db, before)}
    gone = [unused[pack] for pack in sorted(forget_packs(db, unused))]
    return files + 2 * len(gone), freed + store.delete_packs(gone)


def files_of(fill: Fill) -> int:
    """Count the files that a fill has for itself, its manifest among them."""
    return bool(fill.rejects_file) + (0 if fill.pack else len(fill.files) + 1)


def spared_versions(names: Iterable[str]) -> frozenset[str]:
    """Give the versions that leases name: somebody computes fills of them, or takes fills of them, right now."""
    parts = (name.split(":") for name in names)
    return frozenset(part[1].partition("/")[0] for part in parts if part[0] in {USE, BUILD} and len(part) > 1)
