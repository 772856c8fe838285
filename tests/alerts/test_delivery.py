"""What is told reaches its channel: grouped, once, tried again, and without delaying anybody else."""

import os
import socketserver
import threading
from datetime import timedelta

import pytest

from headwater.app.alerting.asking import list_incidents, show_incident
from headwater.app.alerting.delivering import MOST_TRIES, DeliveryThread, deliver_due, pause_s, take
from headwater.app.alerting.watching import Watch
from headwater.delivery.channels import Message, UndeliveredError, problem_of, send
from headwater.state.deliveries import deliveries_of, next_due

TOLD = Message(title="title", body="body", level="failure")


def statuses(watched):
    db = watched.project.workspace.db
    found = list_incidents(watched.project.workspace, None, closed=True, limit=99).incidents
    return [(each.kind, each.status) for incident in reversed(found) for each in deliveries_of(db, incident.id)]


def test_a_web_hook_takes_what_is_told(channel):
    send(channel.url, TOLD, 5)
    (taken,) = channel.taken
    assert (taken["title"], taken["message"], taken["type"]) == ("title", "body", "failure")


def test_a_plain_web_hook_takes_json(channel):
    send(channel.url.replace("json://", "http://"), TOLD, 5)
    assert [taken["title"] for taken in channel.taken] == ["title"]


def test_a_channel_that_refuses_is_told_apart_without_what_opens_it(channel):
    channel.behaviour = "refuses"
    with pytest.raises(UndeliveredError) as refused:
        send(f"json://user:hunter22@127.0.0.1:{channel.port}/tokentoken", TOLD, 5)
    assert "hunter22" not in str(refused.value)
    assert "tokentoken" not in str(refused.value)


@pytest.mark.parametrize("url", ["nosuch://hunter22", "hunter22", ""])
def test_what_is_no_channel_is_said_without_showing_it(url):
    assert problem_of(url)
    assert "hunter22" not in problem_of(url)


@pytest.mark.parametrize("url", ["slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "https://example.org/hook"])
def test_channels_are_recognised_without_being_reached(url):
    assert problem_of(url) == ""


def test_mail_is_sent():
    received = []

    class Post(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                word = line.split()[0].upper() if line.split() else b""
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    while (part := self.rfile.readline()) != b".\r\n":
                        received.append(part.decode())
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Post) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = f"127.0.0.1:{server.server_address[1]}"
        send(f"mailto://{where}/?from=hw@example.org&to=team@example.org&mode=insecure", TOLD, 5)
        server.shutdown()
    assert "Subject: title" in "".join(received)


def test_news_waits_for_more_and_goes_out_as_one_message(watched):
    watched.project.settings(pipelines={"morning": {"select": "totals"}, "evening": {"select": "totals"}})
    watched.alert("run_failed", group="30s").apply()
    watched.ended("failed", "morning")
    watched.look()
    assert watched.deliver(seconds=20) == []
    watched.ended("failed", "evening")
    watched.look()
    (told,) = watched.deliver(seconds=11)
    assert told.startswith("Headwater shop, dev: 2 wrong\n")
    assert watched.deliver(hours=1) == []


def test_what_two_alerts_tell_one_channel_is_told_once(watched):
    alert = {"on": "run_failed", "to": "json://127.0.0.1:1/hook"}
    watched.project.settings(alerts={"team": alert, "boss": {**alert, "to": [alert["to"]]}})
    watched.apply()
    watched.ended("failed")
    watched.look()
    (told,) = watched.deliver()
    assert told.count("key: ") == 1


def test_a_message_says_what_to_do_and_has_a_key(watched):
    watched.alert("run_failed").apply()
    run = watched.ended("failed")
    watched.look()
    (told,) = watched.deliver()
    (incident,) = list_incidents(watched.project.workspace, "dev", closed=False, limit=9).incidents
    assert f"what to do: `headwater logs {run}` says why" in told
    assert f"key: {incident.id}/opened" in told


def test_many_news_are_counted(watched):
    watched.project.settings(pipelines={f"p{each}": {"select": "totals"} for each in range(25)})
    watched.alert("run_failed").apply()
    for each in range(25):
        watched.ended("failed", f"p{each}")
    watched.look()
    (told,) = watched.deliver()
    assert "25 wrong" in told
    assert "… and 5 more" in told


def test_a_dead_channel_is_tried_again_later_and_later(watched):
    watched.alert("run_failed").apply()
    watched.ended("failed")
    watched.look()
    watched.dead = True
    assert watched.deliver() == []
    assert watched.deliver(seconds=1) == []
    watched.dead = False
    (told,) = watched.deliver(seconds=20)
    assert "run_failed" in told
    assert statuses(watched) == [("opened", "sent")]


def test_pauses_grow_and_have_an_end():
    assert [pause_s(tries, 1.0) for tries in (0, 1, 2, 99)] == [10, 20, 40, 900]
    assert pause_s(3, 0.0) == pause_s(3, 1.0) / 2


def test_what_nobody_takes_is_given_up_and_shown(watched):
    watched.alert("run_failed", repeat="0s").apply()
    watched.ended("failed")
    watched.look()
    watched.dead = True
    for _ in range(MOST_TRIES):
        watched.deliver(hours=1)
    assert statuses(watched) == [("opened", "failed")]
    (refused,) = list_incidents(watched.project.workspace, None, closed=False, limit=9).undelivered
    assert (refused.status, refused.message) == ("failed", "nobody answers")
    watched.dead = False
    watched.ended("done")
    watched.look()
    assert watched.deliver() == []  # who did not hear that it began does not hear that it is over
    assert statuses(watched)[-1] == ("recovered", "dropped")


def test_a_secret_without_a_value_is_a_reason_and_not_the_end(watched, monkeypatch):
    monkeypatch.delenv("TEAM_URL", raising=False)
    watched.alert("run_failed", to="${env:TEAM_URL}").apply()
    watched.ended("failed")
    watched.look()
    assert watched.deliver() == []
    (incident,) = list_incidents(watched.project.workspace, None, closed=False, limit=9).incidents
    (told,) = show_incident(watched.project.workspace, incident.id).told
    assert (told.to, told.delivery.message) == ("`${env:TEAM_URL}`", "the secret `${env:TEAM_URL}` has no value here")
    monkeypatch.setenv("TEAM_URL", "json://127.0.0.1:9/hook")
    assert len(watched.deliver(minutes=1)) == 1
    assert watched.urls == ["json://127.0.0.1:9/hook"]


def test_what_is_no_longer_sent_there_is_dropped(watched):
    watched.alert("run_failed").apply()
    watched.ended("failed")
    watched.look()
    watched.alert("run_failed", to="json://127.0.0.1:2/other").project.apply()
    assert watched.deliver() == []
    assert statuses(watched) == [("opened", "dropped")]


def test_what_was_taken_by_one_that_died_is_sent_by_another(watched):
    watched.alert("run_failed").apply()
    watched.ended("failed")
    watched.look()
    watched.project.later(seconds=31)
    assert len(take(watched.project.workspace, watched.project.now, "dead")) == 1
    assert watched.deliver(seconds=60) == []
    assert len(watched.deliver(seconds=61)) == 1


def test_a_channel_that_hangs_delays_no_other(watched, channel, other_channel):
    """Real channels and the thread of a server: one never answers while the other hears of everything."""
    channel.behaviour = "hangs"
    watched.alert("run_failed", to=[channel.url, other_channel.url], group="0s").apply()
    watched.ended("failed")
    watched.look()
    workspace = watched.project.workspace
    thread = DeliveryThread(workspace, poll_s=0.01)
    thread.start()
    try:
        assert channel.came.acquire(timeout=60)
        assert other_channel.came.acquire(timeout=60)
        watched.ended("done")
        watched.look()
        assert other_channel.came.acquire(timeout=60)
    finally:
        channel.go_on.set()
        thread.stop(60)
    assert ["recovered" in each["message"] for each in other_channel.taken] == [False, True]


def test_two_who_deliver_send_nothing_twice(watched, channel):
    watched.project.settings(pipelines={f"p{each}": {"select": "totals"} for each in range(5)})
    watched.alert("run_failed", to=channel.url).apply()
    for each in range(5):
        watched.ended("failed", f"p{each}")
    watched.look()
    watched.project.later(seconds=31)
    workspace, now = watched.project.workspace, watched.project.now
    both = [threading.Thread(target=deliver_due, args=(workspace, now)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    keys = [line for each in channel.taken for line in each["message"].splitlines() if line.startswith("key: ")]
    assert (len(keys), len(set(keys))) == (5, 5)
    assert next_due(workspace.db) is None


def test_two_who_look_at_once_open_one_incident(watched):
    watched.alert("run_failed").apply()
    watched.ended("failed")
    watches = [Watch(watched.project.workspace, watched.send) for _ in range(2)]
    together = threading.Barrier(2)

    def look(watch):
        together.wait()
        watch.look("dev", watched.project.now)

    both = [threading.Thread(target=look, args=(watch,)) for watch in watches]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert statuses(watched) == [("opened", "waiting")]


def test_a_state_in_trouble_is_told_past_the_state(watched):
    heard = threading.Semaphore(0)
    messages = []

    def hear(url, message):
        messages.append(message.title)
        heard.release()

    watched.alert("state_trouble").apply()
    watch, now = Watch(watched.project.workspace, hear), watched.project.now
    watch.look("dev", now)
    watch.trouble("the disk is full", now)
    watch.trouble("the disk is full", now + timedelta(minutes=1))
    assert heard.acquire(timeout=60)
    watch.well(now + timedelta(minutes=2))
    assert heard.acquire(timeout=60)
    watch.well(now + timedelta(minutes=3))
    assert [title.endswith("recovered") for title in messages] == [False, True]


def test_what_cannot_be_sent_is_known_when_a_server_starts(watched, monkeypatch):
    monkeypatch.setenv("TEAM_URL", "nosuch://hunter22")
    monkeypatch.delenv("OTHER_URL", raising=False)
    watched.alert("run_failed", to=["${env:TEAM_URL}", "${env:OTHER_URL}"]).apply()
    found = watched.watch.problems()
    assert [each.code for each in found] == ["HW1067", "HW0530"]
    assert "hunter22" not in str(found)


def test_secrets_in_the_words_of_an_incident_are_not_told(watched, monkeypatch):
    from headwater.app.secrets import resolve

    monkeypatch.setitem(os.environ, "CLOCK_SECRET", "correct-horse-battery")
    resolve("${env:CLOCK_SECRET}", watched.project.root)
    watched.alert("state_trouble").apply()
    watched.look("no way to correct-horse-battery")
    (told,) = watched.deliver()
    assert "no way to ${env:CLOCK_SECRET}" in told
