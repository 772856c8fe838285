"""What ``status`` and ``history`` say."""

from datetime import timedelta

from headwater.app.history import history
from headwater.app.status import status

SALES = "SELECT id, price, CAST(sold AS DATE) AS day FROM raw WHERE sold >= $start AND sold < $end"
COLUMNS = {"id": "bigint", "price": "double", "sold": "timestamptz"}


def shop(project, **header):
    project.source("raw", COLUMNS, [(1, 2.5, "2024-01-09 10:00:00+00")], time="sold", start="2024-01-09")
    project.model("sales", SALES, kind="incremental", time="day", every="1d", **header)
    return project


def of(project, node, **how):
    return next(each for each in status(project.workspace, "dev", **how).nodes if each.node == node)


def test_filled_until_is_the_end_of_the_last_slot(project):
    shop(project).apply()
    sales = of(project, "sales")
    assert (str(sales.filled_until), sales.slots, sales.behind_s) == ("2024-01-11 00:00:00+00:00", 2, 0)


def test_behind_counts_from_the_last_slot_to_now(project):
    shop(project).apply()
    project.later(days=2)
    assert of(project, "sales").behind_s == timedelta(days=1, hours=12).total_seconds()


def test_due_is_known_only_after_a_look(project):
    shop(project).apply()
    project.later(days=2)
    assert of(project, "sales").due is None
    assert of(project, "sales", observe=True).due == 2


def test_a_look_changes_nothing(project):
    shop(project).apply()
    before = project.head()
    project.later(days=2)
    status(project.workspace, "dev", observe=True)
    assert (project.head().release, project.head().nodes) == (before.release, before.nodes)


def test_slots_that_a_check_refused_are_blocked(project):
    shop(project, checks=[{"accepted_range": {"column": "price", "min": 0}}]).apply()
    project.file("raw", "2.csv", list(COLUMNS), [(2, -1, "2024-01-10 10:00:00+00")])
    project.run(fails=True)
    sales = of(project, "sales")
    assert (sales.blocked, sales.quality) == (1, 0.0)


def test_mended_slots_are_no_longer_blocked(project):
    shop(project, checks=[{"accepted_range": {"column": "price", "min": 0}}]).apply()
    project.file("raw", "2.csv", list(COLUMNS), [(2, -1, "2024-01-10 10:00:00+00")])
    project.run(fails=True)
    project.file("raw", "2.csv", list(COLUMNS), [(2, 1, "2024-01-10 10:00:00+00")])
    project.run()
    sales = of(project, "sales")
    assert (sales.blocked, sales.quality, sales.last_run.status) == (0, 100, "done")


def test_slots_that_a_rollback_took_back_are_held(project):
    shop(project).apply()
    project.file("raw", "2.csv", list(COLUMNS), [(2, 1, "2024-01-10 10:00:00+00")])
    project.run()
    project.rollback(data=True)
    assert of(project, "sales").held == 1


def test_an_environment_without_release_has_no_nodes(project):
    assert status(project.workspace, "dev").nodes == ()


def test_history_tells_code_data_and_rollback_apart(project):
    shop(project).apply()
    project.file("raw", "2.csv", list(COLUMNS), [(2, 1, "2024-01-10 10:00:00+00")])
    project.run()
    project.model("totals", "SELECT sum(price) AS total FROM sales")
    project.apply()
    project.rollback()
    found = [(each.release.kind, each.moved, each.is_current) for each in history(project.workspace, "dev")]
    assert found == [
        ("rollback", "code", True),
        ("apply", "code", False),
        ("run", "data", False),
        ("apply", "code", False),
    ]


def merged(project):
    """A merge whose keys came twice at one time, which its run refused."""
    columns = {"at": "timestamptz", "id": "bigint"}
    project.source("prices", columns, [("2024-01-09 10:00:00+00", 1)], time="at", start="2024-01-09")
    project.model("latest", "SELECT * FROM prices", kind="merge", key=["id"], time="at", every="1d")
    project.apply()
    project.file("prices", "2.csv", list(columns), [("2024-01-09 11:00:00+00", 2)] * 2)
    project.run(fails=True)
    return project


def without_cause(project):
    """The file is gone again."""
    project.remove("data/prices/2.csv")
    return project.later(minutes=1)


def test_what_failed_is_well_again_once_its_cause_is_gone(project):
    merged(project)
    failed = status(project.workspace, "dev").nodes
    without_cause(project)
    assert ("failed", 0) in [(each.last_run.status, each.quality) for each in failed if each.last_run]
    project.run()
    well = status(project.workspace, "dev").nodes
    assert {(e.last_run.status, e.last_run.message, e.quality, e.blocked, e.waiting) for e in well if e.last_run} == {
        ("done", "", None, 0, 0)
    }


def test_an_apply_that_changes_something_else_finds_it_well_again(project):
    without_cause(merged(project)).model("other", "SELECT 1 AS x")
    project.apply()
    assert {each.last_run.status for each in status(project.workspace, "dev").nodes if each.last_run} == {"done"}


def test_a_run_of_something_else_leaves_it_failed(project):
    project.model("other", "SELECT 1 AS x")
    merged(project).run(select=["other"])
    assert "failed" in {each.last_run.status for each in status(project.workspace, "dev").nodes if each.last_run}


def test_a_view_is_well_again_with_the_table_that_it_shows(project):
    check = {"accepted_range": {"column": "price", "min": 0, "on_fail": "warn"}}
    project.source("raw", COLUMNS, [(1, 2.5, "2024-01-09 10:00:00+00")], on_vanish="delete")
    project.model("sales", "SELECT price FROM raw")
    project.model("v", "SELECT price FROM sales", kind="view", checks=[check])
    project.apply()
    project.file("raw", "2.csv", list(COLUMNS), [(2, -1, "2024-01-10 10:00:00+00")])
    project.run()
    assert of(project, "v").quality == 0
    project.remove("data/raw/2.csv")
    project.run()
    assert of(project, "v").quality == 100


def test_a_score_comes_back_with_what_it_was_about(project):
    shop(project, checks=[{"accepted_range": {"column": "price", "min": 0}}]).apply()
    project.file("raw", "2.csv", list(COLUMNS), [(2, -1, "2024-01-10 10:00:00+00")])
    project.run(fails=True)
    project.remove("data/raw/2.csv")
    project.run()
    sales = of(project, "sales")
    assert (sales.blocked, sales.quality) == (0, 100)
