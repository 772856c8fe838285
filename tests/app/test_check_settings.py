"""A check whose setting changes, ``warn`` or ``block``, is judged again on what is served and on what was refused."""

import pytest

COLUMNS = {"id": "bigint", "price": "double"}
BAD = [(1, -1.0)]


def shop(project, *, source="", model="", rows=None, kind="accepted_range"):
    """One source and one table on it; ``source`` and ``model`` say what happens where their check fails."""
    settings = {"accepted_range": {"column": "price", "min": 0}, "unique": {"columns": ["id"]}}[kind]
    checks = {
        name: [{kind: {**settings, "on_fail": on_fail}}] for name, on_fail in (("s", source), ("m", model)) if on_fail
    }
    project.source("raw", COLUMNS, rows, **({"checks": checks["s"]} if "s" in checks else {}))
    project.model("sales", "SELECT id, price FROM raw", **({"checks": checks["m"]} if "m" in checks else {}))
    return project


def said(outcome):
    return [each.code for each in outcome.diagnostics]


CHECKS = [("source", "accepted_range", BAD), ("model", "accepted_range", BAD), ("source", "unique", [*BAD, *BAD])]


@pytest.mark.parametrize(("at", "kind", "rows"), CHECKS)
def test_a_check_that_only_warns_now_lets_rows_in_and_warns(project, at, kind, rows):
    shop(project, **{at: "block"}, kind=kind, rows=rows).apply(fails=True)
    outcome = shop(project, **{at: "warn"}, kind=kind).apply()
    assert (said(outcome), len(project.table("sales"))) == (["HW0402"], len(rows))


@pytest.mark.parametrize(("at", "kind", "rows"), CHECKS)
def test_a_check_that_blocks_from_now_on_refuses_rows_that_are_served(project, at, kind, rows):
    shop(project, **{at: "warn"}, kind=kind, rows=rows).apply()
    outcome = shop(project, **{at: "block"}, kind=kind).apply(fails=True)
    assert (said(outcome), outcome.release, outcome.exit_code) == (["HW0401"], None, 6)


def test_a_check_that_is_added_to_a_source_is_judged_on_files_that_are_served(project):
    shop(project, rows=BAD).apply()
    assert said(shop(project, source="warn").apply()) == ["HW0402"]
    assert said(shop(project, source="block").apply(fails=True)) == ["HW0401"]


def test_a_plan_names_the_check_that_files_will_be_judged_by(project):
    shop(project, source="warn", rows=BAD).apply()
    assert ("check", "raw") in shop(project, source="block").plan().actions


def test_what_was_refused_does_not_keep_a_check_from_passing_once_the_file_is_mended(project):
    shop(project, source="warn", rows=BAD).apply()
    shop(project, source="block").apply(fails=True)
    shop(project, source="block", rows=[(1, 1.0)]).apply()
    assert project.table("sales") == [(1, 1.0)]


def test_a_bad_file_that_is_kept_out_does_not_keep_a_check_from_being_added(project):
    shop(project, source="block", rows=[(1, 1.0)]).apply()
    project.file("raw", "2.csv", list(COLUMNS), BAD)
    project.run(fails=True)
    project.model("sales", "SELECT id, price FROM raw", checks=[{"not_null": ["id"]}])
    assert project.apply(fails=True).release is not None
    assert project.table("sales") == [(1, 1.0)]
