"""Forward changes: the table keeps its rows, new logic fills what is due from then on."""

import pytest

from headwater.diagnostics import Invalid

DAYS = {"seen": "timestamp", "v": "integer"}


@pytest.fixture
def table(project):
    """A table by day with a reader, three days filled."""
    project.source(
        "raw", DAYS, rows=[(f"2024-01-{day:02} 10:00", day) for day in (8, 9, 10)], time="seen", start="2024-01-08"
    )
    project.model("facts", "SELECT seen, v FROM raw", kind="incremental", time="seen", every="1d", on_change="forward")
    project.model("sums", "SELECT seen, v FROM facts", kind="incremental", time="seen", every="1d")
    project.apply()
    return project


def change(project, select):
    project.model(
        "facts", f"SELECT {select} FROM raw", kind="incremental", time="seen", every="1d", on_change="forward"
    )


def test_a_forward_change_keeps_the_rows_there_are(table):
    change(table, "seen, v * 10 AS v")
    assert table.plan().computed == {}
    table.apply()
    assert table.query("SELECT v FROM facts ORDER BY v") == [(8,), (9,), (10,)]


def test_the_plan_says_that_rows_stay(table):
    change(table, "seen, v * 10 AS v")
    assert next((s.action, s.node, s.slots, s.because) for s in table.plan().plan.steps) == (
        "reuse",
        "facts",
        3,
        "its query changed: forward",
    )


def test_what_is_filled_later_has_the_new_logic_and_moves_its_readers(table):
    change(table, "seen, v * 10 AS v")
    table.apply()
    table.file("raw", "late.csv", list(DAYS), [("2024-01-09 11:00", 5)])
    table.run()
    assert table.query("SELECT v FROM facts ORDER BY v") == [(8,), (10,), (50,), (90,)]
    assert table.query("SELECT v FROM sums ORDER BY v") == [(8,), (10,), (50,), (90,)]


def test_a_new_column_is_null_in_rows_from_before(table):
    change(table, "seen, v, v + 1 AS next")
    table.apply()
    table.file("raw", "late.csv", list(DAYS), [("2024-01-10 11:00", 5)])
    table.run()
    assert table.query("SELECT v, next FROM facts ORDER BY v") == [(5, 6), (8, None), (9, None), (10, 11)]


def test_a_type_may_widen_exactly(table):
    change(table, "seen, v::bigint * 4000000000 AS v")
    table.apply()
    table.later(days=1).file("raw", "new.csv", list(DAYS), [("2024-01-11 10:00", 1)])
    table.run()
    assert table.query("SELECT v FROM facts ORDER BY v") == [(8,), (9,), (10,), (4000000000,)]


@pytest.mark.parametrize("select", ["seen, v::smallint AS v", "seen, v::float AS v", "seen", "seen::date AS seen, v"])
def test_a_change_that_narrows_or_drops_is_refused(table, select):
    change(table, select)
    with pytest.raises(Invalid) as refused:
        table.apply()
    assert "HW0270" in {d.code for d in refused.value.diagnostics}


def test_another_environment_is_not_touched_and_takes_its_own_rows_forward(table):
    table.apply("prod")
    change(table, "seen, v * 10 AS v")
    table.apply("dev")
    table.file("raw", "late.csv", list(DAYS), [("2024-01-09 11:00", 5)])
    table.run("dev")
    table.run("prod")
    assert table.query("SELECT v FROM facts ORDER BY v", "prod") == [(5,), (8,), (9,), (10,)]
    table.apply("prod")
    assert table.query("SELECT v FROM facts ORDER BY v", "prod") == [(5,), (8,), (9,), (10,)]


def test_going_back_brings_the_rows_of_the_old_logic(table):
    change(table, "seen, v * 10 AS v")
    table.apply()
    table.file("raw", "late.csv", list(DAYS), [("2024-01-09 11:00", 5)])
    table.run()
    table.rollback()
    assert table.query("SELECT v FROM facts ORDER BY v") == [(8,), (9,), (10,)]
    table.run()
    assert table.query("SELECT v FROM facts ORDER BY v") == [(5,), (8,), (9,), (10,)]


def test_leaving_forward_rebuilds_everything(table):
    change(table, "seen, v * 10 AS v")
    table.apply()
    table.model("facts", "SELECT seen, v * 10 AS v FROM raw", kind="incremental", time="seen", every="1d")
    table.apply()
    assert table.query("SELECT v FROM facts ORDER BY v") == [(80,), (90,), (100,)]


def test_a_table_with_the_column_from_the_beginning_shares_nothing_with_one_that_got_it_later(table):
    change(table, "seen, v, v + 1 AS next")
    table.model("later", "SELECT seen, next FROM facts", kind="incremental", time="seen", every="1d")
    table.apply("dev")
    table.apply("prod")
    assert table.query("SELECT next FROM later ORDER BY seen", "dev") == [(None,), (None,), (None,)]
    assert table.query("SELECT next FROM later ORDER BY seen", "prod") == [(9,), (10,), (11,)]


def test_a_merge_cannot_go_forward_as_a_history(table):
    settings = {"key": ["v"], "time": "seen", "every": "1d", "on_change": "forward"}
    table.model("state", "SELECT * FROM raw", kind="merge", **settings)
    table.apply()
    table.model("state", "SELECT * FROM raw", kind="history", **settings)
    with pytest.raises(Invalid) as refused:
        table.apply()
    assert {d.code for d in refused.value.diagnostics} == {"HW0271"}


def test_a_fold_that_went_forward_has_one_logic(table):
    settings = {"kind": "merge", "key": ["v"], "time": "seen", "every": "1d", "on_change": "forward"}
    table.model("state", "SELECT * FROM raw", **settings)
    table.file("raw", "2.csv", list(DAYS), [("2024-01-08 11:00", v) for v in range(5)])
    table.apply()
    table.model("state", "SELECT * FROM raw", deleted="v < 9", **settings)
    table.apply()
    assert table.query("SELECT count(*) FROM state") == [(8,)]
    table.later(days=1).file("raw", "new.csv", list(DAYS), [("2024-01-11 10:00", 11)])
    table.run()
    assert table.query("SELECT v FROM state ORDER BY v") == [(9,), (10,), (11,)]


@pytest.mark.parametrize("kind", ["view", "inline"])
def test_what_keeps_no_rows_cannot_go_forward(table, kind):
    table.model("seen", "SELECT * FROM facts", kind=kind, on_change="forward")
    assert [found.split()[0] for found in table.mistakes] == ["HW0260"]
