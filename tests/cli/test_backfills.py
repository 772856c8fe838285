"""Backfills, reruns and options of runs on the command line."""

from datetime import UTC, datetime, timedelta

import pytest

MODEL = """/* headwater
kind: incremental
time: ts
every: 1d
*/
SELECT date_trunc('day', ts) AS ts, count(*) AS n FROM events GROUP BY ALL
"""
TODAY = datetime.now(UTC).date()
FROM, TO = (str(TODAY - timedelta(days=back)) for back in (6, 2))


@pytest.fixture
def days(headwater):
    """Ten days of events until today, counted by day."""
    first = TODAY - timedelta(days=9)
    source = "connector: files, path: data/e.csv, format: csv, time: ts, columns: {ts: timestamp}"
    headwater.write("sources/events.yaml", f"sources: {{events: {{{source}, start: {first}}}}}\n")
    rows = "".join(f"{first + timedelta(days=number)} 00:00:00\n" for number in range(10))
    headwater.write("data/e.csv", f"ts\n{rows}")
    headwater.write("models/days.sql", MODEL)
    assert headwater("apply").code == 0
    return headwater


def test_a_backfill_says_what_it_did(days):
    said = days("backfill", "days", "--from", FROM, "--to", TO, "--every", "2d", "--again", "--json")
    assert said.code == 0
    document = said.document
    assert (document["status"], document["slots"], document["nodes"]) == ("done", 4, ["days"])
    assert document["chunks"] == {"total": 2, "queued": 0, "running": 0, "done": 2, "failed": 0, "cancelled": 0}
    assert [run["status"] for run in document["runs"]] == ["done", "done"]


def test_one_that_is_left_to_a_server_is_listed_and_cancelled(days):
    ordered = days("backfill", "days", "--from", FROM, "--to", TO, "--detach", "--json").document
    assert [each["status"] for each in days("backfill", "--list", "--json").document] == ["running"]
    assert days("backfill", "days", "--from", FROM, "--to", TO).code == 1
    cancelled = days("backfill", "--cancel", ordered["backfill"])
    assert (cancelled.code, "cancelled" in cancelled.out) == (0, True)


def test_chunks_are_worked_off_by_processes_beside_it(days):
    how = ["--every", "1d", "--again", "--parallel", "2", "--json"]
    done = days("backfill", "days", "--from", FROM, "--to", TO, *how).document
    assert (done["status"], done["chunks"]["done"]) == ("done", 4)


def test_what_was_left_by_a_command_that_died_is_worked_off(days):
    ordered = days("backfill", "days", "--from", FROM, "--to", TO, "--detach", "--json").document
    resumed = days("backfill", "--resume", ordered["backfill"], "--json")
    assert (resumed.code, resumed.document["status"]) == (0, "done")


@pytest.mark.parametrize(
    "arguments",
    [
        ["days"],
        ["days", "--from", "2024-01-01"],
        ["days", "--from", "soon", "--to", "later"],
        ["days", "--from", FROM, "--to", TO, "--parallel", "0"],
        ["days", "--from", FROM, "--to", TO, "--every", "often"],
    ],
)
def test_a_backfill_that_is_not_said_right_is_a_usage_error(days, arguments):
    assert days("backfill", *arguments).code == 2


def test_a_stretch_is_run_by_days_as_they_are_written(days):
    done = days("run", "--since", FROM, "--until", TO, "--again", "--json").document
    assert [(step["node"], step["slots"]) for step in done["steps"] if step["action"] == "fill"] == [("days", 4)]


def test_a_rerun_says_which_release_it_uses(days):
    days("run", "days")
    run = days("runs", "--json").document[0]["run"]
    said = days("rerun", run)
    assert (said.code, f"which {run} used" in said.out) == (0, True)
    latest = days("rerun", run, "--release", "latest", "--json").document
    assert (latest["rerun_of"], latest["used"], latest["uses"]) == (run, latest["used"], latest["used"])
