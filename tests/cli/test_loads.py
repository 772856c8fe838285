"""What commands say of rows on their way in and out: sources that are landed, sinks that were left behind."""

import sqlite3
from contextlib import closing

import pytest

SINK = "sinks:\n  out:\n    connector: sqlite\n    path: out.db\n    table: t\n    from: sales\n    in: [dev]\n"
SOURCE = "sources:\n  notes:\n    connector: sqlite\n    path: notes.db\n    table: n\n    columns: {id: bigint}\n"


def loaded(headwater):
    with closing(sqlite3.connect(headwater.root / "out.db")) as database:
        return database.execute("SELECT count(*) FROM t").fetchone()[0]


def note(headwater, number):
    with closing(sqlite3.connect(headwater.root / "notes.db")) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS n (id INTEGER)")
        database.execute("INSERT INTO n VALUES (?)", (number,))


@pytest.fixture
def left_behind(headwater):
    """A sink whose first load failed; what was in its way is gone."""
    headwater.write("sinks/out.yaml", SINK)
    (headwater.root / "out.db").mkdir()
    assert "failed" in headwater("apply").out
    (headwater.root / "out.db").rmdir()
    return headwater


def test_a_run_with_nothing_due_loads_what_a_sink_lacks_and_says_so(left_behind):
    said = left_behind("run")
    assert (said.code, loaded(left_behind) > 0) == (0, True)
    assert "  » load  out" in said.out
    assert "nothing to do" not in said.out


def test_a_load_without_a_release_is_a_step_in_json(left_behind):
    found = left_behind("run", "--json").document
    assert [(step["action"], step["node"], step["rows"]) for step in found["steps"]] == [
        ("load", "out", loaded(left_behind))
    ]


def test_a_load_that_fails_again_is_named(left_behind):
    (left_behind.root / "out.db").mkdir()
    said = left_behind("run")
    assert said.code != 0
    assert "» load  out" in said.out
    assert "failed" in said.out


def test_a_run_after_that_has_nothing_to_do(left_behind):
    left_behind("run")
    assert "nothing to do" in left_behind("run").out


def test_a_plan_that_only_lands_is_not_up_to_date(headwater):
    note(headwater, 1)
    headwater.write("sources/notes.yaml", SOURCE)
    headwater.write("models/noted.sql", "SELECT id FROM notes\n")
    assert headwater("apply").code == 0
    assert headwater("plan", "--exit-code").code == 0
    note(headwater, 2)
    said = headwater("plan", "--exit-code")
    assert said.code == 10
    assert "dev: something would be landed; what follows is known then." in said.out
    assert "up to date" not in said.out
