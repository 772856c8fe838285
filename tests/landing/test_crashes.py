"""Killed at any step of a landing, and several at once: no row is lost, none is landed twice."""

import multiprocessing
import os
import random
import signal
import sqlite3
import sys
from contextlib import closing

import pytest

from headwater.diagnostics import HeadwaterError
from tests.harness import NOON, Project
from tests.landing.conftest import Shop

CONTEXT = multiprocessing.get_context("forkserver")
STEPS = {"open", "os.rename", "os.remove", "os.link", "os.mkdir", "sqlite3.connect"}
EVERYTHING = "SELECT id, note FROM kept"


def made(root) -> Shop:
    shop = Shop(Project(root))
    shop.sql("CREATE TABLE orders (id INTEGER, note TEXT)")
    shop.source("orders", {"id": "bigint", "note": "text"}, table="orders", cursor="id")
    shop.project.model("kept", "SELECT id, note FROM orders")
    return shop


def insert(shop, chance, number):
    """Ids go on, and often the last one comes again; some rows are bad."""
    rows = [
        (number * 3 + chance.randrange(4), chance.choice(["a", "b", b"\xff"])) for _ in range(chance.randrange(1, 9))
    ]
    shop.sql("INSERT INTO orders VALUES (?, ?)", *rows)


def in_database(shop):
    with closing(sqlite3.connect(shop.path)) as database:
        return sorted(database.execute("SELECT id, note FROM orders WHERE typeof(note) = 'text'"))


def dies(root, now, step, tokens):
    """Run in a process that kills itself at its n-th operation on a file of the project."""
    left = step

    def hook(event, arguments):
        nonlocal left
        if event in STEPS and any(part in str(arguments[0]) for part in ("_landed", "landing-", "state.db")):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    project = Project(root, now=now, tokens=tokens)
    project.workspace  # noqa: B018 - opened before anything is counted
    sys.addaudithook(hook)
    project.run()


def lands(root, now, tokens):
    try:
        Project(root, now=now, tokens=tokens).run()
    except HeadwaterError as problem:
        assert {d.code for d in problem.diagnostics} <= {"HW0521", "HW0542"}  # noqa: PT017 - being too late is allowed


def ended(process):
    process.join(60)
    assert not process.is_alive()
    return process.exitcode


def test_a_landing_killed_at_any_step_is_finished_by_the_next(tmp_path):
    shop, chance = made(tmp_path / "p"), random.Random(3)
    shop.project.apply()
    killed = 0
    for step in range(1, 13):
        insert(shop, chance, step)
        process = CONTEXT.Process(target=dies, args=(shop.project.root, shop.project.now, step, f"k{step}x"))
        process.start()
        killed += ended(process) != 0
        shop.project.later(minutes=1)
        shop.project.run()
        assert sorted(shop.project.query(EVERYTHING)) == in_database(shop)
    assert killed >= 8


def test_what_was_sealed_but_not_recorded_is_taken_up(tmp_path):
    shop = made(tmp_path / "p")
    shop.sql("INSERT INTO orders VALUES (?, ?)", (1, "a"), (2, b"\xff"))
    shop.project.apply()
    state = shop.project.root / ".headwater" / "state.db"
    shop.project.reopen()
    before = state.read_bytes()
    shop.sql("INSERT INTO orders VALUES (?, ?)", (2, "b"), (3, "c"))
    shop.project.run()
    shop.project.reopen()
    for each in state.parent.glob("state.db*"):
        each.unlink()
    state.write_bytes(before)
    shop.sql("DELETE FROM orders")
    shop.project.run()
    assert shop.project.table("kept") == [(1, "a"), (2, "b"), (3, "c")]


def test_processes_that_land_at_once_land_each_row_once(tmp_path):
    shop, chance = made(tmp_path / "p"), random.Random(4)
    shop.project.apply()
    insert(shop, chance, 1)
    processes = [CONTEXT.Process(target=lands, args=(shop.project.root, NOON, f"p{n}x")) for n in range(3)]
    for process in processes:
        process.start()
    assert [ended(process) for process in processes] == [0] * 3
    shop.project.run()
    assert sorted(shop.project.query(EVERYTHING)) == in_database(shop)


@pytest.mark.slow
def test_many_kills_at_random_steps(tmp_path):
    shop, chance = made(tmp_path / "p"), random.Random(5)
    shop.project.apply()
    for number in range(1, 25):
        insert(shop, chance, number)
        step = chance.randrange(1, 16)
        process = CONTEXT.Process(target=dies, args=(shop.project.root, shop.project.now, step, f"k{number}x"))
        process.start()
        ended(process)
        shop.project.later(minutes=1)
        if chance.random() < 0.5:
            shop.project.run()
            assert sorted(shop.project.query(EVERYTHING)) == in_database(shop)
