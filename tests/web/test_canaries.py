"""No answer of the API gives a secret away: not of a pipeline's settings, of a failure, of a token."""

import json

import pytest

from headwater.diagnostics import Invalid
from headwater.web.table import ROUTES
from tests.web.conftest import API, serve

CANARY = "canary-7f3a-never-sing"


@pytest.fixture
def caged(project, portal, monkeypatch):
    """A project whose webhook, source and failing Python model know a secret."""
    monkeypatch.setenv("CAGE", CANARY)
    hook = {"webhook": "orders", "secret": "${env:CAGE}"}
    project.source("raw", {"id": "bigint"}, rows=[(1,)])
    project.source("kept", {"id": "bigint"}, path="data/${env:CAGE}/*.csv")
    project.write(f"data/{CANARY}/1.csv", "id\n1\n")
    project.model("both", "SELECT r.id FROM raw AS r JOIN kept AS k ON k.id = r.id")
    project.model("totals", "SELECT count(*) AS n FROM raw")
    project.write("pipelines.yaml", json.dumps({"pipelines": {"daily": {"select": ["totals"], "when": hook}}}))
    project.apply("prod")
    project.write(f"data/{CANARY}/2.csv", "id\nnone of\x00these\n")
    project.later(minutes=1).run("prod", fails=None)
    project.remove(f"data/{CANARY}/1.csv")
    project.later(minutes=1)
    with pytest.raises(Invalid, match="has vanished"):
        project.run("prod", fails=None)
    return serve(project, portal)


def answers(api):
    """Everything that an admin can read, of everything that is there."""
    runs = [run["run"] for run in api.get("/runs").json()["runs"]]
    names = {"environment": ["prod"], "run": runs, "pipeline": ["daily"], "backfill": ["none"]}
    for route in ROUTES:
        if route.method == "GET":
            for value in names[route.names[0]] if route.names else [""]:
                path = route.path.replace(f"{{{route.names[0]}}}", value) if route.names else route.path
                yield path, api.get(path, role="admin").text
    yield "/metrics", api.client.request("GET", "/metrics", headers=api.headers()).text
    yield "openapi", api.get("/openapi.json").text


def test_no_answer_holds_a_secret(caged):
    found = dict(answers(caged))
    assert len(found) > len([route for route in ROUTES if route.method == "GET"])
    assert [path for path, text in found.items() if CANARY in text] == []


def test_no_answer_holds_the_secret_of_a_token(caged):
    secrets = [secret.rpartition("_")[2] for secret in caged.secrets.values()]
    found = "".join(text for _, text in answers(caged))
    assert [secret for secret in secrets if secret in found] == []


def test_a_refusal_does_not_repeat_what_was_sent_as_a_token(caged):
    answer = caged.client.request("GET", f"{API}/runs", headers={"Authorization": f"Bearer {CANARY}"})
    assert answer.status_code == 401
    assert CANARY not in answer.text
