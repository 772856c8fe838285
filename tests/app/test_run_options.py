"""What a run can be asked for: where to begin, what to leave, which stretch of time, and to do it again."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from headwater.app.orders import stretch_of
from headwater.diagnostics import Cancelled, Invalid
from headwater.events import Phase
from headwater.run.context import Ticket
from headwater.spec.orders import Order, decode_order, encode_order
from headwater.state.run_orders import order_of_run
from headwater.state.runs import runs

EVENTS = {"ts": "timestamp", "v": "integer"}
BY_DAY = {"kind": "incremental", "time": "ts", "every": "1d"}


def day(number):
    return datetime(2024, 1, number, tzinfo=UTC)


def events(project, name, *days, value=1):
    project.file("events", name, list(EVENTS), [(datetime(2024, 1, number, 6), value) for number in days])


@pytest.fixture
def shop(project):
    """Ten days of events; ``days`` counts them by day, ``running`` reads a day before as well, ``total`` all of them."""
    project.source("events", EVENTS, time="ts", start="2024-01-01")
    events(project, "1.csv", *range(1, 11))
    project.model("days", "SELECT date_trunc('day', ts) AS ts, sum(v)::bigint AS v FROM events GROUP BY ALL", **BY_DAY)
    project.model(
        "running", "SELECT $start AS ts, sum(v)::bigint AS v FROM days", reads={"days": {"before": "1d"}}, **BY_DAY
    )
    project.model("total", "SELECT sum(v)::bigint AS v FROM days")
    project.apply()
    project.events.clear()
    return project


def loaded(project):
    with closing(sqlite3.connect(project.root / "out.db")) as database:
        return database.execute("SELECT v FROM t").fetchall()


def slots(project, node):
    """How many slots of a node a full run would still fill."""
    return project.due().get(node, 0)


def test_an_order_is_the_same_after_it_was_kept():
    order = Order(environment="prod", within=(day(1), day(3)), skip=("a",), timeout_s=5.0)
    assert decode_order(encode_order(order)) == order


def test_from_a_node_on_only_what_reads_it_is_filled(shop):
    events(shop, "2.csv", 3)
    shop.run(start_from=["running"])
    assert (shop.computed(), slots(shop, "days")) == ({}, 1)
    shop.run(start_from=["days"])
    assert shop.computed() == {"days": 1, "running": 2, "total": 1}


def test_what_is_skipped_keeps_what_it_has_with_all_that_reads_it(shop):
    shop.model("report", "SELECT max(v) AS v FROM running")
    shop.apply()
    events(shop, "2.csv", 3, value=100)
    shop.run(skip=["running"])
    assert (shop.table("total"), shop.table("report")) == ([(110,)], [(2,)])


def test_a_sink_that_is_skipped_is_not_loaded(shop):
    shop.write("sinks.yaml", "sinks: {out: {from: total, connector: sqlite, path: out.db, table: t, in: [dev]}}")
    shop.apply()
    events(shop, "2.csv", 3, value=100)
    shop.run(skip=["out"])
    assert (shop.table("total"), loaded(shop)) == ([(110,)], [(10,)])
    shop.run()
    assert loaded(shop) == [(110,)]


def test_within_a_stretch_only_its_slots_are_filled(shop):
    events(shop, "2.csv", 3, 7)
    shop.run(within=(day(6), day(9)))
    assert shop.computed() == {"days": 1, "running": 2}
    assert (slots(shop, "days"), slots(shop, "total")) == (1, 1)


def test_what_slots_of_a_stretch_need_of_each_other_is_filled_too(shop):
    events(shop, "2.csv", 3)
    shop.run(within=(day(4), day(5)))
    assert shop.computed() == {"days": 1, "running": 1}


def test_a_stretch_that_begins_within_a_slot_means_all_of_it(shop):
    events(shop, "2.csv", 3)
    shop.run(within=(day(3) + timedelta(hours=20), day(3) + timedelta(hours=21)), select=["days"])
    assert shop.computed() == {"days": 1}


def test_a_full_run_after_one_of_a_stretch_fills_the_rest(shop):
    events(shop, "2.csv", 3, 7)
    shop.run(within=(day(6), day(9)))
    shop.run()
    assert shop.computed() == {"days": 2, "running": 4, "total": 1}
    assert (shop.due(), shop.table("total")) == ({}, [(12,)])


def test_again_fills_slots_that_stand_on_what_is_there(shop):
    shop.run(within=(day(2), day(4)), select=["days"], again=True)
    assert shop.computed() == {"days": 2}
    shop.run()
    assert shop.computed() == {"days": 2, "running": 3, "total": 1}


def test_again_without_a_stretch_fills_all_that_is_asked_for(shop):
    shop.run(select=["total"], again=True)
    shop.run(select=["days"], again=True)
    assert shop.computed() == {"total": 1, "days": 10}


def test_again_is_done_once_however_often_the_run_is_resumed(shop):
    again = {"within": (day(2), day(4)), "again": True, "ticket": Ticket(run_id="r1")}
    shop.run(**again)
    shop.later(hours=1).run(**again)
    assert shop.computed() == {"days": 2, "running": 2}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"within": (day(5), day(5))}, "HW1141"),
        ({"within": (day(6), day(5))}, "HW1141"),
        ({"within": (day(2), day(3)), "select": ["total"]}, "HW1142"),
        ({"within": (day(20), day(21))}, "HW1143"),
        ({"within": (datetime(2023, 1, 1, tzinfo=UTC), day(1))}, "HW1143"),
        ({"start_from": ["dayss"]}, "HW0250"),
        ({"skip": ["dayss"]}, "HW0250"),
        ({"release": "nope"}, "HW0609"),
    ],
)
def test_an_order_that_means_nothing_is_refused(shop, asked, code):
    with pytest.raises(Invalid) as refused:
        shop.run(**asked)
    assert [d.code for d in refused.value.diagnostics] == [code]


def test_a_stretch_without_slots_is_told_which_there_are(shop):
    with pytest.raises(Invalid) as refused:
        shop.run(within=(day(20), day(21)), select=["days"])
    assert refused.value.diagnostics[0].hint == "slots are wanted of `days` 2024-01-01 to 2024-01-11"


def test_a_day_is_one_in_the_zone_of_the_models(project):
    project.source("events", EVENTS, time="ts", start="2024-01-01")
    project.model("days", "SELECT ts, v FROM events", timezone="America/New_York", **BY_DAY)
    project.apply()
    order = stretch_of(project.workspace, Order(environment="dev"), datetime(2024, 1, 2), datetime(2024, 1, 3))
    assert order.within == (day(2) + timedelta(hours=5), day(3) + timedelta(hours=5))


def test_a_run_keeps_the_code_it_started_with(shop):
    first = shop.history()[0].id
    events(shop, "2.csv", 3)
    shop.when(_has_begun, lambda: _other_total(shop))
    outcome = shop.run(ticket=Ticket(run_id="r1"))
    assert [d.code for d in outcome.diagnostics] == ["HW1140"]
    assert (order_of_run(shop.workspace.db, "r1").release, slots(shop, "running")) == (first, 0)
    assert shop.run().exit_code == 0
    assert (shop.due(), shop.table("total")) == ({}, [(22,)])


def _has_begun(event):
    return isinstance(event, Phase) and event.name == "observe"


def _other_total(shop):
    shop.model("total", "SELECT sum(v)::bigint * 2 AS v FROM days")
    shop.apply()


def test_a_run_with_an_older_release_moves_only_what_is_the_same_since(shop):
    old = shop.history()[0].id
    shop.model("total", "SELECT sum(v)::bigint * 2 AS v FROM days")
    shop.apply()
    events(shop, "2.csv", 3)
    outcome = shop.run(release=old)
    assert [(d.code, "`total`" in d.message) for d in outcome.diagnostics] == [("HW1140", True)]
    assert (slots(shop, "days"), shop.table("total")) == (0, [(20,)])


def test_what_comes_in_by_a_run_has_passed_the_checks_of_the_code_that_is_there(shop):
    events(shop, "2.csv", 3, value=1000)
    shop.when(_has_begun, lambda: _checked_days(shop))
    shop.run(fails=True)
    assert max(v for _, v in shop.table("days")) == 1


def _checked_days(shop):
    shop.model(
        "days",
        "SELECT date_trunc('day', ts) AS ts, sum(v)::bigint AS v FROM events GROUP BY ALL",
        checks=[{"accepted_range": {"column": "v", "max": 10}}],
        **BY_DAY,
    )
    shop.apply(fails=None)


def test_a_run_never_lies_before_the_one_that_came_last(shop):
    shop.run(ticket=Ticket(run_id="r1"))
    shop.later(hours=-3).run(ticket=Ticket(run_id="r2"))
    first, second = (order_of_run(shop.workspace.db, name).started_at for name in ("r1", "r2"))
    assert first == second


def test_a_run_that_is_resumed_keeps_its_time_and_its_code(shop):
    shop.run(ticket=Ticket(run_id="r1"))
    began = shop.now
    shop.later(hours=3).run(ticket=Ticket(run_id="r1"))
    assert order_of_run(shop.workspace.db, "r1").started_at == began


def test_a_run_that_takes_longer_than_it_may_is_stopped(shop):
    events(shop, "2.csv", 3)
    shop.when(_has_begun, lambda: shop.later(minutes=5))
    with pytest.raises(Cancelled):
        shop.run(timeout_s=60.0)
    assert shop.due() == {"days": 1, "running": 2, "total": 1}
    assert shop.run().exit_code == 0


def test_a_run_of_many_tries_is_one_run_with_one_log(shop):
    events(shop, "2.csv", 3)
    shop.run(publish="each", ticket=Ticket(run_id="r1"))
    [row] = [row for row in runs(shop.workspace.db, "dev", 9) if row.kind == "run"]
    assert (row.id, row.status, row.tries) == ("r1", "done", 1)


def test_a_run_of_a_pipeline_that_an_apply_has_taken_away_says_so(shop):
    with pytest.raises(Invalid, match="no pipeline `nightly` any more"):
        shop.run(select=("nightly",), pipeline="nightly")
