"""Killed at random moments, and eight processes at once: the tables are the same in the end, and never half."""

import multiprocessing
import random
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.harness import Project
from tests.oracle.processes import actor, reader, start
from tests.oracle.world import (
    DAY,
    EVENTS,
    EXACT,
    FIRST,
    NAMES,
    Code,
    Data,
    aware,
    build_all,
    naive,
    served,
    write_code,
    write_ledger,
)
from tests.oracle.world import write_project as write_world

MOMENTS = 25
NOW = aware(FIRST + 3 * DAY + timedelta(hours=12))


def rows_of(seed: int) -> list[tuple]:
    chance = random.Random(seed)
    return [
        (FIRST + timedelta(minutes=chance.randrange(4 * 1440 - 720)), chance.randrange(4), chance.randrange(7))
        for _ in range(12)
    ]


def world(root: Path) -> tuple[Project, Data]:
    project, data = Project(root, now=NOW), Data()
    write_world(project)
    project.file("names", "names.csv", list(NAMES), data.names)
    for number in range(4):
        data = add(project, data, f"f{number}.csv", rows_of(number))
    write_code(project, Code())
    return project, data


def add(project: Project, data: Data, name: str, rows: list[tuple]) -> Data:
    project.file("events", name, list(EVENTS), rows)
    return data.with_file(name, rows)


def kill_after(root: Path, now, command: str, seconds: float) -> None:
    process = start(root, now, command, "dev")
    process.join(seconds)
    if process.is_alive():
        process.kill()
    process.join()


def expect(project: Project, code: Code, data: Data) -> None:
    expected, found = build_all(code, data, naive(project.now), "dev"), served(project, "dev")
    assert {node: found[node] for node in EXACT} == {node: expected[node] for node in EXACT}
    assert found["pile"] == sorted(row for rows in data.files.values() for row in rows)
    assert sorted(row[:2] for row in found["known"] if row[3] is None) == sorted(data.names)


def test_an_apply_killed_at_any_moment_is_finished_by_the_next(tmp_path):
    project, data = world(tmp_path / "p")
    chance = random.Random(1)
    for moment in range(MOMENTS):
        code = Code(factor=2 + moment)
        write_code(project, code)
        kill_after(project.root, project.now, "apply", chance.uniform(0, 0.8))
        project.later(minutes=1)
        project.apply()
        expect(project, code, data)


def test_a_run_killed_at_any_moment_is_finished_by_the_next(tmp_path):
    project, data = world(tmp_path / "p")
    project.apply()
    chance = random.Random(2)
    for moment in range(MOMENTS):
        data = add(project, data, f"late{moment}.csv", rows_of(100 + moment))
        ledger = (*data.ledger, (moment + 1, moment))
        write_ledger(project, ledger[-1:])
        data = replace(data, ledger=ledger)
        kill_after(project.root, project.now, "run", chance.uniform(0, 0.8))
        project.later(minutes=1)
        project.run()
        expect(project, Code(), data)


@pytest.mark.slow
def test_eight_processes_neither_break_each_other_nor_see_half_a_run(tmp_path):
    project, data = world(tmp_path / "p")
    project.apply()
    context = multiprocessing.get_context("forkserver")
    failures, stop = context.Queue(), context.Event()
    workers = [
        context.Process(target=(reader if n < 4 else actor), args=(n, tmp_path / "p", NOW, failures, stop))
        for n in range(8)
    ]
    for worker in workers:
        worker.start()
    for number in range(6):
        data = add(project, data, f"more{number}.csv", rows_of(200 + number))
        time.sleep(0.7)  # lets the others work; nothing below depends on how much they do
    stop.set()
    for worker in workers:
        worker.join()
    assert [failures.get() for _ in range(failures.qsize())] == []
    assert [worker.exitcode for worker in workers] == [0] * 8
    project.later(minutes=2)
    project.apply()
    project.run()
    expect(project, Code(), data)
