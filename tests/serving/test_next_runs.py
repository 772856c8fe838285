"""When what runs by itself starts next: the API and `headwater top` say the same."""

import pytest

from headwater.app.control.observing import due_times
from headwater.app.serving.leading import Leader
from headwater.app.watching import Watcher
from headwater.state.pipeline_states import pause, resume


@pytest.fixture
def shop(project):
    timed = {"select": ["n"], "schedule": [{"every": "1d"}]}
    pipelines = {"daily": timed, "ever": {"select": ["n"], "continuous": "10s"}, "elsewhere": {**timed, "in": ["prod"]}}
    return project.model("n", "SELECT 1 AS n").settings(pipelines=pipelines)


def said(project):
    """Pipeline → when it starts next: as `/due` lists it, and as `top` shows it."""
    workspace, now = project.workspace, project.now
    listed = {each.pipeline: each.at for each in due_times(workspace) if not each.run}
    shown = {each.pipeline: each.at for each in Watcher(workspace.db).look(now).next if each.at}
    return listed, shown


def test_the_api_and_top_agree_on_what_comes_next(shop):
    shop.apply()
    Leader(shop.workspace, "me").step(shop.now)
    listed, shown = said(shop)
    assert listed == shown
    assert set(listed) == {"daily", "ever"}


def test_they_agree_on_what_was_missed(shop):
    shop.apply()
    Leader(shop.workspace, "me").step(shop.now)
    listed, shown = said(shop.later(days=3))
    assert listed == shown
    assert listed["daily"] == shop.now


def test_they_agree_on_a_pause(shop):
    shop.apply()
    Leader(shop.workspace, "me").step(shop.now)
    pause(shop.workspace.db, "dev", "daily", "ann", "", shop.now)
    assert "daily" not in said(shop)[0] | said(shop)[1]
    resume(shop.workspace.db, "dev", "daily")
    assert said(shop)[0] == said(shop)[1] != {}
