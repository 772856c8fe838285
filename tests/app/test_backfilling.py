"""Filling a stretch of time in chunks, while daily runs go on."""

from datetime import UTC, datetime

import pytest

from headwater.app.backfilling import Asked, cancel_backfill, order_backfill, standing_of, standings
from headwater.app.serving.here import worker_here
from headwater.app.working_off import await_backfill
from headwater.diagnostics import Invalid
from headwater.events import Phase
from headwater.spec.orders import Order, decode_order
from headwater.state.requests import requests_of

EVENTS = {"ts": "timestamp", "v": "integer"}
BY_DAY = {"kind": "incremental", "time": "ts", "every": "1d"}
DAY_S = 86400.0


def day(number, month=1):
    return datetime(2024, month, number, tzinfo=UTC)


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


def order(project, start, end, *select, every_s=2 * DAY_S, again=False, **how):
    asked = Order(environment="dev", select=select, within=(start, end), again=again)
    return order_backfill(project.workspace, Asked(order=asked, every_s=every_s, **how), by="ada")


def work(project, chunks=1):
    """Work off as many chunks; how many there were to take."""
    with worker_here(project.workspace) as working:
        return sum(working.one() for _ in range(chunks))


def finish(project, backfill):
    return await_backfill(project.workspace, backfill, here=True)


def chunks_of(project, standing):
    orders = [decode_order(each.body) for each in requests_of(project.workspace.db, backfill=standing.backfill.id)]
    return [(each.within[0].day, each.within[1].day) for each in orders if each.within]


def refusal(ask):
    with pytest.raises(Invalid) as refused:
        ask()
    return refused.value.diagnostics[0]


def test_a_stretch_is_filled_again_in_chunks(shop):
    ordered = order(shop, day(2), day(7), "days", again=True)
    assert chunks_of(shop, ordered) == [(2, 4), (4, 6), (6, 7)]
    ended = finish(shop, ordered.backfill.id)
    assert (ended.advance.status, ended.advance.done, shop.computed()) == ("done", 3, {"days": 5})


def test_what_is_not_cut_by_time_is_filled_once_at_the_end(shop):
    ordered = order(shop, day(2), day(7), again=True)
    finish(shop, ordered.backfill.id)
    assert (shop.computed()["total"], shop.due()) == (1, {"running": 1})


def test_a_chunk_fills_what_is_due_only_unless_it_is_asked_for_again(shop):
    events(shop, "2.csv", 3, 9)
    ordered = order(shop, day(1), day(6), "days")
    finish(shop, ordered.backfill.id)
    assert shop.computed() == {"days": 1}


def test_chunks_end_where_slots_of_all_tables_end(shop):
    shop.model(
        "weeks", "SELECT min(ts) AS ts, sum(v)::bigint AS v FROM days HAVING count(*) > 0", kind="incremental", time="ts",
        every="1w",
    )  # fmt: skip
    shop.apply()
    assert chunks_of(shop, order(shop, day(3), day(11), "days", "weeks", every_s=DAY_S)) == [(3, 8), (8, 11)]


def test_the_daily_run_leaves_what_is_ordered_and_fills_the_rest(shop):
    events(shop, "2.csv", 3, 9)
    order(shop, day(1), day(6), "days")
    shop.run()
    assert shop.computed() == {"days": 1, "running": 2, "total": 1}
    assert [v for (v,) in shop.query("SELECT v FROM days ORDER BY ts")] == [1, 1, 1, 1, 1, 1, 1, 1, 2, 1]


def test_the_daily_run_fills_what_the_backfill_has_done(shop):
    events(shop, "2.csv", 3, 9)
    ordered = order(shop, day(1), day(6), "days")
    shop.run()
    finish(shop, ordered.backfill.id)
    shop.run()
    assert (shop.due(), shop.table("total"), shop.computed()["days"]) == ({}, [(12,)], 2)


def test_a_cancelled_backfill_gives_its_slots_back(shop):
    events(shop, "2.csv", 3, 5)
    ordered = order(shop, day(1), day(7), "days")
    work(shop, chunks=2)
    ended = cancel_backfill(shop.workspace, ordered.backfill.id, by="ada")
    assert (ended.advance.status, ended.advance.done, ended.advance.cancelled) == ("cancelled", 2, 1)
    shop.run()
    assert (shop.due(), shop.table("total")) == ({}, [(12,)])


def test_a_chunk_that_failed_gives_its_slots_back_and_is_told(shop):
    shop.model("days", "SELECT ts, CASE WHEN v > 9 THEN error('odd') ELSE v END AS v FROM events", **BY_DAY)
    shop.apply()
    events(shop, "2.csv", 3, value=10)
    ordered = order(shop, day(1), day(7), "days")
    ended = finish(shop, ordered.backfill.id)
    assert (ended.advance.status, ended.advance.failed, ended.diagnostics[0].code) == ("failed", 1, "HW1155")
    events(shop, "2.csv", 3, value=1)
    shop.run()
    assert (shop.due(), shop.table("total")) == ({}, [(11,)])


def test_the_same_stretch_is_not_ordered_twice(shop):
    order(shop, day(2), day(7), "days")
    again = refusal(lambda: order(shop, day(5), day(9), "days", "running"))
    assert (again.code, again.message) == (
        "HW1151",
        "slots of `days` in 2024-01-05 to 2024-01-09 are ordered already: 2024-01-02 to 2024-01-07",
    )
    assert len(standings(shop.workspace, "dev")) == 1


def test_what_is_done_can_be_ordered_again(shop):
    finish(shop, order(shop, day(2), day(4), "days", again=True).backfill.id)
    finish(shop, order(shop, day(2), day(4), "days", again=True).backfill.id)
    assert shop.computed() == {"days": 4}


def test_only_so_many_chunks_run_at_once(shop):
    ordered = order(shop, day(1), day(9), "days", parallel=2)
    requests = requests_of(shop.workspace.db, backfill=ordered.backfill.id)
    assert [decode_order(each.body).parts_at_once for each in requests] == [2, 2, 2, 2]


def test_a_throttle_keeps_the_starts_of_chunks_apart(shop):
    order(shop, day(1), day(9), "days", throttle_s=60.0)
    taken = [work(shop, chunks=9)]
    shop.later(minutes=1)
    taken.append(work(shop, chunks=9))
    shop.later(minutes=2)
    assert [*taken, work(shop, chunks=9)] == [1, 1, 2]


def test_what_is_due_every_day_goes_first(shop):
    ordered = order(shop, day(1), day(9), "days")
    [priority] = {each.priority for each in requests_of(shop.workspace.db, backfill=ordered.backfill.id)}
    assert priority < 0


@pytest.mark.parametrize(
    ("start", "end", "select", "code"),
    [
        (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC), "days", "HW1143"),
        (day(1, 6), day(1, 7), "days", "HW1143"),
        (day(5), day(5), "days", "HW1141"),
        (day(5), day(2), "days", "HW1141"),
        (day(2), day(5), "total", "HW1142"),
        (day(2), day(5), "dayz", "HW0250"),
    ],
)
def test_a_range_in_which_there_is_nothing_to_fill_is_told(shop, start, end, select, code):
    assert refusal(lambda: order(shop, start, end, select)).code == code
    assert standings(shop.workspace) == ()


def test_a_range_before_the_start_says_what_is_there(shop):
    said = refusal(lambda: order(shop, datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC), "days"))
    assert said.hint == "slots are wanted of `days` 2024-01-01 to 2024-01-11"


def test_a_range_that_reaches_beyond_is_cut_and_that_is_told(shop):
    ordered = order(shop, datetime(2023, 12, 1, tzinfo=UTC), day(3), "days")
    assert [(d.code, d.message) for d in ordered.diagnostics] == [
        ("HW1154", "there are slots in 2024-01-01 to 2024-01-03 only: the rest of the range is left out")
    ]


def test_a_pipeline_is_filled_in_chunks(shop):
    shop.write("pipelines.yaml", "pipelines: {morning: {select: [days, running]}}")
    shop.apply()
    ordered = order(shop, day(2), day(5), "morning", again=True)
    assert ordered.backfill.nodes == ("days", "running")


def test_an_unknown_backfill_is_told(shop):
    assert refusal(lambda: standing_of(shop.workspace, "nope")).code == "HW1152"


def test_one_that_has_ended_is_not_cancelled(shop):
    ordered = order(shop, day(2), day(4), "days")
    finish(shop, ordered.backfill.id)
    assert refusal(lambda: cancel_backfill(shop.workspace, ordered.backfill.id, by="ada")).code == "HW1153"


def test_the_daily_run_does_not_wait_for_a_chunk_that_is_being_computed(shop):
    events(shop, "2.csv", 3, 9)
    ordered = order(shop, day(3), day(6), "days")
    shop.when(_is_computed, lambda: shop.run(wait_s=0))
    work(shop)
    assert shop.computed() == {"days": 2, "running": 2, "total": 1}
    finish(shop, ordered.backfill.id)
    assert shop.run().exit_code == 0
    assert (shop.due(), shop.table("total")) == ({}, [(12,)])


def _is_computed(event):
    """A chunk has computed its slots, holds them, and is about to make them visible."""
    return isinstance(event, Phase) and event.name == "move"


def test_a_chunk_that_is_interrupted_goes_on_where_it_was(shop):
    ordered = order(shop, day(2), day(4), "days", again=True)
    shop.when(_is_computed, _die)
    with pytest.raises(KeyboardInterrupt):
        work(shop)
    assert shop.computed() == {"days": 2}
    shop.later(minutes=1)
    ended = finish(shop, ordered.backfill.id)
    assert (ended.advance.status, shop.computed()) == ("done", {"days": 2})


def _die():
    raise KeyboardInterrupt
