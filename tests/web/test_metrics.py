"""Numbers for Prometheus: they say what the state says, and go on counting from look to look."""

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from headwater.app.control.counting import Totals
from headwater.state.leases import acquire
from headwater.web.health import LEADER


def scrape(api):
    answer = api.client.request("GET", "/metrics", headers=api.headers())
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def counted(project):
    totals = Totals()
    totals.look(project.workspace.db)
    return totals


def test_runs_and_what_they_wrote_are_counted(api):
    found = scrape(api)
    assert found["headwater_runs_ended_total", "", "done", "prod"] == 1
    assert found["headwater_attempts_total", "done", "prod", "totals"] == 1
    assert found["headwater_rows_total", "prod", "totals"] == 1
    assert found["headwater_run_duration_seconds_count", "", "prod"] == 1


def test_the_queue_is_counted_and_how_long_its_first_waits(api):
    api.post("/environments/prod/pipelines/daily/trigger")
    api.project.later(seconds=90)
    found = scrape(api)
    assert found["headwater_runs", "daily", "prod", "queued"] == 1
    assert found["headwater_queue_age_seconds", "prod"] == 90


def test_who_leads_is_seen(api):
    acquire(api.project.workspace.db, [LEADER], "me", api.project.now, 30)
    assert scrape(api)["headwater_leader",] == 1


def test_a_look_counts_what_is_new_and_nothing_twice(shop):
    totals = counted(shop)
    totals.look(shop.workspace.db)
    before = totals.runs["prod", "", "done"], totals.attempts["prod", "totals", "done"]
    shop.file("raw", "2.csv", ["id", "price"], [(3, 1.0)])
    shop.later(minutes=1).run("prod")
    totals.look(shop.workspace.db)
    assert before == (1, 1)
    assert (totals.runs["prod", "", "done"], totals.attempts["prod", "totals", "done"]) == (2, 2)


def test_looks_find_what_one_look_finds(shop):
    totals = Totals()
    for number in range(3):
        shop.file("raw", f"{number}.csv", ["id", "price"], [(number, 1.0)])
        shop.later(hours=1).run("prod")
        totals.look(shop.workspace.db)
    whole = counted(shop)
    assert (totals.runs, totals.attempts, totals.work, totals.durations) == (
        whole.runs, whole.attempts, whole.work, whole.durations,
    )  # fmt: skip


def test_checks_that_fail_are_counted(shop):
    shop.model(
        "totals",
        "SELECT NULL::DOUBLE AS total FROM raw",
        checks=[{"not_null": {"columns": ["total"], "on_fail": "warn"}}],
    )
    shop.apply("prod")
    assert counted(shop).failed_checks["prod", "totals", "warn"] == 1


def test_numbers_are_read_again_only_after_a_while(api):
    scrape(api)
    api.post("/environments/prod/pipelines/daily/trigger")
    assert ("headwater_runs", "daily", "prod", "queued") not in scrape(api)


def test_lateness_is_from_the_scheduled_time_to_the_start(shop):
    from headwater.app.control.ordering import order_run
    from headwater.spec.orders import Order
    from headwater.state.runs import finish_run, start_run

    due = shop.now
    shop.later(seconds=40)
    ordered = order_run(
        shop.workspace,
        Order(environment="prod", select=("daily",), pipeline="daily"),
        kind="schedule",
        by="x",
        fire_at=due,
    )
    start_run(shop.workspace.db, ordered.request.id, "prod", "run", shop.now, "x", "", pipeline="daily")
    finish_run(shop.workspace.db, ordered.request.id, shop.now + timedelta(seconds=5), "done", "")
    assert counted(shop).lateness["prod", "daily"].sum == 40
