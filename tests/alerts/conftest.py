"""A project that somebody watches over, and channels: real servers on this machine that take what is told."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from headwater.app.alerting.asking import list_incidents
from headwater.app.alerting.delivering import deliver_due
from headwater.app.alerting.facts import Trouble
from headwater.app.alerting.watching import Watch
from headwater.delivery.channels import UndeliveredError
from headwater.state.runs import finish_run, start_run
from tests.harness import Project

NOWHERE = "json://127.0.0.1:1/hook"


@dataclass
class Watched:
    """A project with an alert on some rules; ``told`` holds the text of every message that was sent."""

    project: Project
    told: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    dead: bool = False
    watch: Watch | None = None

    def alert(self, *on, to=NOWHERE, **settings):
        self.project.settings(alerts={"team": {"on": list(on), "to": to, **settings}})
        return self

    def apply(self):
        self.project.apply()
        self.look()
        return self

    def look(self, *troubles, **time):
        self.project.later(**time)
        if self.watch is None or self.watch.workspace is not self.project.workspace:
            self.watch = Watch(self.project.workspace, self.send)
        found = [Trouble("clock", each) for each in troubles]
        return self.watch.look("dev", self.project.now, troubles=found)

    def open(self):
        """(rule, subject) of what is wrong now."""
        found = list_incidents(self.project.workspace, "dev", closed=False, limit=99).incidents
        return sorted((each.rule, each.subject) for each in found)

    def deliver(self, **time):
        """Send what is due after a while; give what was told."""
        self.project.later(**(time or {"seconds": 31}))
        before = len(self.told)
        deliver_due(self.project.workspace, self.project.now, self.send)
        return self.told[before:]

    def send(self, url, message):
        if self.dead:
            raise UndeliveredError("nobody answers")
        self.told.append(f"{message.title}\n{message.body}")
        self.urls.append(url)

    def ended(self, status="failed", pipeline="", kind="run", at=None):
        """Note a run that ended, as a worker does; give its id."""
        run, db, at = self.project._token(), self.project.workspace.db, at or self.project.now
        start_run(db, run, "dev", kind, at - timedelta(seconds=5), "me", "", pipeline=pipeline)
        finish_run(db, run, at, status, "")
        return run


@pytest.fixture
def watched(project):
    project.source("raw", {"id": "bigint"}, rows=[(1,)])
    project.model("totals", "SELECT count(*) AS n FROM raw")
    return Watched(project)


@dataclass
class Channel:
    """A web hook on this machine: what it took, and how it behaves (``takes``, ``refuses``, ``hangs``)."""

    port: int
    behaviour: str = "takes"
    taken: list[dict] = field(default_factory=list)
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go_on: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self):
        return f"json://127.0.0.1:{self.port}/hook"


@contextmanager
def open_channel():
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            channel.came.release()
            if channel.behaviour == "hangs":
                channel.go_on.wait(60)
            if channel.behaviour == "takes":
                channel.taken.append(json.loads(body))
            self.send_response(500 if channel.behaviour == "refuses" else 200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.daemon_threads = True
    channel = Channel(server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield channel
    finally:
        channel.go_on.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def channel():
    with open_channel() as made:
        yield made


@pytest.fixture
def other_channel():
    with open_channel() as made:
        yield made
