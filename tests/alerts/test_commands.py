"""`headwater alerts`, and a run without a server that tells what went wrong."""

import pytest
from click.testing import CliRunner

from headwater.app.alerting.after_run import tell
from headwater.cli.main import cli
from headwater.state.leases import acquire


@pytest.fixture
def headwater(watched):
    """The command line; ``watched`` is told what the project's alert tells."""

    def call(*arguments):
        result = CliRunner().invoke(cli, ["--project", str(watched.project.root), *arguments], prog_name="headwater")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def broken(watched, channel):
    """A project whose next run fails, with an alert to a web hook."""
    checks = [{"accepted_range": {"column": "n", "max": 1}}]
    watched.project.model("totals", "SELECT count(*) AS n FROM raw", checks=checks)
    watched.alert("run_failed", "check_failed", to=channel.url).apply()
    watched.project.file("raw", "2.csv", ["id"], [(2,)])
    return watched


def test_a_run_without_a_server_tells_when_it_ends(broken, headwater, channel):
    assert headwater("run").exit_code == 6
    (taken,) = channel.taken
    assert "2 wrong" in taken["title"]
    broken.project.remove("data/raw/2.csv")
    assert headwater("run").exit_code == 0
    assert "2 recovered" in channel.taken[1]["title"]


def test_a_channel_that_refuses_changes_no_exit_code(broken, headwater, channel):
    channel.behaviour = "refuses"
    done = headwater("run")
    assert done.exit_code == 6
    assert "warning[HW1066]: the alert `team` was not delivered" in done.stderr


def test_what_a_channel_did_not_take_for_one_reason_is_one_line(broken, headwater, channel):
    channel.behaviour = "refuses"
    headwater("run")
    (line,) = [line for line in headwater("alerts").stdout.splitlines() if line.startswith("!")]
    assert line.startswith("! team: 2 messages were not delivered (tried 1 time, again at ")


def test_where_a_server_leads_a_run_leaves_telling_to_it(broken):
    workspace = broken.project.workspace
    broken.ended("failed")
    acquire(workspace.db, ["serve:leader:dev"], "somebody", broken.project.now, 30)
    assert (tell(workspace, "dev", broken.send), broken.told) == ([], [])
    broken.project.later(minutes=1)  # it has died
    assert tell(workspace, "dev", broken.send) == []
    assert len(broken.told) == 1


def test_a_server_that_leads_elsewhere_does_not_tell_here(broken):
    workspace = broken.project.workspace
    broken.ended("failed")
    acquire(workspace.db, ["serve:leader", "serve:leader:prod"], "somebody", broken.project.now, 30)
    assert tell(workspace, "dev", broken.send) == []
    assert len(broken.told) == 1


def test_a_project_without_alerts_tells_nobody(watched, headwater):
    watched.project.apply()
    assert headwater("run").exit_code == 0
    assert headwater("alerts").stdout == "Nothing is wrong.\n"


def test_incidents_are_listed_shown_and_acknowledged(broken, headwater):
    headwater("run")
    listed = headwater("alerts", "--env", "dev").stdout
    assert "run_failed" in listed
    assert "check_failed" in listed
    incident = next(line.split()[0] for line in listed.splitlines() if "check_failed" in line)
    shown = headwater("alerts", "show", incident[:10]).stdout
    assert "a check holds back 1 slot of `totals`" in shown
    assert "sent" in shown
    assert "acknowledged by" in headwater("alerts", "ack", incident).stdout
    assert "acked" in headwater("alerts").stdout


def test_incidents_as_json(broken, headwater):
    import json

    headwater("run")
    found = json.loads(headwater("alerts", "list", "--json").stdout)
    assert {each["rule"] for each in found["incidents"]} == {"run_failed", "check_failed"}
    assert found["undelivered"] == []
    shown = json.loads(headwater("alerts", "show", found["incidents"][0]["incident"], "--json").stdout)
    assert [(each["kind"], each["status"]) for each in shown["deliveries"]] == [("opened", "sent")]


def test_what_is_over_is_listed_when_asked_for(broken, headwater):
    headwater("run")
    broken.project.remove("data/raw/2.csv")
    headwater("run")
    assert headwater("alerts").stdout == "Nothing is wrong.\n"
    assert headwater("alerts", "list", "--all").stdout.count("over") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "zz"], 1, "HW1065"),
        (["ack", "zz"], 1, "HW1065"),
        (["test", "tem"], 1, "did you mean `team`?"),
        (["list", "--env", "nowhere"], 1, "nowhere"),
        (["lst"], 2, "did you mean `list`?"),
    ],
)
def test_what_is_not_there_is_said(broken, headwater, arguments, code, said):
    done = headwater("alerts", *arguments)
    assert done.exit_code == code
    assert said in done.stderr


def test_a_channel_is_tried(broken, headwater, channel):
    assert headwater("alerts", "test", "team").exit_code == 0
    assert "Nothing is wrong" in channel.taken[0]["message"]
    channel.behaviour = "refuses"
    assert headwater("alerts", "test", "team").exit_code == 5


def test_trying_a_channel_shows_no_secret(broken, headwater, monkeypatch):
    monkeypatch.setenv("TEAM_URL", "json://user:hunter22@127.0.0.1:1/tokentoken")
    broken.alert("run_failed", to="${env:TEAM_URL}")
    done = headwater("alerts", "test", "team")
    assert "${env:TEAM_URL}" in done.stdout
    assert "hunter22" not in done.output
    assert "tokentoken" not in done.output


def test_what_is_triggered_without_a_server_is_told_too(broken, headwater, channel):
    broken.project.settings(pipelines={"morning": {"select": "totals"}})
    broken.project.apply(fails=None)
    assert headwater("trigger", "morning").exit_code == 1
    assert "run_failed `morning`" in channel.taken[0]["message"]
