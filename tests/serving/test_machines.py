"""Who died on this machine is known at once; of other machines only leases tell."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from headwater.app.serving.machines import bury_dead, this_machine
from headwater.state.database import open_database
from headwater.state.leases import acquire, live_leases
from headwater.state.workers import Worker, note_worker, workers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    with open_database(tmp_path / "state.db") as opened:
        yield opened


@pytest.fixture
def process():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as started:
        yield started
        started.kill()


def works(db, process, machine):
    worker = Worker(
        id="w", kind="worker", host="h", pid=process.pid, version="1", started_at=NOON, seen_at=NOON, machine=machine
    )
    note_worker(db, worker)
    acquire(db, ["run:a"], "w/1", NOON, 60)


@pytest.mark.skipif(not this_machine(), reason="this system does not tell machines apart")
def test_what_the_dead_held_is_free_at_once(db, process):
    works(db, process, this_machine())
    process.kill()
    process.wait()
    assert bury_dead(db) == ["w"]
    assert (live_leases(db, NOON), workers(db)) == (frozenset(), ())


def test_the_living_keep_what_they_have(db, process):
    works(db, process, this_machine())
    assert bury_dead(db) == []
    assert live_leases(db, NOON) == {"run:a"}


@pytest.mark.parametrize("machine", ["", "another"])
def test_numbers_of_other_machines_say_nothing(db, process, machine):
    works(db, process, machine)
    process.kill()
    process.wait()
    assert bury_dead(db) == []
