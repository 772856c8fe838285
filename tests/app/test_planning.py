"""What a plan says besides its steps."""

import pytest

from headwater.app.planning import make_plan

COLUMNS = {"id": "bigint", "sold": "timestamptz"}
SALES = "SELECT {} AS id, CAST(sold AS DATE) AS day FROM raw WHERE sold >= $start AND sold < $end"


@pytest.fixture
def rotated(project):
    rows = [(1, "2024-01-09 10:00:00+00")]
    project.source("raw", COLUMNS, rows, time="sold", start="2024-01-09", on_vanish="keep")
    project.model("sales", SALES.format("id"), kind="incremental", time="day", every="1d")
    project.apply()
    project.remove("data/raw/1.csv")
    return project


def remarks(project):
    return [found.code for found in make_plan(project.workspace, project.graph(), "dev").diagnostics]


def test_files_that_are_rotated_away_are_not_missed(rotated):
    assert "HW0544" not in remarks(rotated)


def test_a_plan_that_needs_files_that_are_gone_says_that_it_will_be_refused(rotated):
    rotated.model("sales", SALES.format("id + 1"), kind="incremental", time="day", every="1d")
    assert "HW0544" in remarks(rotated)
