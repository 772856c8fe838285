"""Two real servers on one state, one killed now and then: no time is ordered twice, no fill is moved twice."""

import os
import random
import time
from datetime import UTC, datetime

import psutil
import pytest

from headwater.run.leasing import TTL_S
from headwater.state.leases import lease
from headwater.state.requests import last_requests
from headwater.state.workers import workers
from tests.chaos.killing import Town, until

SECONDS = float(os.environ.get("HEADWATER_CHAOS_SECONDS", "20"))
LEADER = "serve:leader:dev"


@pytest.fixture
def town(project):
    project.now = datetime.now(UTC)
    project.settings(pipelines={"often": {"select": ["*"], "schedule": {"every": "1s"}, "max_active": 2}})
    project.source("events", {"id": "integer"}, rows=[(1,)])
    project.model("counts", "SELECT count(*) AS n FROM events")
    project.model("sums", "SELECT sum(id) AS total FROM events")
    project.apply()
    made = Town(project, workers=1)
    yield made
    made.stop()


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(1200)
def test_two_servers_order_each_time_once_and_move_each_fill_once(town):
    project, chance = town.project, random.Random(1)
    town.start()
    town.start()
    until(lambda: last_requests(project.workspace.db), "a first order", town.log)
    began, number, takeovers = time.monotonic(), 1, []
    while time.monotonic() - began < SECONDS or not takeovers:
        number += 1
        project.file("events", f"{number}.csv", ["id"], [(number,)])
        time.sleep(chance.uniform(0.5, 1.5))
        if number % 6 == 0:
            takeovers.append(_kill_the_leader(town))
            town.start()
    project.file("events", "last.csv", ["id"], [(0,)])
    until(lambda: project.query("SELECT n FROM counts") == [(number + 1,)], "the last file", town.log)
    until(lambda: project.query("SELECT total FROM sums") == [(number * (number + 1) // 2,)], "all of it", town.log)
    print(f"takeovers after {', '.join(f'{each:.1f}' for each in sorted(takeovers))} s; leases last {TTL_S:g} s")
    requests = last_requests(project.workspace.db, limit=10_000)
    times = [each.fire_at for each in requests]
    assert len(times) == len(set(times))
    assert {each.status for each in requests if each.has_ended} == {"done"}
    assert _moved_twice(project) == []


def _kill_the_leader(town: Town) -> float:
    """Kill who leads, alone, and wait until another has ordered something; gives the seconds until then."""
    db = town.project.workspace.db
    until(lambda: _leader(town) is not None, "a leader", town.log)
    found = _leader(town)
    assert found is not None
    town.kill([found])
    at = datetime.now(UTC)
    until(lambda: last_requests(db, limit=1)[0].created_at > at, "an order of another leader", town.log)
    return (last_requests(db, limit=1)[0].created_at - at).total_seconds()


def _leader(town: Town) -> psutil.Process | None:
    held = lease(town.project.workspace.db, LEADER)
    pids = {each.id: each.pid for each in workers(town.project.workspace.db)}
    alive = {each.pid: each for each in town.alive()}
    return alive.get(pids.get(held.holder, 0)) if held else None


def _moved_twice(project) -> list[tuple]:
    with project.workspace.db.read() as connection:
        query = (
            "SELECT node, new_fill, count(*) FROM deltas WHERE new_fill IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1"
        )
        return connection.execute(query).fetchall()
