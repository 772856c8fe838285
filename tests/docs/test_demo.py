"""`make demo` goes through, and what it leaves behind is right."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tools.shape import ROOT

HEADWATER = Path(sys.executable).with_name("headwater")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "demo"
    for _ in "once", "and again":
        done = subprocess.run(
            [sys.executable, ROOT / "tools/demo.py", folder], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def ask(demo, sql, environment="prod"):
    command = [HEADWATER, "--project", demo, "--json", "query", "--env", environment, sql]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_every_flight_is_counted_once(demo):
    assert ask(demo, "SELECT CAST(sum(flights) AS BIGINT) AS flights FROM daily_delays") == [{"flights": 336_776}]


def test_dev_has_the_change_and_prod_was_taken_back(demo):
    early = "SELECT count(*) AS days FROM daily_delays WHERE mean_delay < 0"
    assert ask(demo, early, "dev") == [{"days": 0}]
    assert ask(demo, early, "prod")[0]["days"] > 0


def test_a_wind_that_cannot_be_was_set_aside(demo):
    assert ask(demo, "SELECT count(*) AS hours, max(wind_kmh) < 400 AS plausible FROM clean.weather") == [
        {"hours": 26_114, "plausible": True}
    ]


def said(demo, *arguments):
    command = [HEADWATER, "--project", demo, "--json", *arguments]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_damaged_lines_stay_at_their_airport(demo):
    assert [entry["node"] for entry in said(demo, "quarantine", "list")] == ["clean.weather"]


def test_all_that_left_the_airports_is_certified(demo):
    crossed = said(demo, "audit", "--kind", "exchange", "--limit", "1000")
    assert {each["details"]["from"] for each in crossed} == {"ewr", "jfk", "lga"}
    rows = sum(each["details"]["rows"] for each in crossed if each["details"]["node"] == "clean.flights")
    assert rows == 336_776


def test_sinks_hold_what_was_released(demo):
    routes = duckdb.sql(
        f"SELECT origin, count(*) FROM read_parquet('{demo}/out/prod/routes/**/*.parquet') GROUP BY ALL ORDER BY ALL"
    )
    assert routes.fetchall() == [("EWR", 86), ("JFK", 70), ("LGA", 68)]
    with duckdb.connect(str(demo / "out/dashboard.duckdb"), read_only=True) as dashboard:
        assert dashboard.sql("SELECT count(*) FROM daily_delays").fetchall() == [(11_864,)]
