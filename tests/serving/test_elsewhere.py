"""A real server with its worker, asked from a directory that is no project; and a run by hand that is killed beside it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from headwater.state.run_records import run_records
from headwater.state.workers import workers


def start(served):
    """Start a server with an API on a free port; give its address."""
    command = [sys.executable, "-m", "headwater", "serve", "--port", "0", "--workers", "1"]
    root = served.project.root
    with Path(root, f"serve-{len(served.processes)}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, stderr=log, stdout=log, start_new_session=True)
    served.processes.append(process)
    served.until(lambda: address(served), "a server with an API")
    return address(served)


def address(served):
    return next((each.url for each in workers(served.project.workspace.db) if each.url), "")


def test_a_pipeline_is_run_and_watched_from_another_directory(served, tmp_path_factory):
    project = served.project
    project.source("raw", {"id": "bigint"}, rows=[(1,), (2,)]).model("totals", "SELECT count(*) AS n FROM raw")
    project.settings(pipelines={"daily": {"select": ["totals"]}}).apply("prod")
    url, token = start(served), project.root / ".headwater" / "token"
    env = os.environ | {"HEADWATER_SERVER": url, "HEADWATER_TOKEN_FILE": str(token)}
    project.file("raw", "2.csv", ["id"], [(3,)])

    def elsewhere(*arguments):
        command = [sys.executable, "-m", "headwater", *arguments]
        there = tmp_path_factory.mktemp("elsewhere")
        return subprocess.run(command, cwd=there, env=env, capture_output=True, text=True, check=False, timeout=110)

    done = elsewhere("trigger", "daily", "--env", "prod")
    assert (done.returncode, "is done" in done.stdout) == (0, True), done
    assert project.query("SELECT n FROM totals", "prod") == [(3,)]
    assert "done after" in elsewhere("logs", "-f", "last").stdout
    assert token.read_text().strip() not in done.stdout + done.stderr


def test_a_run_by_hand_that_is_killed_has_failed(served):
    project = served.project
    project.source("raw", {"id": "bigint"}, rows=[(1,)])
    project.model("slow", "SELECT count(*) AS n FROM raw, range(1) AS r(i)").apply()
    project.file("raw", "2.csv", ["id"], [(i,) for i in range(200_000)])
    project.model("slow", "SELECT count(*) AS n FROM raw AS a, raw AS b WHERE a.id + b.id < -5")
    start(served)
    command = [sys.executable, "-m", "headwater", "apply", "--yes"]
    with subprocess.Popen(command, cwd=project.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:

        def last():
            return run_records(project.workspace.db, limit=1)[0]

        served.until(lambda: last().status == "running", "a run")
        os.kill(killed.pid, signal.SIGKILL)
    served.until(lambda: last().status != "running", "the end of a run whose process is dead")
    assert (last().status, last().message) == ("failed", "its process died")
