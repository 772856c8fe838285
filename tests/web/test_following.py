"""Following the log of a run: event by event, from where the reader was, until the run has ended."""

import json

import httpx
import pytest

from headwater.state.run_events import RunEvent, append_events
from headwater.state.runs import finish_run, start_run
from headwater.web.serving import start_api
from tests.web.conftest import API, codes, serve


def parsed(text):
    """Give (event, id, data) of each event in a stream."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines() if line and not line.startswith(":"))
        if "data" in fields:
            found.append((fields.get("event"), fields.get("id"), json.loads(fields["data"])))
    return found


def say(project, run, *messages):
    events = [
        RunEvent(
            run=run, environment="prod", at=project.now, kind="Printed", level="info", node="", message=m, body="{}"
        )
        for m in messages
    ]
    append_events(project.workspace.db, events)


@pytest.fixture
def run(shop):
    start_run(shop.workspace.db, "r1", "prod", "run", shop.now, "me", "")
    say(shop, "r1", "one", "two\nlines", "three")
    return "r1"


def end(project, run):
    finish_run(project.workspace.db, run, project.now, "done", "")


def test_the_log_of_a_run_that_has_ended_is_given_whole(api, run):
    end(api.project, run)
    answer = api.get(f"/runs/{run}/log")
    assert answer.headers["content-type"].startswith("text/event-stream")
    *events, (last, _, status) = parsed(answer.text)
    assert [data["message"] for _, _, data in events] == ["one", "two\nlines", "three"]
    assert (last, status) == ("end", {"status": "done"})


def test_a_reader_goes_on_where_it_was(api, run):
    end(api.project, run)
    first = parsed(api.get(f"/runs/{run}/log").text)[0]
    for given in ({"headers": {"Last-Event-ID": first[1]}}, {"after": first[1]}):
        found = parsed(api.get(f"/runs/{run}/log", **given).text)
        assert [data.get("message") for _, _, data in found] == ["two\nlines", "three", None]


@pytest.mark.parametrize("odd", ["x", "-1", "9" * 40, "٣"])
def test_an_odd_last_event_id_gives_the_whole_log(api, run, odd):
    end(api.project, run)
    answer = api.get(f"/runs/{run}/log", headers={"Last-Event-ID": odd.encode()})
    assert len(parsed(answer.text)) == 4


def test_no_more_logs_are_followed_than_may_be(shop, portal, run):
    api = serve(shop, portal, limits={"streams": 0})
    answer = api.get(f"/runs/{run}/log")
    assert (answer.status_code, codes(answer)) == (429, ["HW1094"])


def follow(served, shop, run):
    token = (shop.root / ".headwater" / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.stream("GET", f"{served.url}{API}/runs/{run}/log", headers=headers, timeout=30)


def test_what_happens_meanwhile_comes_and_then_the_end(shop, run):
    served = start_api(shop.root, effects=shop.effects)
    try:
        with follow(served, shop, run) as answer:
            lines = answer.iter_lines()
            assert any("three" in line for line in lines)
            say(shop, run, "four")
            assert any("four" in line for line in lines)
            end(shop, run)
            assert "event: end" in list(lines)
    finally:
        served.stop()


def test_a_server_that_stops_ends_its_streams(shop, run):
    served = start_api(shop.root, effects=shop.effects)
    with follow(served, shop, run) as answer:
        lines = answer.iter_lines()
        assert any("three" in line for line in lines)
        served.stop()
        assert "event: end" not in list(lines)
    assert not served.is_alive
