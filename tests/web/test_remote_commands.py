"""Commands that ask a server elsewhere: a real one on this machine, from a directory that is no project."""

import http.server
import threading

import pytest
from click.testing import CliRunner

from headwater.app.access import make
from headwater.cli.main import cli
from headwater.state.incidents import Incident, open_in
from headwater.state.requests import last_requests
from headwater.state.runs import finish_run
from headwater.web.serving import start_api
from tests.cli.conftest import CommandLine, Said
from tests.web.test_following import run, say  # noqa: F401 - a fixture

SILENT = ("HEADWATER_SERVER", "HEADWATER_TOKEN", "HEADWATER_TOKEN_FILE")


class Elsewhere:
    """Commands on another machine, which has an address and tokens and nothing else."""

    def __init__(self, url, secrets):
        self.url, self.secrets = url, secrets

    def __call__(self, *arguments, role="admin", **environ):
        given = {"HEADWATER_SERVER": self.url, "HEADWATER_TOKEN": self.secrets.get(role), **environ}
        env = dict.fromkeys(SILENT) | given
        result = CliRunner(env=env).invoke(cli, list(map(str, arguments)), prog_name="headwater")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert not any(secret in result.stdout + result.stderr for secret in self.secrets.values())
        return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def elsewhere(shop, tmp_path_factory, monkeypatch):
    secrets = {role: make(shop.workspace, role, role).secret for role in ("viewer", "operator", "admin")}
    served = start_api(shop.root, effects=shop.effects)
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))
    yield Elsewhere(served.url, secrets)
    served.stop()


@pytest.fixture
def here(shop):
    return CommandLine(shop.root)


@pytest.mark.parametrize(
    "command",
    [
        ["runs"],
        ["runs", "--status", "failed", "--status", "done"],
        ["history", "--env", "prod"],
        ["status", "--env", "prod"],
        ["logs", "last"],
        ["alerts", "list", "--all"],
        ["backfill", "--list", "--env", "prod"],
    ],
    ids=" ".join,
)
def test_a_command_says_elsewhere_what_it_says_here(elsewhere, here, shop, command):
    incident = Incident(
        id="i1", environment="prod", rule="run_failed", subject="daily", owner="ada", severity="error", message="no",
        opened_at=shop.now, last_at=shop.now, body={"hint": "look", "run": "r1"},
    )  # fmt: skip
    with shop.workspace.db.write() as connection:
        open_in(connection, incident)
    assert elsewhere(*command, "--json").document == here(*command, "--json").document
    assert elsewhere(*command).out == here(*command).out


def test_statistics_are_those_of_the_server(elsewhere):
    found = elsewhere("stats", "--since", "90s", "--json")
    assert (found.code, found.document["pipelines"]) == (0, [])


def test_a_pipeline_is_triggered_and_its_run_is_cancelled(elsewhere, shop):
    said = elsewhere("trigger", "daily", "--env", "prod", "--detach", "--json", role="operator").document
    assert (said["pipeline"], said["status"]) == ("daily", "queued")
    assert elsewhere("cancel", said["run"], "--json").document["status"] == "cancelled"
    (request,) = last_requests(shop.workspace.db)
    assert (request.author, request.cancelled_by) == ("token operator", "token admin")


def test_trigger_waits_for_the_end_that_a_worker_makes(elsewhere, shop):
    done = []
    thread = threading.Thread(target=lambda: done.append(elsewhere("trigger", "daily", "--env", "prod", "--json")))
    thread.start()
    while not (requests := last_requests(shop.workspace.db)):
        threading.Event().wait(0.02)
    elsewhere("cancel", requests[0].id)
    thread.join()
    assert (done[0].code, done[0].document["status"]) == (1, "cancelled")


def test_a_pipeline_is_paused_and_resumed(elsewhere, here):
    change = ("daily", "--env", "prod", "--json")
    assert elsewhere("pause", *change).document["changed"]
    assert not here("pause", *change).document["changed"]
    assert elsewhere("resume", *change).document == {
        "environment": "prod", "pipeline": "daily", "paused": False, "changed": True,
    }  # fmt: skip


def test_an_environment_is_taken_back(elsewhere, shop):
    (first,) = shop.history("prod")
    shop.model("totals", "SELECT sum(price) + 1 AS total FROM raw").apply("prod")
    assert elsewhere("rollback", "--env", "prod").code == 2  # nobody is there to say yes
    said = elsewhere("rollback", "--env", "prod", "--yes", "--json")
    assert (said.code, said.document["to"]) == (0, first.id)
    assert shop.query("SELECT total FROM totals", "prod") == [(6.5,)]


def test_a_log_is_followed_to_its_end(elsewhere, shop, run):  # noqa: F811 - as above
    followed = []
    thread = threading.Thread(target=lambda: followed.append(elsewhere("logs", "-f", run[:1], "--format", "jsonl")))
    thread.start()
    say(shop, run, "four")
    finish_run(shop.workspace.db, run, shop.now, "done", "")
    thread.join()
    assert [line.count('"message"') for line in followed[0].out.splitlines()] == [1] * 4
    assert followed[0].out == elsewhere("logs", run, "--format", "jsonl").out


def test_the_server_says_what_it_does_not_know(elsewhere, here):
    for command in (["logs", "nothing"], ["cancel", "nothing"], ["trigger", "dayly", "--env", "prod"]):
        said = elsewhere(*command)
        assert said.code == 1
        assert "no" in said.err
        assert said.out == ""


@pytest.mark.parametrize(
    ("environ", "code", "exit_code"),
    [
        ({"HEADWATER_TOKEN": "hw_x_" + "0" * 64}, "HW1112", 3),
        ({"HEADWATER_TOKEN": None}, "HW1118", 1),
        ({"HEADWATER_TOKEN": "two words"}, "HW1118", 1),
        ({"HEADWATER_TOKEN": None, "HEADWATER_TOKEN_FILE": "none.txt"}, "HW1118", 1),
        ({"HEADWATER_SERVER": "http://127.0.0.1:1"}, "HW1110", 5),
        ({"HEADWATER_SERVER": "http://etl.example.org"}, "HW1119", 3),
        ({"HEADWATER_SERVER": "ftp://etl.example.org"}, "HW1116", 1),
        ({"HEADWATER_SERVER": "http://me:secret@127.0.0.1:1"}, "HW1116", 1),
        ({"HEADWATER_SERVER": "http://127.0.0.1:many"}, "HW1116", 1),
    ],
)
def test_what_is_wrong_on_the_way_is_said(elsewhere, environ, code, exit_code):
    said = elsewhere("runs", **environ)
    assert f"[{code}]" in said.err
    assert said.code == exit_code
    assert "secret" not in said.everything


def test_a_token_may_stand_in_a_file(elsewhere, tmp_path):
    (tmp_path / "token").write_text(elsewhere.secrets["viewer"] + "\n")
    assert elsewhere("runs", HEADWATER_TOKEN=None, HEADWATER_TOKEN_FILE=str(tmp_path / "token")).code == 0


def test_a_viewer_may_look_only(elsewhere):
    said = elsewhere("trigger", "daily", "--env", "prod", role="viewer")
    assert (said.code, "[HW1113]" in said.err) == (3, True)


@pytest.mark.parametrize("command", [["apply"], ["query", "SELECT 1"], ["top", "--once"], ["alerts", "show", "x"]])
def test_what_needs_the_project_says_so(elsewhere, command):
    said = elsewhere(*command, "--server", elsewhere.url)
    assert (said.code, "[HW1117]" in said.err) == (1, True)


def test_a_project_that_is_named_comes_before_the_environment_variable(elsewhere, shop):
    named = ("runs", "--project", shop.root)
    assert elsewhere(*named, HEADWATER_SERVER="http://127.0.0.1:1").code == 0
    assert elsewhere(*named, "--server", elsewhere.url).code == 2


class Odd(http.server.BaseHTTPRequestHandler):
    """A server that is none of ours, and sends callers on to another place."""

    def do_GET(self):
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:1/stolen")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    "answer", [(200, b"<html>"), (200, b"[]"), (200, b'{"runs": [{}]}'), (302, b"{}"), (500, b"oh"), (404, b"{}")]
)
def test_what_is_no_headwater_server_is_found_out(elsewhere, answer):
    with http.server.HTTPServer(("127.0.0.1", 0), Odd) as server:
        server.answer = answer
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said = elsewhere("runs", HEADWATER_SERVER=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert (said.code, "[HW1114]" in said.err) == (5, True)


def test_another_version_is_named(elsewhere):
    with http.server.HTTPServer(("127.0.0.1", 0), Odd) as server:
        server.answer = (200, b'{"runs": [{"run": 1}], "workers": [{"version": "9.9"}]}')
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said = elsewhere("runs", HEADWATER_SERVER=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert "[HW1115]" in said.err
    assert "9.9" in said.err
