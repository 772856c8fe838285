"""What viewers see: environments, releases, runs, and how each of them is."""

from tests.web.conftest import codes


def test_environments_are_listed_with_their_releases(api):
    (found,) = api.get("/environments").json()["environments"]
    assert (found["environment"], found["release"]) == ("prod", api.project.history("prod")[0].id)


def test_an_environment_is_shown_node_by_node(api):
    (node,) = api.get("/environments/prod").json()["nodes"]
    assert (node["node"], node["slots"], node["blocked"]) == ("totals", 1, 0)


def test_releases_are_listed_newest_first(api):
    api.project.file("raw", "2.csv", ["id", "price"], [(3, 1.0)])
    api.project.run("prod")
    found = api.get("/environments/prod/releases").json()["releases"]
    assert [each["kind"] for each in found] == ["run", "apply"]
    assert [each["moved"] for each in found] == ["data", "code"]


def test_runs_are_listed_with_how_they_ended(api):
    (run,) = api.get("/runs").json()["runs"]
    assert (run["environment"], run["kind"], run["status"]) == ("prod", "apply", "done")
    assert api.get(f"/runs/{run['run']}").json() == run


def test_a_list_of_runs_goes_on_where_it_ended(api):
    for _ in range(4):
        api.project.later(minutes=1).run("prod")
    everything = [run["run"] for run in api.get("/runs").json()["runs"]]
    pages, after = [], {}
    while after is not None:
        page = api.get("/runs", limit=2, **after).json()
        pages += [run["run"] for run in page["runs"]]
        after = {"after": page["next"]} if page["next"] else None
    assert (len(everything), pages) == (5, everything)


def test_runs_are_chosen_by_environment_pipeline_and_status(api):
    api.post("/environments/prod/pipelines/daily/trigger")
    assert [run["status"] for run in api.get("/runs", pipeline="daily").json()["runs"]] == ["queued"]
    assert [run["kind"] for run in api.get("/runs", status="done").json()["runs"]] == ["apply"]
    assert api.get("/runs", environment="dev").json()["runs"] == []


def test_attempts_tell_what_each_task_took(api):
    (run,) = api.get("/runs").json()["runs"]
    attempts = api.get(f"/runs/{run['run']}/attempts").json()["attempts"]
    assert [(each["node"], each["status"], each["rows_out"]) for each in attempts] == [("totals", "done", 1)]


def test_what_is_not_there_is_said(api):
    for path in ("/environments/nowhere", "/runs/none", "/runs/none/attempts", "/runs/none/events", "/runs/none/log"):
        answer = api.get(path)
        assert (answer.status_code, codes(answer)) == (404, ["HW1089"]), path
