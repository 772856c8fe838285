"""Packs the small files of a node's many slots into few: fills stay what they are, only their rows lie elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from headwater.connect.stores import Store
from headwater.diagnostics import Broken
from headwater.graph.values import Node
from headwater.plan.calendar import Calendar, start_of
from headwater.run.engine import Engine, Session
from headwater.run.leasing import hold
from headwater.run.packs.reading import is_slot, own_select, ranges_of
from headwater.run.packs.writing import pack_time, write_pack
from headwater.run.reclaiming import USE
from headwater.spec.addresses import Slot
from headwater.spec.fills import Fill, PackTime
from headwater.sql.text import quote_identifier
from headwater.state.compactions import Compaction, Repacked, fills_in_small_packs, loose_fills, repack
from headwater.state.database import Database

MOST_FILLS = 20_000
"""Fills in one pack: its manifest names each."""
_FEW_FILLS = 1000
"""A pack of as many is not small, however few bytes it has: rows are not written again and again."""
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Limits:
    """From how many small files on they are packed, and how large a packed file should become."""

    after: int = 64
    to_bytes: int = 128_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """What packing is given: where rows lie, and every effect that it may have."""

    db: Database
    store: Store
    engine: Engine
    limits: Limits
    environment: str
    by: str
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    token: Callable[[], str]


def compact(packing: Packing, node: Node) -> Compaction | None:
    """Pack what an environment serves of a node, if it lies in many small files; None if there is nothing to do.

    Slots that have not ended, and those of an hour that has not ended, are left alone. Raises Conflict if somebody
    else packs the same, or gives up some of it, meanwhile.
    """
    if node.time is None or not node.time.every:
        return None
    batches = list(_batches(packing, node))
    if not batches:
        return None
    token = packing.token()
    versions = sorted({fill.version for batch in batches for fill in batch})
    names = [name for each in versions for name in (f"{USE}:{each}:{token}", f"pack:{each}")]
    with hold(packing.db, names, token, clock=packing.clock, sleep=packing.sleep, wait_s=0.0), ExitStack() as undo:
        with packing.engine.session(node.timezone) as session:
            made = [_pack(session, packing, batch, pack_time(node.time), token, undo) for batch in batches]
        packing.store.make_durable([fill for each in made for fill in each.after])
        found = Compaction(
            environment=packing.environment,
            at=packing.clock(),
            by=packing.by,
            node=node.name,
            fills=sum(len(batch) for batch in batches),
            files=sum(_files(batch) for batch in batches),
            packs=len(batches),
        )
        repack(packing.db, made, found)
        undo.pop_all()
    return found


def move_out(packing: Packing, left: Sequence[Fill]) -> Compaction | None:
    """Write the fills that stay of packs whose other fills are condemned into packs of their own; None: there is none.

    Raises Conflict if somebody else packs the same, or gives up some of it, meanwhile.
    """
    packs: dict[str, list[Fill]] = {}
    for fill in left:
        if fill.pack is not None:
            packs.setdefault(fill.pack.id, []).append(fill)
    if not packs:
        return None
    token = packing.token()
    versions = sorted({fill.version for batch in packs.values() for fill in batch})
    names = [name for each in versions for name in (f"{USE}:{each}:{token}", f"pack:{each}")]
    with hold(packing.db, names, token, clock=packing.clock, sleep=packing.sleep, wait_s=0.0), ExitStack() as undo:
        made: list[Repacked] = []
        for batch in packs.values():
            pack = batch[0].pack
            assert pack is not None  # noqa: S101 - see above
            with packing.engine.session(pack.time.timezone) as session:
                in_order = sorted(batch, key=lambda fill: (fill.slot, fill.site))
                made.append(_pack(session, packing, in_order, pack.time, packing.token(), undo))
        packing.store.make_durable([fill for each in made for fill in each.after])
        found = Compaction(
            environment=packing.environment,
            at=packing.clock(),
            by=packing.by,
            node=made[0].pack.node,
            fills=sum(map(len, packs.values())),
            files=2 * len(packs),
            packs=len(packs),
        )
        repack(packing.db, made, found)
        undo.pop_all()
    return found


def _pack(
    session: Session, packing: Packing, batch: Sequence[Fill], time: PackTime, token: str, undo: ExitStack
) -> Repacked:
    """Write and seal one pack, and make sure that it holds the rows it should; ``undo`` learns how to delete it."""
    store, select = packing.store, own_select(packing.store, batch)
    after = write_pack(session, store, select, batch, [fill.rows for fill in batch], time, token)
    pack = after[0].pack
    assert pack is not None  # noqa: S101 - it was just made
    undo.callback(store.delete_packs, [pack])
    written = own_select(store, after)
    same = _sum(session, select) == _sum(session, written)
    if not same or _counts(session, written, time, batch) != [fill.rows for fill in batch if fill.rows]:
        hint = "they stay where they are; `headwater doctor` looks whether they are damaged"
        message = f"the files of `{pack.node}` do not hold the rows that their manifests promise, and are not packed"
        raise Broken.of("HW0591", message, hint=hint)
    store.seal_all(after)
    return Repacked(pack=pack, before=batch, after=after)


def _sum(session: Session, select: str) -> tuple[object, ...]:
    """Count rows and add up their hashes: equal for the same rows in any order."""
    return session.rows(f"SELECT count(*), sum(CAST(hash(each_row) AS HUGEINT)) FROM ({select}) AS each_row")[0]


def _counts(session: Session, select: str, time: PackTime, batch: Sequence[Fill]) -> list[int]:
    """Count the rows of each slot that should have some, by its interval."""
    filled = [fill.slot for fill in batch if fill.rows]
    if not filled:
        return []
    listed = ", ".join(f"({n}, {ranges_of(time, [slot])[0][0]})" for n, slot in enumerate(filled))
    starts = f"(VALUES {listed}) AS slots(hw_slot, hw_first)"
    joined = f"ASOF JOIN {starts} ON each_row.{quote_identifier(time.column)} >= slots.hw_first"
    counted = dict(session.rows(f"SELECT hw_slot, count(*) FROM ({select}) AS each_row {joined} GROUP BY 1"))
    return [counted.get(number, 0) for number in range(len(filled))]


def _files(batch: Sequence[Fill]) -> int:
    """Count files with rows, and manifests."""
    return sum(len(fill.files) + 1 for fill in batch if fill.pack is None) + 2 * _packs(batch)


def _batches(packing: Packing, node: Node) -> Iterator[list[Fill]]:
    """Say which fills go into one pack: loose ones first; if there are none, packs that are still small."""
    assert node.time is not None  # noqa: S101 - asked by the caller
    calendar, limits, now = Calendar.of(node.time.every, node.time.timezone), packing.limits, packing.clock()
    of_hour = _HOUR_S // (calendar.every.step_s or _HOUR_S)
    enough = min(limits.after, of_hour) if of_hour > 1 else limits.after
    loose = loose_fills(packing.db, packing.environment, node.name, enough)
    found = [fill for fill in loose if fill.bytes < limits.to_bytes // 2 and _has_ended(calendar, fill, now, of_hour)]
    for fills in _alike(found):
        if len(fills) >= enough:
            yield from _cut(fills, limits, enough if of_hour > 1 else MOST_FILLS)
    if not found:
        below, fewest = (limits.to_bytes // 2, _FEW_FILLS), max(2, limits.after)
        small = fills_in_small_packs(packing.db, packing.environment, node.name, below=below, fewest=fewest)
        for fills in _alike(small):
            if _packs(fills) >= limits.after:
                yield from (each for each in _cut(fills, limits, MOST_FILLS) if _packs(each) > 1)


def _packs(fills: Sequence[Fill]) -> int:
    return len({fill.pack.id for fill in fills if fill.pack})


def _has_ended(calendar: Calendar, fill: Fill, now: datetime, of_hour: int) -> bool:
    if not is_slot(fill.slot):
        return False
    end = calendar.interval(fill.slot)[1]
    return (_hour(fill.slot) + 1) * _HOUR_S <= now.timestamp() if of_hour > 1 else end <= now


def _hour(slot: Slot) -> int:
    return int(start_of(slot).astimezone(UTC).timestamp()) // _HOUR_S


def _alike(fills: Sequence[Fill]) -> list[list[Fill]]:
    """Group fills that can lie in one file: of one version and site, with the same columns."""
    groups: dict[object, list[Fill]] = {}
    for fill in fills:
        groups.setdefault((fill.version, fill.site, fill.columns), []).append(fill)
    return list(groups.values())


def _cut(fills: Sequence[Fill], limits: Limits, enough: int) -> Iterator[list[Fill]]:
    """Cut fills into packs: where one gets too large, and at the end of an hour once there are ``enough``."""
    batch: list[Fill] = []
    size = 0
    for fill in fills:
        is_full = size + fill.bytes > limits.to_bytes or len(batch) >= MOST_FILLS
        if batch and (is_full or (len(batch) >= enough and _hour(fill.slot) != _hour(batch[-1].slot))):
            yield from [batch] if len(batch) > 1 else []
            batch, size = [], 0
        batch.append(fill)
        size += fill.bytes
    yield from [batch] if len(batch) > 1 else []
