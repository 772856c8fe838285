"""Sinks that were left behind (by a failed load, a crash, a rollback) and what brings them up to date."""

import json
import sqlite3
from contextlib import closing

import pytest

SINK = {"connector": "sqlite", "path": "out.db", "table": "t", "in": ["dev"], "from": "daily"}


@pytest.fixture
def shop(project):
    columns = {"id": "bigint", "day": "date"}
    project.source(
        "raw", columns, [(1, "2024-01-01"), (2, "2024-01-02")], time="day", start="2024-01-01", end="2024-01-05"
    )
    days = "SELECT id, day FROM raw WHERE day >= $start AND day < $end"
    project.model("daily", days, kind="incremental", time="day", every="1d")
    project.model("total", "SELECT count(*) AS rows FROM daily", kind="view")
    return project


def sink(project, **settings):
    project.write("sinks/out.yaml", json.dumps({"sinks": {"out": {**SINK, **settings}}}))


def late(project, name, number):
    project.file("raw", name, ["id", "day"], [(number, "2024-01-01")])


def loaded(project, columns="id"):
    with closing(sqlite3.connect(project.root / "out.db")) as database:
        return sorted(row[0] for row in database.execute(f"SELECT {columns} FROM t"))


def run_while_it_is_gone(project):
    target = project.root / "out.db"
    target.rename(project.root / "aside.db")
    target.mkdir()
    project.run(fails=True)
    target.rmdir()
    (project.root / "aside.db").rename(target)


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_slot_that_could_not_be_loaded_is_loaded_by_the_next_run(shop, mode):
    sink(shop, mode=mode)
    shop.apply()
    late(shop, "late.csv", 3)
    run_while_it_is_gone(shop)
    shop.run()
    assert loaded(shop) == [1, 2, 3]


def test_what_a_rollback_took_back_stays_until_a_later_run_changes_the_slot(shop):
    sink(shop, mode="append")
    shop.apply()
    late(shop, "late.csv", 3)
    shop.run()
    shop.rollback(data=True)
    shop.run()
    assert [row[0] for row in shop.table("daily")] == [1, 2]
    assert loaded(shop) == [1, 2, 3]
    late(shop, "later.csv", 4)
    shop.run()
    assert loaded(shop) == [1, 2, 3, 4]


def test_a_sink_of_a_view_follows_what_the_view_reads(shop):
    sink(shop, **{"from": "total"}, mode="replace")
    shop.apply()
    late(shop, "late.csv", 3)
    shop.run()
    assert loaded(shop, "rows") == [3]
    shop.rollback(data=True)
    shop.run()
    assert loaded(shop, "rows") == [3]
