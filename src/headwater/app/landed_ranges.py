"""Landed ranges over time: which nobody needs any more, whether the others are whole, and a state that forgot them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby

from headwater.app.workspace import Workspace
from headwater.connect.stores import Store
from headwater.diagnostics import Conflict, Diagnostic, error
from headwater.graph.address_sources import landing_address
from headwater.graph.encoding import decode
from headwater.run.landing.extracting import LEASE
from headwater.run.leasing import hold
from headwater.spec.ranges import LandedRange, sound_ranges
from headwater.state.database import Database
from headwater.state.landings import every_range, forget_ranges, kept_codes, places, record_range
from headwater.state.observations import observed_paths
from headwater.state.releases import graph_of


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """What was given back, or would be."""

    files: int = 0
    bytes: int = 0


def take_up(db: Database, store: Store) -> None:
    """Record every sealed range that the state does not know: it is a new state, or somebody died before it did."""
    known = {(each.location, each.site, each.ordinal) for each in every_range(db)}
    rejects = {(each.location, each.site, each.ordinal): rows for each, rows in store.ranges.every()}
    for ranges in _by_place(db, store):
        for each in ranges[: sound_ranges(ranges, store.ranges.is_whole)]:
            key = (each.location, each.site, each.ordinal)
            if key not in known:
                record_range(db, each, rejects[key])


def _by_place(db: Database, store: Store) -> Iterator[list[LandedRange]]:
    """Give the ranges of each place, those that the state knows and those that only the lake does."""
    ranges = {(each.location, each.site, each.ordinal): each for each, _ in store.ranges.every()}
    ranges |= {(each.location, each.site, each.ordinal): each for each in every_range(db)}
    ordered = [ranges[key] for key in sorted(ranges)]
    yield from (list(group) for _, group in groupby(ordered, lambda each: (each.location, each.site)))


def unneeded_ranges(db: Database, keep_after: datetime, old: datetime) -> list[LandedRange]:
    """Give the ranges that can go, each place's in the order in which they must.

    Those of places that no environment and no release within ``keep`` reads and that nobody looked at since ``old``,
    and snapshots that others took the place of before all of that.
    """
    needed = _needed_locations(db, keep_after)
    recent = {(each.location, each.site) for each in places(db) if each.seen_at >= old}
    named = observed_paths(db)
    found: list[LandedRange] = []
    for place, group in groupby(every_range(db), lambda each: (each.location, each.site)):
        ranges = list(group)
        if place[0] not in needed and place not in recent:
            # From the last one back: what is left after a crash is a beginning, from which landing goes on.
            found += reversed(ranges) if all(each.at < old for each in ranges) else ()
        elif place[0] in needed:
            found += [each for each in _replaced(ranges, min(keep_after, old)) if each.file not in named]
    return found


def _needed_locations(db: Database, keep_after: datetime) -> set[str]:
    graphs = (graph_of(db, code) for code in kept_codes(db, keep_after))
    nodes = (node for body in graphs if body is not None for node in decode(body).nodes)
    return {landing_address(node) for node in nodes if node.source is not None and node.source.land}


def _replaced(ranges: list[LandedRange], before: datetime) -> Iterator[LandedRange]:
    """Snapshots with a later one in their place since before that time."""
    last = max((n for n, each in enumerate(ranges) if each.whole and each.at < before), default=0)
    yield from ranges[:last]


def give_back(workspace: Workspace, keep_after: datetime, old: datetime) -> Reclaimed:
    """Delete ranges that nobody needs; the state forgets them first, and places where somebody lands are left alone."""
    db, store, effects = workspace.db, workspace.store, workspace.effects
    take_up(db, store)
    freed = files = 0
    unneeded = unneeded_ranges(db, keep_after, old)
    for location, site in dict.fromkeys((each.location, each.site) for each in unneeded):
        holder = f"{workspace.user}:{effects.token()}"
        name = f"{LEASE}:{location}:{site}"
        try:
            with hold(db, [name], holder, clock=effects.clock, sleep=effects.sleep, wait_s=0.0):
                # Looked at again: somebody may have landed there, or begun to read it, meanwhile.
                still = unneeded_ranges(db, keep_after, old)
                ranges = [each for each in still if (each.location, each.site) == (location, site)]
                forget_ranges(db, ranges)
                freed += store.ranges.delete(ranges)
                files += sum(1 + bool(each.file) for each in ranges)
        except Conflict:
            continue  # somebody lands there right now: they are needed after all
    orphans = store.ranges.orphans(old)
    return Reclaimed(files + len(orphans), freed + store.delete_files(orphans))


def examine_ranges(db: Database, store: Store, *, hashes: bool, repair: bool) -> tuple[list[Diagnostic], list[str]]:
    """Compare all ranges with their files; ``repair`` forgets those that are damaged, so that they are landed again.

    With a range go those after it: landing goes on from the one before.
    """
    findings: list[Diagnostic] = []
    repaired: list[str] = []
    for ranges in _by_place(db, store):
        location, site = ranges[0].location, ranges[0].site
        first = sound_ranges(ranges, partial(store.ranges.is_whole, hashes=hashes))
        sealed = {landed.ordinal for landed, _ in store.ranges.sealed(location, site, 0)}
        if first < len(ranges):
            findings.append(_damaged(ranges[first]))
            lost = list(reversed(ranges[first:]))
            if repair:
                forget_ranges(db, lost)
                store.ranges.delete(lost)
                name = ranges[first].source
                repaired.append(f"{len(lost)} landed ranges of `{name}` were forgotten: the next run lands them again")
        for each in ranges[:first]:
            if each.ordinal not in sealed and repair:
                store.ranges.seal(each, ())
                repaired.append(f"the record of range {each.ordinal} of `{each.source}` was written again")
    return findings, repaired


def _damaged(landed: LandedRange) -> Diagnostic:
    hint = "bring the file back from a copy; or `headwater doctor --repair` forgets it, and it is landed again"
    message = (
        f"range {landed.ordinal} of source `{landed.source}`, or one before it, is missing or damaged: {landed.file}"
    )
    return error("HW0583", message, hint=hint)
