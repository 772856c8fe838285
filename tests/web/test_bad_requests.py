"""What nobody means to send: it is refused, told why, and costs nothing."""

import pytest

from headwater.web.app import make_app
from headwater.web.routing import Services
from tests.web.conftest import API, Client, codes, serve

TRIGGER = f"{API}/environments/prod/pipelines/daily/trigger"


def send(api, content, path=TRIGGER, kind="application/json"):
    return api.client.request("POST", path, content=content, headers={**api.headers("operator"), "Content-Type": kind})


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "HW1091"),
        (b"\xff\xfe", 400, "HW1091"),
        (b'{"message": "\xff"}', 400, "HW1091"),
        (b"[]", 422, "HW1088"),
        (b"null", 422, "HW1088"),
        (b'{"mesage": "x"}', 422, "HW1088"),
        (b'{"priority": "high"}', 422, "HW1088"),
        (b'{"priority": 1e999}', 422, "HW1088"),
        (b'{"priority": 5000}', 422, "HW1088"),
        (b'{"skip": [1]}', 422, "HW1088"),
        (b'{"skip": ' + b"[" * 100 + b"]" * 100 + b"}", 400, "HW1091"),
        (b"[" * 500_000, 400, "HW1091"),
        (b'"' + b'\\"' * 400_000, 400, "HW1091"),
    ],
)
def test_a_body_that_cannot_be_is_refused(api, content, status, code):
    answer = send(api, content)
    assert (answer.status_code, codes(answer)) == (status, [code])


def test_a_body_of_another_kind_is_refused(api):
    answer = send(api, b"message=x", kind="application/x-www-form-urlencoded")
    assert (answer.status_code, codes(answer)) == (415, ["HW1092"])


@pytest.mark.parametrize("path", [TRIGGER, "/hooks/prod/orders"])
def test_a_body_that_is_too_long_is_refused(api, path):
    answer = send(api, b'{"message": "' + b"x" * (1 << 20) + b'"}', path)
    assert (answer.status_code, codes(answer)) == (413, ["HW1087"])


def test_a_body_that_does_not_say_its_length_is_cut_off(api):
    def pieces():
        for _ in range(100):
            yield b"x" * 65536

    async def stream():
        for piece in pieces():
            yield piece

    assert send(api, stream()).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/runs/..%2f..%2fheadwater.yaml",
        "/runs/%2e%2e%2f%2e%2e%2fheadwater.yaml",
        "/runs/..%5c..%5cheadwater.yaml/events",
        "/environments/..%2F..%2Fetc",
        "/environments/%00",
        "/environments/a%0Ab",
        "/environments/" + "x" * 5000,
        "/runs/%F0%9F%92%A9",
        "//environments",
        "/environments/",
    ],
)
def test_no_path_leads_out(api, path):
    answer = api.get(path)
    assert (answer.status_code, codes(answer)) == (404, ["HW1089"])
    assert "project:" not in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=1&limit=2",
        "limt=1",
        "status=odd",
        "environment=" + "x" * 101,
        "limit=9" + "9" * 30,
    ],
)
def test_a_query_that_cannot_be_is_refused(api, query):
    answer = api.get(f"/runs?{query}")
    assert (answer.status_code, codes(answer)) == (422, ["HW1088"])


def test_another_method_is_refused(api):
    answer = api.client.request("PUT", f"{API}/runs", headers=api.headers("admin"))
    assert (answer.status_code, codes(answer)) == (405, ["HW1090"])
    assert "GET" in answer.headers["allow"]


def test_a_state_that_cannot_be_read_is_told(api):
    with api.project.workspace.db.write() as connection:
        connection.execute("DROP TABLE workers")
    answer = api.get("/workers")
    assert (answer.status_code, codes(answer)) == (503, ["HW0602"])


def test_a_defect_is_told_without_its_trace(portal, caplog):
    app = make_app(Services(workspace=None, open_metrics=True))
    answer = Client(app, portal).request("GET", "/metrics")
    assert (answer.status_code, codes(answer)) == (500, ["HW0999"])
    assert "Traceback" not in answer.text
    assert "Traceback" in caplog.text


def test_who_finds_too_many_waiting_is_told_to_come_again(shop, portal):
    api = serve(shop, portal, limits={"waiting": 0})
    answer = api.get("/runs")
    assert (answer.status_code, codes(answer), answer.headers["retry-after"]) == (429, ["HW1094"], "1")


def test_a_name_that_is_close_is_suggested(api):
    answer = api.post("/environments/prod/pipelines/dayly/trigger")
    assert (answer.status_code, answer.json()["diagnostics"][0]["hint"]) == (404, "did you mean `daily`?")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/environments/nowhere/pipelines/daily/trigger", 404),
        ("/environments/prod/pipelines/nothing/pause", 404),
        ("/runs/none/cancel", 404),
    ],
)
def test_what_is_not_there_cannot_be_changed(api, path, status):
    assert api.post(path).status_code == status


def test_cancelling_what_has_ended_is_a_conflict(api):
    (run,) = api.get("/runs").json()["runs"]
    answer = api.post(f"/runs/{run['run']}/cancel")
    assert (answer.status_code, codes(answer)) == (409, ["HW1124"])
