"""The life of a project whose state is in a file, and of one whose state is on Postgres: they are the same."""

import pytest

from headwater.app.doctor import doctor
from headwater.diagnostics import HeadwaterError
from headwater.events import StatePaused, StateResumed, TaskFinished
from tests.harness import Project


@pytest.fixture
def shop(project_on: Project) -> Project:
    project_on.source("orders", {"id": "bigint", "price": "double"}, rows=[(1, 2.5), (2, 4.0)])
    project_on.model("totals", "SELECT count(*) AS orders, sum(price) AS total FROM orders")
    project_on.apply()
    return project_on


def test_what_is_applied_is_served(shop: Project) -> None:
    shop.reopen()
    assert shop.query("SELECT * FROM totals") == [(2, 6.5)]


def test_a_run_fills_what_is_due(shop: Project) -> None:
    shop.file("orders", "more.csv", ["id", "price"], [(3, 1.0)])
    shop.run()
    assert shop.table("totals") == [(3, 7.5)]
    assert shop.run().release is None


def test_a_rollback_gives_back_what_was_served(shop: Project) -> None:
    shop.model("totals", "SELECT count(*) AS orders FROM orders")
    shop.apply()
    shop.rollback()
    assert shop.query("SELECT * FROM totals") == [(2, 6.5)]
    assert [release.kind for release in shop.history()] == ["rollback", "apply", "apply"]


def test_a_lost_state_is_rebuilt_from_the_lake(shop: Project, request: pytest.FixtureRequest) -> None:
    place = shop.workspace.settings.state
    shop.reopen()
    if hasattr(place, "schema"):
        request.getfixturevalue("postgres").execute(f'DROP SCHEMA "{place.schema}" CASCADE')
    else:
        place.unlink()
    with pytest.raises(HeadwaterError) as caught:
        shop.plan()
    assert caught.value.diagnostics[0].code == "HW0601"
    assert doctor(shop.root, repair=True, effects=shop.effects).is_healthy
    assert shop.query("SELECT * FROM totals") == [(2, 6.5)]


def test_a_run_waits_for_a_state_that_goes_away_in_the_middle(shop: Project, request: pytest.FixtureRequest) -> None:
    place = shop.workspace.settings.state
    server = request.getfixturevalue("postgres") if hasattr(place, "schema") else None
    go, come_back = (
        (server.stop, server.start)
        if server
        else (lambda: place.rename(shop.root / "away"), lambda: (shop.root / "away").rename(place))
    )
    shop.when(lambda event: isinstance(event, TaskFinished), go)
    shop.when(lambda event: isinstance(event, StatePaused), come_back)
    shop.file("orders", "more.csv", ["id", "price"], [(3, 1.0)])
    shop.events.clear()
    shop.run()
    assert shop.table("totals") == [(3, 7.5)]
    waits = [type(event) for event in shop.events if isinstance(event, (StatePaused, StateResumed))]
    assert (waits[0], waits[-1]) == (StatePaused, StateResumed)
