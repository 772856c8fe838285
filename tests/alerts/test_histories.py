"""Histories at random: runs end, tasks crash, two leaders look, channels die, processes end between any two steps.

Whatever happens: each incident that a simple model expects is opened, told once to each channel that lives (again, under
the same key, only if a process died between sending and noting it), and its recovery is told once, after its beginning.
"""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from headwater.app.alerting.delivering import deliver, take
from headwater.app.alerting.watching import Watch
from headwater.delivery.channels import UndeliveredError
from headwater.state.deliveries import deliveries_of, next_due
from headwater.state.incidents import incidents, open_incidents
from headwater.state.runs import finish_run, start_run
from headwater.state.suspects import clear_suspects, note_crashes
from tests.harness import Project

CHANNELS = ("json://127.0.0.1:1/one", "json://127.0.0.1:1/two")
PIPELINES = ("morning", "evening")


class Died(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def applied(tmp_path_factory):
    """A project with two pipelines and an alert to two channels, applied once; each history has a copy."""
    project = Project(tmp_path_factory.mktemp("applied"))
    project.source("raw", {"id": "bigint"}, rows=[(1,)])
    project.model("totals", "SELECT count(*) AS n FROM raw")
    alert = {"on": ["run_failed", "set_aside"], "to": list(CHANNELS), "repeat": "0s"}
    project.settings(pipelines={name: {"select": "totals"} for name in PIPELINES}, alerts={"team": alert})
    project.apply()
    project.reopen()
    Histories.template = project.root
    return Histories


class Histories(RuleBasedStateMachine):
    template: Path

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        shutil.copytree(self.template, self.folder / "p")
        self.leaders = [Project(self.folder / "p", tokens=name) for name in "ab"]
        self.watches = [None, None]
        self.dead = set()
        self.received = {channel: [] for channel in CHANNELS}
        self.doubtful = set()  # (channel, key) that a process sent before it died
        self.unseen = []  # runs that ended since a leader looked
        self.failing = set()  # pipelines whose last run that was looked at failed
        self.aside, self.was_aside = False, False
        self.expected = Counter()  # subject → incidents
        self.look(0, dies=False)

    def db(self, leader=0):
        return self.leaders[leader].workspace.db

    @property
    def now(self):
        return self.leaders[0].now

    @rule(pipeline=st.sampled_from(PIPELINES), status=st.sampled_from(["failed", "done", "cancelled"]))
    def a_run_ends(self, pipeline, status):
        run = self.leaders[0]._token()
        start_run(self.db(), run, "dev", "run", self.now, "me", "", pipeline=pipeline)
        finish_run(self.db(), run, self.now, status, "")
        self.unseen.append((pipeline, status))
        self.time_passes(1)

    @rule()
    def a_task_crashes_or_is_mended(self):
        if self.aside:
            clear_suspects(self.db(), "dev", ["totals"])
        else:
            note_crashes(self.db(), "dev", [("totals", "v")], "r", self.now, 1)
        self.aside = not self.aside

    @rule(leader=st.integers(0, 1), dies=st.booleans())
    def look(self, leader, dies):
        watch = self.watches[leader] or Watch(self.leaders[leader].workspace)
        self.watches[leader] = watch
        if dies:
            self.look_and_die(leader, watch)
            return
        watch.look("dev", self.now)
        for pipeline, status in self.unseen:
            if status == "failed" and pipeline not in self.failing:
                self.expected[pipeline] += 1
                self.failing.add(pipeline)
            elif status == "done":
                self.failing.discard(pipeline)
        self.expected["totals"] += self.aside and not self.was_aside
        self.unseen, self.was_aside = [], self.aside

    def look_and_die(self, leader, watch):
        """The process ends when all is written, just before the transaction is: nothing of it may be left."""
        before = open_incidents(self.db(), "dev")

        def look():
            with watch.workspace.db.write():
                watch.look("dev", self.now)
                raise Died

        with pytest.raises(Died):
            look()
        assert open_incidents(self.db(), "dev") == before
        self.restart(leader)

    @rule(leader=st.integers(0, 1))
    def restart(self, leader):
        self.leaders[leader].reopen()
        self.watches[leader] = None

    @rule(leader=st.integers(0, 1), dies=st.sampled_from(["", "", "before", "after"]))
    def deliver(self, leader, dies):
        workspace = self.leaders[leader].workspace
        holder = self.leaders[leader]._token()

        def send(url, message):
            if url in self.dead:
                raise UndeliveredError("nobody answers")
            if dies == "before":
                raise Died
            keys = [line.removeprefix("key: ") for line in message.body.splitlines() if line.startswith("key: ")]
            self.received[url] += keys
            if dies == "after":
                self.doubtful |= {(url, key) for key in keys}
                raise Died

        try:
            for parcel in take(workspace, self.now, holder):
                deliver(workspace, parcel, holder, send)
        except Died:
            self.restart(leader)

    @rule(seconds=st.sampled_from([1, 31, 121, 4000]))
    def time_passes(self, seconds):
        for leader in self.leaders:
            leader.later(seconds=seconds)

    @rule(channel=st.sampled_from(CHANNELS))
    def a_channel_dies_or_lives_again(self, channel):
        self.dead ^= {channel}

    @precondition(lambda self: hasattr(self, "expected"))
    @invariant()
    def what_is_wrong_is_open_once(self):
        found = incidents(self.db(), "dev", limit=999, closed=True)
        assert Counter(each.subject for each in found) == +self.expected
        still = {each.subject for each in found if each.is_open}
        assert still == self.failing | ({"totals"} if self.was_aside else set())

    def teardown(self):
        if hasattr(self, "expected"):
            self.everything_is_told()
            for leader in self.leaders:
                leader.reopen()
            shutil.rmtree(self.folder)

    def everything_is_told(self):
        self.dead = set()
        self.look(0, dies=False)
        self.what_is_wrong_is_open_once()
        for _ in range(20):
            if next_due(self.db()) is None:
                break
            self.time_passes(4000)
            self.deliver(1, "")
        assert next_due(self.db()) is None
        for incident in incidents(self.db(), "dev", limit=999, closed=True):
            gave_up = {each.channel for each in deliveries_of(self.db(), incident.id) if each.status == "failed"}
            assert not gave_up  # histories are too short for that
            for channel in CHANNELS:
                self.was_told(channel, incident)

    def was_told(self, channel, incident):
        kinds = ["opened"] if incident.is_open else ["opened", "recovered"]
        keys = [f"{incident.id}/{kind}" for kind in kinds]
        told = [key for key in self.received[channel] if key.startswith(f"{incident.id}/")]
        assert list(dict.fromkeys(told)) == keys
        assert all(told.count(key) == 1 for key in keys if (channel, key) not in self.doubtful)


def test_every_incident_and_its_recovery_are_told_once(applied):
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(applied, settings=settings(max_examples=50, stateful_step_count=30, deadline=None))
