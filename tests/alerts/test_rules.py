"""What is wrong is found, once, and is over when it is over."""

from datetime import timedelta

import pytest

from headwater.app.alerting.asking import acknowledge_incident, list_incidents
from headwater.app.environments import delete_environment
from headwater.state.attempts import Beginning, Ending, begin_attempts, end_attempts
from headwater.state.requests import Request, enqueue
from headwater.state.suspects import clear_suspects, note_crashes
from headwater.state.workers import Worker, note_worker
from tests.harness import NOON


def incidents(watched):
    return list_incidents(watched.project.workspace, None, closed=True, limit=99).incidents


def test_a_failed_run_is_told_and_the_next_good_one_too(watched):
    watched.alert("run_failed").apply()
    watched.ended("failed")
    watched.look()
    (told,) = watched.deliver()
    assert "ERROR run_failed `runs by hand` in dev" in told
    watched.project.later(minutes=12)
    watched.ended("done")
    watched.look()
    (told,) = watched.deliver()
    assert "recovered after 12 min" in told
    assert watched.open() == []


def test_failures_of_one_pipeline_are_one_incident(watched):
    watched.project.settings(pipelines={"morning": {"select": "totals"}, "evening": {"select": "totals"}})
    watched.alert("run_failed").apply()
    for pipeline in ("morning", "morning", "evening", "morning"):
        watched.ended("failed", pipeline)
    watched.look()
    assert {each.subject: each.seen for each in incidents(watched)} == {"morning": 3, "evening": 1}


def test_what_failed_and_went_well_between_two_looks_is_told_all_the_same(watched):
    watched.alert("run_failed").apply()
    watched.ended("failed")
    watched.project.later(minutes=1)
    watched.ended("done")
    watched.look()
    (told,) = watched.deliver()
    assert "ERROR run_failed" in told
    assert "recovered after 1 min" in told


def test_what_happened_before_anybody_listened_is_not_told(watched):
    watched.project.apply()
    watched.ended("failed")
    watched.project.later(hours=2)
    watched.alert("run_failed").apply()
    assert watched.open() == []


def test_a_failed_apply_is_seen_by_who_applies(watched):
    watched.alert("run_failed").apply()
    watched.ended("failed", kind="apply")
    watched.look()
    assert watched.open() == []


def test_a_run_that_only_waits_to_be_tried_again_has_not_failed(watched):
    watched.alert("run_failed").apply()
    run, now = watched.ended("failed"), watched.project.now
    enqueue(watched.project.workspace.db, Request(id=run, environment="dev", created_at=now, not_before=now))
    watched.look()
    assert watched.open() == []


def test_a_pipeline_that_is_gone_is_not_waited_for(watched):
    watched.project.settings(pipelines={"morning": {"select": "totals"}})
    watched.alert("run_failed").apply()
    watched.ended("failed", "morning")
    watched.look()
    watched.project.settings(pipelines={})
    watched.apply()
    assert watched.open() == []


def attempt(watched, status, number):
    run, db, now = watched.project._token(), watched.project.workspace.db, watched.project.now
    new = Beginning(run=run, environment="dev", task="t", node="totals", version="v", slots=1, attempt=number, at=now)
    end_attempts(db, [Ending(seq=seq, status=status, at=now) for seq in begin_attempts(db, [new])])
    db_run = watched.ended("done" if status == "done" else "failed")
    with db.write() as connection:
        connection.execute("UPDATE attempts SET run = ? WHERE run = ?", (db_run, run))


def test_a_task_that_failed_in_all_its_tries_is_told(watched):
    watched.alert("retries_exhausted").apply()
    attempt(watched, "failed", 4)
    watched.look()
    (told,) = watched.deliver()
    assert "failed in all of its 4 tries" in told
    attempt(watched, "done", 1)
    watched.look()
    assert watched.open() == []


def test_a_task_that_was_not_tried_again_has_not_exhausted_its_tries(watched):
    watched.alert("retries_exhausted").apply()
    attempt(watched, "failed", 1)
    watched.look()
    assert watched.open() == []


def test_a_table_that_lags_is_told(watched):
    days = {"id": "bigint", "day": "date"}
    watched.project.source("raw", days, rows=[(1, "2024-01-10")], time="day", start="2024-01-09")
    sql = "SELECT day, count(*) AS n FROM raw WHERE day >= $start AND day < $end GROUP BY day"
    watched.project.model("totals", sql, kind="incremental", time="day", every="1d")
    watched.alert("freshness", freshness={"within": "30h"}).apply()
    watched.look(hours=40)
    assert watched.open() == []
    watched.look(hours=3)
    assert watched.open() == [("freshness", "totals")]
    watched.project.run()
    watched.look()
    assert watched.open() == []


def test_a_check_that_holds_back_slots_is_told_without_the_rows(watched):
    checks = [{"accepted_range": {"column": "n", "max": 1}}]
    watched.project.model("totals", "SELECT count(*) AS n, max(id) AS top FROM raw", checks=checks)
    watched.alert("check_failed", "score_fell").apply()
    watched.project.file("raw", "2.csv", ["id"], [(987654,)])
    watched.project.run(fails=True)
    watched.look()
    (told,) = watched.deliver()
    assert "a check holds back 1 slot of `totals` (`accepted_range(n)`)" in told
    assert "the quality of `totals` fell to 0, below 90" in told
    assert "987654" not in told
    watched.project.remove("data/raw/2.csv")
    watched.project.run()
    watched.look()
    assert watched.open() == []


def test_a_check_that_only_warns_is_a_warning(watched):
    checks = [{"accepted_range": {"column": "n", "max": 1, "on_fail": "warn"}}]
    watched.project.model("totals", "SELECT count(*) AS n FROM raw", checks=checks)
    watched.alert("check_failed").apply()
    watched.project.file("raw", "2.csv", ["id"], [(2,)])
    watched.project.run()
    watched.look()
    assert [(each.subject, each.severity) for each in incidents(watched)] == [("totals", "warning")]


def test_an_unusual_number_of_rows_is_told(watched):
    watched.project.model("totals", "SELECT id FROM raw")
    watched.alert("volume_anomaly", volume_anomaly={"over": 5}).apply()
    for at in range(2, 8):
        watched.project.file("raw", "1.csv", ["id"], [(each,) for each in range(100 + at)])
        watched.project.run()
        watched.look(minutes=1)
    assert watched.open() == []
    watched.project.file("raw", "1.csv", ["id"], [(1,)])
    watched.project.run()
    watched.look()
    (told,) = watched.deliver()
    assert "`totals` has 1 row, where" in told


def test_rows_set_aside_are_told_where_they_are_too_many(watched):
    days = {"id": "bigint", "day": "date"}
    watched.project.source("raw", days, rows=[(1, "2024-01-09")], time="day", start="2024-01-01")
    watched.alert("quarantine_grew", quarantine_grew={"by": "10%"}).apply()
    good, bad = ((2, "2024-01-09"), (3, "2024-01-09")), ("x", "2024-01-09")
    watched.project.file("raw", "2.csv", list(days), [*good, bad])
    watched.project.run()
    watched.look()
    (told,) = watched.deliver()
    assert "of what came last to `raw`, 1 row of 3, or 33.33%: more than 10.00% was set aside" in told
    watched.project.file("raw", "3.csv", list(days), good)
    watched.project.run()
    watched.look()
    assert watched.open() == []


def test_where_rows_are_not_counted_every_row_set_aside_is_told(watched):
    watched.alert("quarantine_grew").apply()
    watched.project.file("raw", "2.csv", ["id"], [(2,), ("x",)])
    watched.project.run()
    watched.look()
    (told,) = watched.deliver()
    assert "of what came last to `raw`, 1 row was set aside" in told


def test_a_task_that_is_set_aside_is_told(watched):
    watched.alert("set_aside").apply()
    db = watched.project.workspace.db
    note_crashes(db, "dev", [("totals", "v")], "r1", watched.project.now, 1)
    watched.look()
    assert watched.open() == [("set_aside", "totals")]
    clear_suspects(db, "dev", ["totals"])
    watched.look()
    assert watched.open() == []


def worker(watched, kind, name, host="one"):
    now = watched.project.now
    made = Worker(id=name, kind=kind, host=host, pid=1, version="1", started_at=now, seen_at=now)
    note_worker(watched.project.workspace.db, made)


@pytest.mark.parametrize(("rule", "kind"), [("server_silent", "server"), ("site_silent", "worker")])
def test_a_machine_that_is_silent_is_told(watched, rule, kind):
    watched.alert(rule, silence={"for": "1m"}).apply()
    worker(watched, kind, "a")
    watched.look(seconds=50)
    assert watched.open() == []
    watched.look(seconds=20)
    assert watched.open() == [(rule, "one")]
    worker(watched, kind, "b")  # another process takes its place
    watched.look()
    assert watched.open() == []


def test_what_the_server_noticed_is_told(watched):
    watched.alert("state_trouble").apply()
    watched.look("the clock went back by 2 h")
    assert watched.open() == [("state_trouble", "clock")]
    watched.look()
    assert watched.open() == []


def order(watched, status, started=None):
    made = Request(
        id=watched.project._token(), environment="dev", pipeline="morning", fire_at=watched.project.now,
        created_at=watched.project.now, not_before=watched.project.now,
    )  # fmt: skip
    enqueue(watched.project.workspace.db, made)
    with watched.project.workspace.db.write() as connection:
        connection.execute("UPDATE requests SET status = ? WHERE id = ?", (status, made.id))
    return made.id


@pytest.fixture
def bounded(watched):
    watched.project.settings(pipelines={"morning": {"select": "totals", "schedule": "0 12 * * *", "deadline": "1h"}})
    return watched.alert("deadline_at_risk", "deadline_missed").apply()


def test_a_deadline_is_told_before_it_is_missed_and_when_it_is(bounded):
    for day in range(5):  # runs that took 50 minutes
        ended = NOON - timedelta(days=day + 1)
        run = bounded.ended("done", "morning", at=ended)
        with bounded.project.workspace.db.write() as connection:
            began = (ended - timedelta(minutes=50)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            connection.execute("UPDATE runs SET started_at = ? WHERE id = ?", (began, run))
    order(bounded, "queued")
    bounded.look(minutes=5)
    assert bounded.open() == []
    bounded.look(minutes=10)
    assert bounded.open() == [("deadline_at_risk", "morning")]
    bounded.look(minutes=50)
    assert bounded.open() == [("deadline_missed", "morning")]


def test_a_deadline_stays_missed_until_a_run_ends_well_whatever_is_ordered_next(bounded):
    missed = order(bounded, "failed")
    bounded.look(hours=2)
    order(bounded, "queued")
    bounded.look()
    assert bounded.open() == [("deadline_missed", "morning")]
    with bounded.project.workspace.db.write() as connection:
        connection.execute("UPDATE requests SET status = 'done' WHERE id <> ?", (missed,))
    bounded.look()
    assert bounded.open() == []


def test_a_run_that_ended_late_unseen_is_told(bounded):
    run = order(bounded, "done")
    bounded.project.later(hours=2)
    done = bounded.ended("done", "morning")
    with bounded.project.workspace.db.write() as connection:
        connection.execute("UPDATE requests SET id = ? WHERE id = ?", (done, run))
    bounded.look()
    (told,) = bounded.deliver()
    assert "ERROR deadline_missed `morning`" in told
    assert bounded.open() == []


def test_a_look_at_which_nothing_is_new_writes_nothing(watched):
    watched.alert("run_failed", "check_failed", "quarantine_grew").apply()
    watched.ended("failed")
    assert watched.look()
    assert not watched.look(seconds=5)


def test_alerts_are_told_by_owner_severity_pipeline_node_tag_and_environment(watched):
    watched.project.model("totals", "SELECT count(*) AS n FROM raw", owner="ann", tags=["hot"])
    watched.project.settings(pipelines={"morning": {"select": "totals", "owner": "ann"}})
    db, heard = watched.project.workspace.db, {}
    for name, only in {
        "right": {"owner": "ann", "tags": "hot", "nodes": "+totals", "pipelines": "morning", "severity": "error"},
        "environment": {"environments": "prod"},
        "severity": {"severity": "warning"},
        "node": {"nodes": "raw"},
    }.items():
        watched.alert("set_aside", only=only).apply()
        db = watched.project.workspace.db
        note_crashes(db, "dev", [("totals", "v")], "r1", watched.project.now, 1)
        watched.look()
        heard[name] = bool(watched.open())
        clear_suspects(db, "dev", ["totals"])
        watched.look()
    assert heard == {"right": True, "environment": False, "severity": False, "node": False}


def test_what_goes_on_is_told_again_until_somebody_looks_after_it(watched):
    watched.alert("run_failed", repeat="4h").apply()
    watched.ended("failed")
    watched.look()
    watched.deliver()
    watched.look(hours=5)
    (told,) = watched.deliver()
    assert "run_failed `runs by hand` goes on" in told
    (incident,) = incidents(watched)
    assert acknowledge_incident(watched.project.workspace, incident.id).acked_at
    watched.look(hours=5)
    assert watched.deliver() == []
    watched.ended("done")
    watched.look()
    (told,) = watched.deliver()
    assert "recovered" in told


def test_an_alert_that_is_taken_out_ends_what_it_told_of(watched):
    watched.alert("run_failed").apply()
    watched.ended("failed")
    watched.look()
    watched.deliver()
    watched.project.settings(alerts={})
    watched.apply()
    assert (watched.open(), watched.deliver()) == ([], [])


def test_nothing_stays_wrong_in_an_environment_that_is_gone(watched):
    watched.alert("run_failed").apply()
    watched.ended("failed")
    watched.look()
    delete_environment(watched.project.workspace, "dev")
    assert watched.open() == []
