"""TPC-H over sites: bytes that move (zstd Parquet) and seconds, beside moving whole tables, their columns, their rows."""

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from bench.measure import Cost, Row
from bench.scale import Scale
from headwater.placement.placing import place
from headwater.placement.values import Placed
from headwater.policy.values import Places
from headwater.sql.text import quote_identifier
from headwater.sql.uses import uses
from tests.placement import tpch
from tests.placement.places import BINDER, assert_same, described, occurrences, raw, read, run_placed

BUDGET_MB = 1.0
"""What all 22 queries may move at scale 1 over three sites."""
Found = TypeVar("Found")
LAYOUTS = {"rows over three sites": tpch.layout_a, "tables over five sites": tpch.layout_b}
WAYS = ("whole tables", "columns only", "filter and project")


def rows(folder: Path, scale: Scale) -> Iterator[Row]:
    for size in scale.tpch:
        for name, made in LAYOUTS.items():
            yield from _layout(folder, size, name, made(size))


def _layout(folder: Path, size: float, name: str, layout: tpch.Layout) -> Iterator[Row]:
    what = f"TPC-H at scale {size:g}, {name}"
    measured = _Measured(folder, layout)
    moved = dict.fromkeys(WAYS, 0)
    ours, planned, costs = 0, [], []
    for number, text in tpch.queries().items():
        cost, placed, planning_s = _asked(layout, text)
        ran_cost, moved_bytes = _ran(folder, size, layout, text, placed)
        total = _together(cost, ran_cost)
        ours, planned, costs = ours + moved_bytes, [*planned, planning_s], [*costs, total]
        for way, found in zip(WAYS, measured.query(text), strict=True):
            moved[way] += found
        facts = {"kB": f"{moved_bytes / 1e3:.1f}", "planned in ms": f"{planning_s * 1e3:.0f}"}
        yield Row(f"{what}, query {number}", "Headwater", (total,), facts=facts)
    budget = f", budget {BUDGET_MB:g} MB {'met' if ours <= BUDGET_MB * 1e6 else '**missed**'}"
    is_bound = size == 1 and layout is tpch.layout_a(size)
    facts = {"MB": f"{ours / 1e6:.3f}{budget if is_bound else ''}", "slowest planning ms": f"{max(planned) * 1e3:.0f}"}
    yield Row(f"{what}, all 22", "Headwater", (_together(*costs),), facts=facts)
    for way in WAYS:
        yield Row(f"{what}, all 22", way, (measured.cost[way],), facts={"MB": f"{moved[way] / 1e6:.3f}"})


def _timed(work: Callable[[], Found]) -> tuple[Cost, Found]:
    before, started = os.times(), time.perf_counter()
    found = work()
    wall, after = time.perf_counter() - started, os.times()
    return Cost(wall, after.user - before.user, after.system - before.system, 0), found


def _together(*costs: Cost) -> Cost:
    return Cost(sum(c.wall_s for c in costs), sum(c.user_s for c in costs), sum(c.sys_s for c in costs), 0)


def _asked(layout: tpch.Layout, text: str) -> tuple[Cost, Placed, float]:
    """Place a query; reading its text is not in the time, as a project does that once."""
    places = Places(jurisdictions={})
    query, columns = read(text, layout.schemas)
    grants = {name: raw(name, each, layout.schemas[name], "hub", places) for name, each in layout.located.items()}
    found = occurrences(query, layout.located, layout.schemas, grants)
    cost, placed = _timed(partial(place, query, columns, found, at="hub", places=places, bind=BINDER))
    return cost, placed, cost.wall_s


def _ran(folder: Path, size: float, layout: tpch.Layout, text: str, placed: Placed) -> tuple[Cost, int]:
    """Run it, and compare with one machine."""
    cost, ran = _timed(partial(run_placed, placed, layout.sites, folder))
    one = tpch.one_machine(size)
    assert_same((ran.rows, ran.columns), (one.execute(text).fetchall(), described(one, text)), ordered=True)
    return cost, sum(ran.bytes.values())


class _Measured:
    """Bytes of what would be sent without a planner: files as they would cross, each measured once."""

    def __init__(self, folder: Path, layout: tpch.Layout) -> None:
        self._folder = folder
        self._layout = layout
        self._known: dict[str, int] = {}
        self.cost = {way: Cost(0, 0, 0, 0) for way in WAYS}

    def query(self, text: str) -> tuple[int, int, int]:
        """Give the bytes of whole tables, of the columns that a query uses, and of the rows that its filters leave."""
        query, _ = read(text, self._layout.schemas)
        located = self._layout.located
        far = [each for each in uses(query, self._layout.schemas) if "hub" not in located[each.table.node].sites]
        columns: dict[str, set[str]] = {}
        for each in far:
            columns.setdefault(each.table.node, set()).update(each.columns)
        whole = sum(self._bytes(WAYS[0], table, None) for table in columns)
        some = sum(self._bytes(WAYS[1], table, frozenset(names)) for table, names in columns.items())
        left = sum(
            self._bytes(WAYS[2], each.table.node, each.columns, tuple(sorted(one.text for one in each.conjuncts)))
            for each in far
        )
        return whole, some, left

    def _bytes(self, way: str, table: str, columns: frozenset[str] | None, conditions: tuple[str, ...] = ()) -> int:
        names = [name for name, _ in self._layout.schemas[table] if columns is None or name in columns]
        chosen = ", ".join(map(quote_identifier, names)) or "1 AS one"
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        select = f"SELECT {chosen} FROM {table}{where}"
        return sum(self._file(way, site, select) for site in self._layout.located[table].sites)

    def _file(self, way: str, site: str, select: str) -> int:
        known = f"{site} {select}"
        if known not in self._known:
            path = self._folder / "sent.parquet"
            copy = f"COPY ({select}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
            cost, _ = _timed(partial(self._layout.sites[site].execute, copy))
            self.cost[way] = _together(self.cost[way], cost)
            self._known[known] = path.stat().st_size
        return self._known[known]
