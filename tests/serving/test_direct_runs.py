"""Runs by hand: while its process lives, a run has a lease; one whose process was killed has failed, once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from headwater.app.alerting.after_run import told_afterwards
from headwater.app.direct_runs import end_dead_runs
from headwater.app.serving.recovering import Recovery
from headwater.diagnostics import Conflict
from headwater.events import TaskFinished
from headwater.state.direct_runs import hold_run
from headwater.state.incidents import open_incidents
from headwater.state.leases import lease, release_leases
from headwater.state.run_records import run_record, run_records
from headwater.state.runs import start_run

LONG = timedelta(minutes=1)


@pytest.fixture
def shop(project):
    project.source("raw", {"id": "bigint"}, rows=[(1,), (2,)])
    project.model("totals", "SELECT count(*) AS n FROM raw")
    project.settings(alerts={"team": {"on": ["run_failed"], "to": "json://127.0.0.1:1/hook"}})
    project.apply()
    return project


def killed(project, run="dead"):
    """A run as a SIGKILL leaves it: under way, with a lease that nobody prolongs."""
    with project.workspace.db.write():
        hold_run(project.workspace.db, run, run, project.now, 7.0)
        start_run(project.workspace.db, run, "dev", "run", project.now, "ada", "")
    return run


def test_a_run_holds_its_lease_while_it_works_and_then_no_more(shop):
    seen = []
    shop.file("raw", "2.csv", ["id"], [(3,)])
    shop.when(
        lambda event: isinstance(event, TaskFinished),
        lambda: seen.append(lease(shop.workspace.db, f"run:{run_records(shop.workspace.db, limit=1)[0].id}")),
    )
    shop.run()
    (last,) = run_records(shop.workspace.db, limit=1)
    assert [each.name for each in seen] == [f"run:{last.id}"]
    assert lease(shop.workspace.db, f"run:{last.id}") is None


def test_a_run_whose_process_died_has_failed_once(shop):
    run = killed(shop)
    assert end_dead_runs(shop.workspace.db, shop.now) == ()
    assert end_dead_runs(shop.workspace.db, shop.now + LONG) == (run,)
    found = run_record(shop.workspace.db, run)
    assert (found.status, found.message) == ("failed", "its process died")
    assert end_dead_runs(shop.workspace.db, shop.now + LONG) == ()


def test_a_server_watches_for_how_long_a_run_is_silent_though_its_clock_is_late(shop):
    run, passed = killed(shop), [0.0]
    workspace = replace(shop.workspace, effects=replace(shop.effects, monotonic=lambda: passed[0]))
    recovery = Recovery(workspace)
    assert recovery.look_at_commands(shop.now) == []
    passed[0] = 9.0
    assert recovery.look_at_commands(shop.now) == [run]
    assert recovery.look_at_commands(shop.now) == []


def test_silence_while_the_state_was_away_proves_nobody_dead(shop):
    run, passed = killed(shop), [0.0]
    workspace = replace(shop.workspace, effects=replace(shop.effects, monotonic=lambda: passed[0]))
    recovery = Recovery(workspace)
    assert recovery.look_at_commands(shop.now) == []
    passed[0] = 60.0
    recovery.begin_anew()
    assert recovery.look_at_commands(shop.now + LONG) == []
    passed[0] = 62.0
    assert recovery.look_at_commands(shop.now + LONG) == [run]


def test_what_was_only_asleep_makes_nothing_visible_when_it_was_given_up(shop):
    before = shop.head()
    shop.file("raw", "2.csv", ["id"], [(3,)])

    def lose():
        (last,) = run_records(shop.workspace.db, limit=1)
        release_leases(shop.workspace.db, [f"run:{last.id}"], last.id)

    shop.when(lambda event: isinstance(event, TaskFinished), lose)
    with pytest.raises(Conflict, match="was lost"):
        shop.run()
    assert shop.head() == before


def test_a_run_by_hand_that_died_is_told_by_the_next_one(shop):
    killed(shop)
    shop.now += LONG
    with told_afterwards(shop.workspace, "dev", lambda _: None):
        pass
    assert [each.rule for each in open_incidents(shop.workspace.db, "dev")] == ["run_failed"]
