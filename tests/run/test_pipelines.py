"""Named selections, and how what they fill becomes visible."""

import json


def shop(project, **pipeline):
    project.source("raw", {"id": "bigint", "price": "double"}, rows=[(1, 2.5)])
    project.model("base", "SELECT id, price FROM raw")
    project.model("totals", "SELECT sum(price) AS total FROM base")
    project.model("other", "SELECT count(*) AS n FROM raw")
    project.write("pipelines.yaml", json.dumps({"pipelines": {"morning": pipeline}}))
    project.apply()
    project.file("raw", "2.csv", ["id", "price"], [(2, 4.0)])
    return project


def test_a_pipeline_runs_what_it_selects(project):
    shop(project, select="+totals").run(select=["morning"])
    assert (project.table("totals"), project.table("other")) == ([(6.5,)], [(1,)])


def test_what_a_run_fills_becomes_visible_together(project):
    shop(project, select="+totals").run(select=["morning"])
    assert next(release.nodes for release in project.history()) == ("base", "totals")


def test_each_becomes_visible_by_itself_if_the_pipeline_says_so(project):
    shop(project, select="+totals", publish="each").run(select=["morning"])
    assert [release.nodes for release in project.history()][:2] == [("totals",), ("base",)]


def test_a_pipeline_that_selects_nothing_is_a_mistake(project):
    project.source("raw", {"id": "bigint"}, rows=[(1,)])
    project.write("pipelines.yaml", "pipelines:\n  morning:\n    select: +totls\n")
    project.model("totals", "SELECT count(*) AS n FROM raw")
    assert project.mistakes == ["HW0250 pipelines.yaml:3:13"]
