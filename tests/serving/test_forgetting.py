"""A server forgets what ran long ago, a little at a time, and never touches rows."""

import pytest

from headwater.app.forgetting import Forgetting
from headwater.state.run_events import logged_runs
from headwater.state.runs import runs


@pytest.fixture
def shop(project):
    project.source("raw", {"id": "bigint"}, [(1,)])
    project.model("totals", "SELECT count(*) AS n FROM raw").apply()
    for number in range(3):
        project.file("raw", f"{number}.csv", ["id"], [(number,)])
        project.run()
    return project


def forgotten(project):
    """Let a server forget all that it can now; give how many runs are known."""
    forgetting = Forgetting(project.workspace)
    while forgetting.step(project.now):
        pass
    return len(runs(project.workspace.db, "dev", 10))


def test_runs_are_known_for_90_days_and_the_last_of_each_node_for_good(shop):
    assert forgotten(shop.later(days=89)) == 4
    assert forgotten(shop.later(days=2)) == 1


def test_logs_are_kept_as_long_as_rows(shop):
    assert (forgotten(shop.later(days=29)), len(logged_runs(shop.workspace.db, shop.now))) == (4, 4)
    assert (forgotten(shop.later(days=2)), logged_runs(shop.workspace.db, shop.now)) == (4, ())


def test_rows_stay_though_nobody_needs_them(shop):
    before = sorted((shop.root / ".headwater/lake").rglob("*.parquet"))
    forgotten(shop.later(days=365))
    assert sorted((shop.root / ".headwater/lake").rglob("*.parquet")) == before


def test_it_looks_once_a_day(shop):
    forgetting = Forgetting(shop.later(days=89).workspace)
    while forgetting.step(shop.now):
        pass
    assert not forgetting.step(shop.later(hours=23).now)
    assert forgetting.step(shop.later(days=2).now)
