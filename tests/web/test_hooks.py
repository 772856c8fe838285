"""Webhooks: signed, from now, and once; messages from those who may send them."""

import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from headwater.state.arrivals import arrivals_after
from headwater.state.audit import audit_entries
from tests.web.conftest import codes, serve

KEY = "correct horse battery staple"
WHEN = {"any": [{"webhook": "orders", "secret": "${env:ORDERS_SECRET}"}, {"message": "go"}]}


@pytest.fixture
def hooked(project, portal, monkeypatch):
    monkeypatch.setenv("ORDERS_SECRET", KEY)
    project.source("raw", {"id": "bigint"}, rows=[(1,)])
    project.model("totals", "SELECT count(*) AS n FROM raw")
    pipeline = {"select": ["totals"], "when": WHEN}
    project.write("pipelines/daily.yaml", json.dumps({"pipelines": {"daily": pipeline}}))
    project.apply("prod")
    return serve(project, portal)


def post(api, *, key=KEY, body=b'{"order": 1}', away_s=0, name="orders", environment="prod", **headers):
    sent = str(int((api.project.now + timedelta(seconds=away_s)).timestamp()))
    signature = hmac.new(key.encode(), sent.encode() + b"." + body, hashlib.sha256).hexdigest()
    given = {"Headwater-Timestamp": sent, "Headwater-Signature": f"sha256={signature}", **headers}
    return api.client.request("POST", f"/hooks/{environment}/{name}", content=body, headers=given)


def came(api, kind="webhook", name="orders"):
    return [each.body for each in arrivals_after(api.project.workspace.db, "prod", kind, name, 0)]


def refusals(api):
    return [e.document["reason"] for e in audit_entries(api.project.workspace.db) if e.kind == "webhook refused"]


def test_a_signed_webhook_is_taken(hooked):
    assert post(hooked).status_code == 202
    assert came(hooked) == ['{"order": 1}']


def test_the_same_webhook_is_taken_once(hooked):
    post(hooked)
    again = post(hooked)
    assert (again.status_code, again.json()) == (200, {"accepted": False, "duplicate": True})
    assert len(came(hooked)) == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"key": "guessed"}, "the signature is wrong"),
        ({"away_s": -301}, "the timestamp is too old, or in the future"),
        ({"away_s": 301}, "the timestamp is too old, or in the future"),
        ({"Headwater-Signature": "sha256=00"}, "the signature is wrong"),
        ({"Headwater-Timestamp": "now"}, "the signature is wrong"),
        ({"name": "other"}, "no pipeline waits for it, or its secret has no value here"),
        ({"environment": "dev"}, "no pipeline waits for it, or its secret has no value here"),
    ],
)
def test_what_cannot_be_believed_is_refused_and_noted(hooked, wrong, reason):
    answer = post(hooked, **wrong)
    assert (answer.status_code, codes(answer)) == (401, ["HW1098"])
    assert (came(hooked), refusals(hooked)) == ([], [reason])


def test_a_body_that_was_changed_is_refused(hooked):
    sent = str(int(hooked.project.now.timestamp()))
    signature = hmac.new(KEY.encode(), f"{sent}.a".encode(), hashlib.sha256).hexdigest()
    headers = {"Headwater-Timestamp": sent, "Headwater-Signature": f"sha256={signature}"}
    assert hooked.client.request("POST", "/hooks/prod/orders", content=b"b", headers=headers).status_code == 401


def test_a_webhook_within_five_minutes_is_taken(hooked):
    assert [post(hooked, away_s=away_s).status_code for away_s in (-300, 300)] == [202, 202]


def test_whoever_knocks_for_ever_does_not_fill_the_audit_chain(hooked):
    for _ in range(60):
        post(hooked, key="guessed")
    assert len(refusals(hooked)) == 20
    hooked.project.later(minutes=1)
    post(hooked, key="guessed")
    last = [e for e in audit_entries(hooked.project.workspace.db) if e.kind == "webhook refused"][-1]
    assert last.document["passed_over"] == 40


def test_a_secret_that_has_no_value_here_lets_nobody_in(hooked, monkeypatch):
    monkeypatch.setenv("ORDERS_SECRET", "")
    assert post(hooked, key="").status_code == 401


def test_a_webhook_starts_the_pipeline_that_waits_for_it(hooked):
    from headwater.app.serving.leading import Leader

    leader = Leader(hooked.project.workspace, "here", ())
    leader.step(hooked.project.now)
    post(hooked)
    hooked.project.later(seconds=10)
    leader.step(hooked.project.now)
    assert [run["kind"] for run in hooked.get("/runs", pipeline="daily").json()["runs"]] == ["trigger"]


def test_a_message_is_kept_for_the_pipeline_that_waits_for_it(hooked):
    answer = hooked.post("/messages/prod/go", reason="new price list")
    assert (answer.status_code, came(hooked, "message", "go")) == (202, ['{"reason":"new price list"}'])


def test_a_message_with_a_key_is_taken_once(hooked):
    first, second = (hooked.post("/messages/prod/go?key=7").json() for _ in range(2))
    assert (first["accepted"], second["duplicate"]) == (True, True)


def test_a_message_that_nobody_waits_for_is_refused(hooked):
    answer = hooked.post("/messages/prod/goo")
    assert (answer.status_code, answer.json()["diagnostics"][0]["hint"]) == (404, "did you mean `go`?")
