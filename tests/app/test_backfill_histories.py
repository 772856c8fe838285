"""Backfills among applies, new files and daily runs, in any order: what is served in the end is a plain build."""

import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headwater.app.backfilling import Asked, cancel_backfill, order_backfill, standings
from headwater.app.serving.here import worker_here
from headwater.diagnostics import Invalid
from headwater.spec.orders import Order, decode_order
from headwater.state.requests import open_requests
from tests.harness import Project

FIRST, DAYS = datetime(2024, 1, 1, tzinfo=UTC), 10
DAY = timedelta(days=1)
CUT = ("days", "running", "weeks")

steps = st.one_of(
    st.tuples(st.just("file"), st.integers(0, DAYS - 1), st.integers(1, 9)),
    st.tuples(st.just("apply"), st.integers(1, 3)),
    st.tuples(st.just("order"), st.integers(0, DAYS - 1), st.integers(1, 6), st.booleans(), st.sampled_from([1, 2])),
    st.tuples(st.just("chunk"), st.integers(0, 5)),
    st.tuples(st.just("run")),
    st.tuples(st.just("cancel")),
)


class World:
    """A project, and what its tables must hold, computed by hand."""

    def __init__(self, root):
        self.project = Project(root, now=FIRST + (DAYS - 1) * DAY + timedelta(hours=12))
        self.rows, self.factor, self.number = [], 1, 0
        self.project.source("events", {"ts": "timestamp", "v": "integer"}, time="ts", start="2024-01-01")
        for day in range(DAYS):
            self.file(day, 1)
        self.apply(1)

    def file(self, day, value):
        self.number += 1
        at = (FIRST + day * DAY).replace(tzinfo=None)
        self.rows.append((day, value))
        self.project.file("events", f"{self.number}.csv", ["ts", "v"], [(at, value)])

    def apply(self, factor):
        self.factor, by_day = factor, {"kind": "incremental", "time": "ts", "every": "1d"}
        total = f"SELECT date_trunc('day', ts) AS ts, sum(v)::bigint * {factor} AS v FROM events GROUP BY ALL"
        self.project.model("days", total, **by_day)
        before = {"reads": {"days": {"before": "1d"}}}
        self.project.model("running", "SELECT $start AS ts, sum(v)::bigint AS v FROM days", **before, **by_day)
        weekly = "SELECT min(ts) AS ts, sum(v)::bigint AS v FROM days HAVING count(*) > 0"
        self.project.model("weeks", weekly, **{**by_day, "every": "1w"})
        self.project.model("total", "SELECT sum(v)::bigint AS v FROM weeks")
        self.project.apply()

    def order(self, start, length, again, every):
        within = (FIRST + start * DAY, FIRST + (start + length) * DAY)
        asked = Asked(order=Order(environment="dev", within=within, again=again), every_s=every * 86400.0)
        try:
            order_backfill(self.project.workspace, asked, by="ada")
        except Invalid as refused:
            assert refused.diagnostics[0].code == "HW1151"  # noqa: PT017 - which refusal it is matters

    def chunk(self, which):
        """Do one of the chunks that wait, whichever it is: workers do them in no certain order."""
        waiting = [each for each in open_requests(self.project.workspace.db) if each.status == "queued"]
        parts = [each for each in waiting if decode_order(each.body).within] or waiting
        if not parts:
            return
        chosen, before = parts[which % len(parts)], self.fills()
        with worker_here(self.project.workspace) as working:
            working.is_allowed = lambda request, _: request.id == chosen.id
            assert working.one()
        self.check_touched(decode_order(chosen.body), before)

    def check_touched(self, order, before):
        """Nothing but slots of the chunk moved, and what these read."""
        after = self.fills()
        touched = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        if order.within is None:
            assert {node for node, _ in touched} <= {"total"}
            return
        start, end = order.within
        for node, slot in touched:
            at = datetime.fromisoformat(slot)
            length = 7 * DAY if node == "weeks" else DAY
            week = start - timedelta(days=start.weekday()), end + timedelta(days=-end.weekday() % 7)
            reach = (min(start - DAY, week[0]), week[1]) if node == "days" else (start, end)
            assert reach[0] - length < at < reach[1], (node, slot, order.within)

    def fills(self):
        head = self.project.head()
        return {(n, key[1]): e.fill for n in (*CUT, "total") for key, e in head.entries_of(n).items()}

    def run(self):
        self.project.run()

    def cancel(self):
        for each in standings(self.project.workspace):
            if each.advance.status == "running":
                cancel_backfill(self.project.workspace, each.backfill.id, by="ada")

    def expected(self):
        days = Counter()
        for day, value in self.rows:
            days[day] += value * self.factor
        return {
            "days": [days[day] for day in range(DAYS)],
            "running": [days[day] + days.get(day - 1, 0) for day in range(DAYS)],
            "weeks": [sum(days[d] for d in range(7)), sum(days[d] for d in range(7, DAYS))],
            "total": [sum(days.values())],
        }

    def served(self):
        return {
            node: [v for (v,) in self.project.query(f"SELECT v FROM {node} ORDER BY {'ts' if node in CUT else 'v'}")]
            for node in (*CUT, "total")
        }

    def recorded(self):
        with self.project.workspace.db.read() as connection:
            return connection.execute("SELECT count(*) FROM fills").fetchone()[0]


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(history=st.lists(steps, min_size=3, max_size=10))
def test_in_any_order_the_tables_are_those_of_a_plain_build(history):
    with tempfile.TemporaryDirectory() as root:
        world = World(Path(root))
        for name, *values in history:
            getattr(world, name)(*values)
        while open_requests(world.project.workspace.db):
            world.chunk(0)
        world.run()
        assert world.served() == world.expected()
        assert world.project.due() == {}
        assert sum(world.project.computed().values()) == world.recorded()
        world.project.reopen()
