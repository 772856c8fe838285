"""Several processes on one state, and processes that are killed: either before or after, never in between."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from headwater.spec.fills import Fill
from headwater.spec.releases import Move, rollup
from headwater.state import audit
from headwater.state.database import Database, open_database
from headwater.state.heads import entries, read_head
from headwater.state.health import examine
from headwater.state.leases import acquire
from headwater.state.moves import EntryConflict, move
from headwater.state.places import StatePlace
from headwater.state.releases import history
from tests.state.making import NOON, fill, first, release, served, swap
from tests.state.places import NewPlace, as_text

SPAWN = multiprocessing.get_context("spawn")
A, B = fill("a"), fill("b")
A2, A3, B2 = fill("a", position="p2"), fill("a", position="p3"), fill("b", position="p2")


def mover(place: StatePlace, mine: Move, name: str, start: Barrier, results: "Queue[str]") -> None:
    with open_database(place) as db:
        start.wait()
        try:
            results.put(move(db, mine, name).id)
        except EntryConflict as conflict:
            results.put(f"conflict on {sorted(conflict.nodes)}")


def at_once(db: Database, *moves: Move) -> list[str]:
    start, results = SPAWN.Barrier(len(moves)), SPAWN.Queue()
    workers = [
        SPAWN.Process(target=mover, args=(db.place, mine, f"by {number}", start, results))
        for number, mine in enumerate(moves)
    ]
    for worker in workers:
        worker.start()
    found = sorted(results.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join()
    return found


def test_two_processes_on_one_entry_one_wins(db: Database) -> None:
    release(db, first(A, B))
    outcome = at_once(db, swap((A, A2)), swap((A, A3)))
    assert outcome[0].startswith("by ")
    assert outcome[1] == "conflict on ['a']"


def test_two_processes_on_different_entries_both_win(db: Database) -> None:
    release(db, first(A, B))
    assert at_once(db, swap((A, A2)), swap((B, B2))) == ["by 0", "by 1"]
    assert served(db) == {"a": {"all": A2.id}, "b": {"all": B2.id}}
    assert audit.verify(db) == (3, None)


def opener(place: StatePlace, start: Barrier, results: "Queue[int]") -> None:
    start.wait()
    with open_database(place) as db:
        results.put(acquire(db, ["x"], str(os.getpid()), NOON, 60).get("x", 0))


def test_processes_that_open_a_new_state_at_once_share_it(new_place: NewPlace, tmp_path: Path) -> None:
    place, start, results = new_place(), SPAWN.Barrier(4), SPAWN.Queue()
    workers = [SPAWN.Process(target=opener, args=(place, start, results)) for _ in range(4)]
    for worker in workers:
        worker.start()
    granted = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert sorted(granted) == [0, 0, 0, 1]
    assert [found.name for found in tmp_path.iterdir() if "new" in found.name] == []


ENDLESS = """
import sys
from headwater.state.database import open_database
from headwater.state.moves import move
from tests.state.making import fill, first, swap
from tests.state.places import of_text
with open_database(of_text(sys.argv[1])) as db:
    slots = [f"s{n:03}" for n in range(200)]
    old = [fill("a", slot, "p0") for slot in slots]
    if sys.argv[2] == "first":
        move(db, first(*old), f"{sys.argv[2]} 0")
    else:
        from headwater.state.heads import entries
        from headwater.state.fills import known
        found = entries(db, "dev", "a")
        alive = known(db, [entry.fill for entry in found.values()])
        old = [alive[found["hub", slot].fill] for slot in slots]
    print("ready", flush=True)
    for number in range(1, 100000):
        new = [fill("a", slot, f"{sys.argv[2]} {number}") for slot in slots]
        move(db, swap(*zip(old, new)), f"{sys.argv[2]} {number}")
        old = new
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_process_killed_at_any_moment_leaves_whole_releases(new_place: NewPlace, seed: int) -> None:
    moments = random.Random(seed)
    place = new_place()
    for attempt in range(4):
        command = [sys.executable, "-c", ENDLESS, as_text(place), "first" if attempt == 0 else f"try {attempt}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
            assert process.stdout.readline() == b"ready\n"
            try:
                process.wait(moments.uniform(0, 0.2))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        with open_database(place, create=False) as db:
            assert_whole(db)


def assert_whole(db: Database) -> None:
    """All 200 slots stand on one position, that of the last release; roll-ups, references and the chain hold."""
    head = read_head(db, "dev")
    found = entries(db, "dev", "a")
    position = {entry.digest for entry in found.values()}
    assert len(found) == 200
    assert len(position) == 1
    assert position == {expected(history(db, "dev", 1)[0].id).digest}
    assert head.nodes["a"].rollup == rollup((key, entry.digest) for key, entry in found.items())
    assert examine(db) == ()


def expected(name: str) -> Fill:
    return fill("a", "s000", "p0" if name == "first 0" else name)
