"""Histories that once failed, each as short as it could be made."""

from datetime import timedelta

from tests.harness import Project
from tests.oracle.world import DAY, EVENTS, FIRST, NAMES, Code, Data, aware, served, write_code
from tests.oracle.world import write_project as write_world


def world(tmp_path) -> Project:
    project = Project(tmp_path / "p", now=aware(FIRST + 3 * DAY + timedelta(hours=12)))
    write_world(project)
    project.file("names", "names.csv", list(NAMES), Data().names)
    project.file("events", "f1.csv", list(EVENTS), [(FIRST, 1, 2), (FIRST + DAY, 2, 3)])
    write_code(project, Code())
    project.apply()
    return project


def test_rows_taken_back_stay_back_though_what_is_read_as_of_the_run_has_changed(tmp_path):
    project = world(tmp_path)
    project.file("names", "names.csv", list(NAMES), [(1, "null"), (2, "two")])
    project.file("events", "late.csv", list(EVENTS), [(FIRST, 2, 5)])
    before = served(project, "dev")
    project.run()
    project.rollback(data=True)
    project.run()
    assert served(project, "dev") == before


def test_a_plan_before_a_run_hides_nothing_from_it(tmp_path):
    project = world(tmp_path)
    project.file("events", "late.csv", list(EVENTS), [(FIRST, 2, 5)])
    project.plan()
    project.run()
    assert (FIRST, 2, 5) in served(project, "dev")["clean"]


def test_a_refused_slot_keeps_every_run_red_until_it_is_mended(tmp_path):
    project = world(tmp_path)
    project.file("events", "bad.csv", list(EVENTS), [(FIRST, 2, 5000)])
    codes = [project.run(fails=True).exit_code, project.run(fails=True).exit_code]
    project.remove("data/events/bad.csv")
    assert (*codes, project.run().exit_code) == (6, 6, 0)


def test_two_models_with_one_query_are_two_tables(tmp_path):
    project = world(tmp_path)
    project.model("twin", "SELECT k, sum(v) AS total FROM clean WHERE v > 0 GROUP BY k", checks=[])
    project.model("other_twin", "SELECT k, sum(v) AS total FROM clean WHERE v > 0 GROUP BY k", checks=[])
    project.apply()
    assert project.table("twin") == project.table("other_twin") == served(project, "dev")["everything"]
