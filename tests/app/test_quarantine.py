"""Rows set aside: counted, shown, looked at again."""

import pytest

from headwater.app.quarantine import list_rejects, replay, show_rejects
from headwater.diagnostics import Invalid

COLUMNS = {"id": "bigint", "price": "double", "sold": "timestamptz"}
SALES = "SELECT id, price, CAST(sold AS DATE) AS day FROM raw WHERE sold >= $start AND sold < $end"


def shop(project, rows, **header):
    project.source("raw", COLUMNS, rows, time="sold", start="2024-01-01")
    project.model("sales", SALES, kind="incremental", time="day", every="1d", **header)
    project.apply()
    return project


def test_rows_outside_the_contract_are_counted_by_reason(project):
    shop(project, [(1, 2.5, "2024-01-09 10:00:00+00"), ("x", 1, "2024-01-09 10:00:00+00"), (3, 1, None)])
    found = [(r.node, r.reason, r.count) for r in list_rejects(project.workspace, "dev")]
    assert found == [("raw", "cast", 1), ("raw", "missing", 1)]


def test_rows_are_shown_with_place_and_payload(project):
    shop(project, [(1, 2.5, "2024-01-09 10:00:00+00"), ("x", 1, "2024-01-09 10:00:00+00"), (3, 1, None)])
    (row,) = show_rejects(project.workspace, "dev", "raw", reason="cast")
    assert (row.path, row.line, row.column, row.payload) == (
        "data/raw/1.csv", 3, "id", "x,1,2024-01-09 10:00:00+00",
    )  # fmt: skip
    assert len(show_rejects(project.workspace, "dev", "raw", 1)) == 1


def test_files_that_the_environment_no_longer_stands_on_do_not_count(project):
    shop(project, [("x", 1, "2024-01-09 10:00:00+00")])
    project.file("raw", "1.csv", list(COLUMNS), [(1, 1, "2024-01-09 10:00:00+00")])
    project.run()
    assert list_rejects(project.workspace, "dev") == ()


def test_rows_that_a_check_set_aside_are_listed_too(project):
    check = {"accepted_range": {"column": "price", "min": 0}, "on_fail": "quarantine"}
    shop(project, [(1, 2.5, "2024-01-09 10:00:00+00"), (2, -1, "2024-01-09 11:00:00+00")], checks=[check])
    (found,) = list_rejects(project.workspace, "dev")
    (row,) = show_rejects(project.workspace, "dev", "sales")
    assert (found.node, found.count, found.first_position) == ("sales", 1, None)
    assert row.slot == "2024-01-09T00:00:00Z"
    assert '"id":2' in row.payload


def test_a_check_of_a_source_sets_no_rows_aside_and_says_so(project):
    check = {"accepted_range": {"column": "price", "min": 0}, "on_fail": "quarantine"}
    project.source("raw", COLUMNS, [(1, -1, "2024-01-09 10:00:00+00")], checks=[check])
    (mistake,) = project.check().diagnostics
    assert (mistake.code, "model" in mistake.hint) == ("HW0241", True)


def test_rows_from_the_future_come_back_when_their_time_has_come(project):
    shop(project, [(1, 2.5, "2024-01-09 10:00:00+00"), (2, 9, "2024-01-15 10:00:00+00")])
    assert [r.reason for r in list_rejects(project.workspace, "dev")] == ["future"]
    project.later(days=6)
    project.run()
    assert len(project.table("sales")) == 1
    done = replay(project.workspace, "dev", "raw")
    assert (done.files, done.rows_before, done.recovered) == (1, 1, 1)
    project.run()
    assert len(project.table("sales")) == 2
    assert list_rejects(project.workspace, "dev") == ()


def test_looking_again_changes_nothing_where_nothing_has_changed(project):
    shop(project, [(1, 2.5, "2024-01-09 10:00:00+00"), ("x", 1, "2024-01-09 10:00:00+00")])
    assert replay(project.workspace, "dev", "raw").recovered == 0
    assert [r.count for r in list_rejects(project.workspace, "dev")] == [1]
    assert project.due() == {}


def test_files_that_have_changed_since_are_left_to_the_next_run(project):
    shop(project, [(1, 2.5, "2024-01-09 10:00:00+00"), ("x", 1, "2024-01-09 10:00:00+00")])
    project.remove("data/raw/1.csv")
    assert replay(project.workspace, "dev", "raw").files == 0


@pytest.mark.parametrize(("node", "code"), [("row", "HW0564"), ("sales", "HW0565")])
def test_only_files_of_sources_can_be_looked_at_again(project, node, code):
    shop(project, [(1, 2.5, "2024-01-09 10:00:00+00")])
    with pytest.raises(Invalid) as caught:
        replay(project.workspace, "dev", node)
    assert [d.code for d in caught.value.diagnostics] == [code]
