"""Rows of fills that lie in packs: a pack is read whole by who wants all of it, else clipped to the slots wanted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from headwater.connect.stores import Store
from headwater.plan.calendar import Calendar
from headwater.spec.addresses import ALL, Slot
from headwater.spec.fills import Fill, Pack, PackTime, StoredColumn
from headwater.sql.text import quote_identifier, time_literal

_MOST_RANGES = 64
"""With more stretches of time than this, a join finds their rows faster than a long condition."""

Range = tuple[str, str]
"""SQL literals of a stretch of time, its end excluded."""


@dataclass(frozen=True, slots=True)
class Part:
    """Files that are read together; ``clip`` follows the SELECT over them, which is called ``fills``."""

    columns: tuple[StoredColumn, ...]
    paths: list[str]
    clip: str = ""


def parts_of(store: Store, fills: Sequence[Fill]) -> list[Part]:
    """Say how rows of fills are read: files with the same columns together, packs that are wanted in part alone."""
    whole: dict[tuple[StoredColumn, ...], list[str]] = {}
    packs: dict[str, list[Fill]] = {}
    for fill in fills:
        if fill.pack is None:
            whole.setdefault(fill.columns, []).extend(store.paths(fill))
        elif fill.rows:
            packs.setdefault(fill.pack.id, []).append(fill)
        else:
            whole.setdefault(fill.columns, [])
    clipped = []
    for members in packs.values():
        pack, paths = _pack(members[0]), store.paths(members[0])
        if len(members) == pack.filled:
            whole.setdefault(pack.columns, []).extend(paths)
        else:
            clipped.append(Part(pack.columns, paths, _clip(pack.time, [fill.slot for fill in members])))
    return [*(Part(columns, paths) for columns, paths in whole.items() if paths or not clipped), *clipped]


def part_select(store: Store, part: Part) -> str:
    """Give a SELECT of the rows of a part, with its own columns."""
    rows = store.relation(part.columns, part.paths)
    return f"SELECT fills.* FROM ({rows}) AS fills{part.clip}" if part.clip else rows


def own_select(store: Store, fills: Sequence[Fill]) -> str:
    """Give a SELECT of the rows of fills that all have the same columns."""
    return " UNION ALL ".join(f"({part_select(store, part)})" for part in parts_of(store, fills))


def is_slot(name: str) -> bool:
    """Whether a slot is a stretch of time, which tells its rows from those of others."""
    return name != ALL and not name.startswith("#")


def ranges_of(time: PackTime, slots: Iterable[Slot]) -> list[Range]:
    """Give the stretches of time that slots cover, neighbours as one."""
    calendar = Calendar.of(time.every, time.timezone)
    found: list[Range] = []
    for start, end in sorted(map(calendar.interval, slots)):
        first, last = (time_literal(at, time.type, time.timezone) for at in (start, end))
        if found and found[-1][1] == first:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def _pack(fill: Fill) -> Pack:
    assert fill.pack is not None  # noqa: S101 - asked by the caller
    return fill.pack


def _clip(time: PackTime, slots: Iterable[Slot]) -> str:
    ranges = ranges_of(time, slots)
    if len(ranges) <= _MOST_RANGES:
        return " WHERE " + " OR ".join(_conditions(quote_identifier(time.column), ranges))
    listed = ", ".join(f"({first}, {last})" for first, last in ranges)
    column = f"fills.{quote_identifier(time.column)}"
    return (
        f" ASOF JOIN (VALUES {listed}) AS hw_ranges(hw_first, hw_last) ON {column} >= hw_ranges.hw_first"
        f" WHERE {column} < hw_ranges.hw_last"
    )


def _conditions(column: str, ranges: Iterable[Range]) -> Iterator[str]:
    for first, last in ranges:
        yield f"({column} >= {first} AND {column} < {last})"
