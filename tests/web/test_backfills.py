"""Backfills by the API: ordered, watched, cancelled."""

import json
from datetime import date

import pytest

from tests.web.conftest import codes, serve

RANGE = {"start": "2024-01-02T00:00:00Z", "end": "2024-01-08T00:00:00Z"}


@pytest.fixture
def daily(project, portal):
    project.source(
        "raw", {"day": "date", "n": "bigint"}, rows=[(date(2024, 1, d), d) for d in range(1, 10)], time="day"
    )
    project.model(
        "days",
        "SELECT day, n FROM raw WHERE day >= $start AND day < $end",
        kind="incremental",
        time="day",
        every="1d",
        start="2024-01-01",
    )
    project.write("pipelines.yaml", json.dumps({"pipelines": {"daily": {"select": ["days"]}}}))
    project.apply("prod")
    return serve(project, portal)


def order(api, **more):
    return api.post(
        "/environments/prod/backfills", **{**RANGE, "select": ["daily"], "every_s": 86400, "again": True, **more}
    )


def test_a_backfill_is_ordered_in_chunks(daily):
    answer = order(daily, parallel=2)
    made = answer.json()
    assert (answer.status_code, made["nodes"], made["slots"], made["queued"]) == (202, ["days"], 6, 6)
    assert daily.get(f"/backfills/{made['backfill']}").json()["status"] == "running"
    assert [each["backfill"] for each in daily.get("/backfills", environment="prod").json()["backfills"]] == [
        made["backfill"]
    ]


def test_its_chunks_are_runs(daily):
    made = order(daily).json()
    runs = daily.get("/runs", status="queued").json()["runs"]
    assert {run["backfill"] for run in runs} == {made["backfill"]}


def test_what_is_ordered_already_is_a_conflict(daily):
    order(daily)
    answer = order(daily)
    assert (answer.status_code, codes(answer)) == (409, ["HW1151"])


def test_a_backfill_is_cancelled(daily):
    made = order(daily).json()
    assert daily.post(f"/backfills/{made['backfill']}/cancel").json()["status"] == "cancelled"
    assert daily.post(f"/backfills/{made['backfill']}/cancel").status_code == 409


@pytest.mark.parametrize(
    "wrong",
    [{"start": RANGE["end"], "end": RANGE["start"]}, {"start": "2024-01-02T00:00:00"}, {"parallel": 0}, {"every_s": 0}],
)
def test_a_stretch_that_cannot_be_is_refused(daily, wrong):
    answer = order(daily, **wrong)
    assert (answer.status_code, codes(answer)) == (422, ["HW1088"])


def test_a_backfill_that_there_is_not_is_said(daily):
    assert daily.get("/backfills/none").status_code == 404
