"""runs, logs, stats and top, as a person or a program asks for them."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading

import pytest

from headwater.app.initialise import initialise
from headwater.app.workspace import open_workspace
from headwater.state.requests import Request, ask_to_cancel, enqueue
from tests.cli.conftest import CommandLine


@pytest.fixture
def headwater(tmp_path):
    initialise(tmp_path / "shop", "minimal", name="shop")
    made = CommandLine(tmp_path / "shop")
    assert made("apply").code == 0
    return made


@pytest.fixture
def ordered(headwater):
    """An order that waits in the queue, as a server finds it."""
    with open_workspace(headwater.root) as workspace:
        now = workspace.effects.clock()
        enqueue(
            workspace.db, Request(id="r-queued", environment="dev", pipeline="morning", created_at=now, not_before=now)
        )
        yield lambda: ask_to_cancel(workspace.db, "r-queued", "me", now)


def test_runs_are_listed_newest_first(headwater):
    headwater("run")
    assert [run["kind"] for run in headwater("runs", "--json").document] == ["run", "apply"]
    assert len(headwater("runs", "--limit", "1", "--json").document) == 1
    assert headwater("runs", "--status", "failed").out == "No runs.\n"


def test_runs_count_what_they_made(headwater):
    (run,) = headwater("runs", "--json").document
    assert (run["status"], run["rows"], run["retries"], run["tries"]) == ("done", 3, 0, 1)
    assert run["release"] == headwater("history", "--json").document[0]["release"]


def test_orders_that_wait_are_runs_too(headwater, ordered):
    (run,) = headwater("runs", "--pipeline", "morning", "--json").document
    assert (run["run"], run["status"], run["started_at"]) == ("r-queued", "queued", None)
    assert "queued: waits for a worker" in headwater("logs", "r-queued").out


def test_following_an_order_waits_for_its_end(headwater, ordered):
    command = [sys.executable, "-m", "headwater", "logs", "-f", "last"]
    with subprocess.Popen(command, cwd=headwater.root, stdout=subprocess.PIPE, text=True) as following:
        assert any("queued" in line for line in iter(following.stdout.readline, ""))
        ordered()
        assert any("cancelled" in line for line in iter(following.stdout.readline, ""))
        assert following.wait(60) == 0


def test_a_log_is_lines_for_a_person_and_objects_for_a_program(headwater):
    lines = headwater("logs").out.splitlines()
    assert lines[0].startswith("Run ")
    assert lines[-1].startswith("✓ done")
    document = headwater("logs", "--json", "--level", "debug").document
    every = [json.loads(line) for line in headwater("logs", "--format", "jsonl", "--level", "debug").out.splitlines()]
    assert every == document["events"]
    assert {event["kind"] for event in every} >= {"RunStarted", "TaskStarted", "TaskFinished", "Moved", "RunEnded"}


def test_two_forms_at_once_are_a_mistake(headwater):
    assert headwater("logs", "--json", "--format", "jsonl").code == 2


@pytest.mark.parametrize(
    ("asked", "code"),
    [(["logs", "nothing"], "HW1101"), (["logs", "--env", "prod"], "HW1102"), (["stats", "nothing"], "HW1103")],
)
def test_what_is_not_there_is_said(headwater, asked, code):
    said = headwater(*asked, "--json")
    assert (said.code, said.document["diagnostics"][0]["code"]) == (1, code)


def test_statistics_of_runs_by_hand(headwater):
    headwater("run")
    (found,) = headwater("stats", "--json").document["pipelines"]
    assert (found["pipeline"], found["runs"], found["success_rate"], found["is_down"]) == (None, 1, 1.0, False)
    assert "(by hand)" in headwater("stats").out


def test_an_outage_is_seen_and_its_end(headwater):
    good = (headwater.root / "data/orders.csv").read_text()
    headwater.write("data/orders.csv", "no,such,header\n1,2,3\n")
    assert headwater("run").code != 0
    assert "the last run failed" in headwater("stats").out
    headwater.write("data/orders.csv", good + "9,2026-01-04,tea,1,2.00\n")
    assert headwater("run").code == 0
    (found,) = headwater("stats", "--json").document["pipelines"]
    assert (found["outages"], found["is_down"]) == (1, False)
    assert found["time_to_recovery_s"] >= found["time_to_detect_s"] > 0


def test_one_look_at_everything(headwater, ordered):
    said = headwater("top", "--once").out
    assert "1 queued" in said and "nothing wrong" in said and "morning" in said  # noqa: PT018 - one look
    look = headwater("top", "--json").document
    assert [each["run"] for each in look["queue"]] == ["r-queued"]
    assert [each["status"] for each in look["ended"]] == ["done"]
    assert [each["site"] for each in look["sites"]] == ["hub"]


@pytest.mark.parametrize("ending", [b"q", signal.SIGINT])
def test_the_live_screen_ends_by_a_key_and_by_ctrl_c(headwater, ending):
    control, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    command, streams = (
        [sys.executable, "-m", "headwater", "top"],
        {"stdin": terminal, "stdout": terminal, "stderr": terminal},
    )
    with subprocess.Popen(command, cwd=headwater.root, env=environment, start_new_session=True, **streams) as watching:
        os.close(terminal)
        shown = b""
        while b"q quits" not in shown:
            shown += os.read(control, 4096)
        drained = threading.Thread(target=_drain, args=(control,))
        drained.start()
        if ending == signal.SIGINT:
            watching.send_signal(ending)
        else:
            os.write(control, ending)
        assert watching.wait(60) == 0
    assert b"nothing wrong" in shown
    drained.join()
    os.close(control)


def _drain(control):
    try:
        while os.read(control, 4096):
            continue
    except OSError:  # the other end is closed
        return
