"""Every process of a real server is killed at random while files arrive; in the end every table is as it must be."""

import os
import random
import time
from pathlib import Path

import pytest

from headwater.state.requests import last_requests
from headwater.state.suspects import suspects
from tests.chaos import big_project
from tests.chaos.killing import Town, ask_to_stop, until
from tests.harness import Project

KILLS = int(os.environ.get("HEADWATER_CHAOS_KILLS", "100"))
SEED = int(os.environ.get("HEADWATER_CHAOS_SEED", "1"))
FILE_EVERY, MACHINE_EVERY = 2, 15
"""Kills between two new files, and between two deaths of the whole machine."""


@pytest.fixture
def town(project_on):
    big_project.write(project_on)
    project_on.apply()
    made = Town(project_on)
    yield made
    made.stop()


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_tables_are_those_of_an_undisturbed_run_whoever_is_killed(town, tmp_path, record_property):
    project, chance = town.project, random.Random(SEED)
    town.start()
    until(lambda: _has_looked(project), "a first look", town.log)
    files, alone, began = 1, [], time.monotonic()
    while town.killed < KILLS:
        if town.killed // FILE_EVERY >= files - 1:
            big_project.add(project, files)
            files += 1
        before = len(town.kills)
        _strike(town, chance)
        if chance.random() < 0.6:  # else the next one comes before anybody has recovered
            alone += town.kills[before:]
            until(lambda last=tuple(town.kills[before:]): all(map(town.recovered, last)), "a recovery", town.log)
        time.sleep(chance.uniform(0.1, 1.0))
    struck = time.monotonic()
    big_project.add(project, files)
    until(lambda: _has_all(project, files + 1) and town.drained(), "an end of all runs", town.log)
    print(f"{town.killed} kills in {struck - began:.0f} s; all was done {time.monotonic() - struck:.0f} s later")
    times = town.seconds_until(alone)
    assert times, "nobody was killed in the middle of a run"
    said = f"median {times[len(times) // 2]:.2f} s, 95th percentile {times[int(len(times) * 0.95)]:.2f} s"
    record_property("recovery", said)
    print(f"{town.killed} kills, {len(town.kills)} in a run; time to recovery, where no other kill followed: {said}")
    assert [each.id for each in last_requests(project.workspace.db, limit=10_000) if each.status == "set_aside"] == []
    assert suspects(project.workspace.db, "dev") == ()
    assert _left(project) == []
    assert [ask_to_stop(server) for server in town.servers] == [0] * len(town.servers)
    assert _tables(project) == _undisturbed(tmp_path, files + 1)


def _strike(town: Town, chance: random.Random) -> None:
    """Kill one of all processes, or all; whoever runs servers starts them again."""
    alive = town.alive()
    is_machine = chance.random() < 1 / MACHINE_EVERY
    busy = town.busy() if chance.random() < 0.6 else []
    town.kill(alive if is_machine else [chance.choice(busy or alive)])
    if is_machine:
        town.lose_unsynced(chance)
    if not town.servers:
        town.start()


def _has_looked(project: Project) -> bool:
    with project.workspace.db.read() as connection:
        (looked,) = connection.execute("SELECT count(*) FROM pipeline_states WHERE memory <> '{}'").fetchone()
    return looked == big_project.PIPELINES


def _has_all(project: Project, files: int) -> bool:
    """Whether the last model of each pipeline has seen all files."""
    last = [big_project.name(0, group * 5) for group in range(big_project.PIPELINES)]
    rows = [project.query(f"SELECT sum(n) FROM {name}")[0][0] for name in last]
    return all(each == files * 200 / big_project.WIDTH for each in rows)


def _left(project: Project) -> list[tuple[str, ...]]:
    """What nobody should hold any more."""
    with project.workspace.db.read() as connection:
        running = connection.execute("SELECT 'attempt', node FROM attempts WHERE status = 'running'").fetchall()
        held = connection.execute("SELECT 'lease', name FROM leases WHERE name NOT LIKE 'serve:%'").fetchall()
        runs = connection.execute("SELECT 'run', id FROM runs WHERE ended_at IS NULL").fetchall()
    return [tuple(row) for row in (*running, *held, *runs)]


def _tables(project: Project) -> dict[str, list[tuple]]:
    return {name: project.table(name) for name in big_project.NAMES}


def _undisturbed(directory: Path, files: int) -> dict[str, list[tuple]]:
    calm = Project(directory / "calm")
    big_project.write(calm)
    for number in range(1, files):
        big_project.add(calm, number)
    calm.apply()
    found = _tables(calm)
    calm.reopen()
    return found
