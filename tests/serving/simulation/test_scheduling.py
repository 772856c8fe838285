"""Random histories of servers, workers and people on one state, against a simple model that watches every transaction.

Every due time is ordered exactly once, as its ``catch_up`` says; every order ends exactly once; no more than
``max_active`` run at once; who was lost can neither finish nor move; what is paused orders nothing; fences only grow;
nothing that a trigger waits for is lost; and when the dust settles, everything has ended.
"""

import os
import random
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.serving.simulation.failing import Fault
from tests.serving.simulation.world import CODES, OPEN, PIPELINES, Process, World

EXAMPLES = int(os.environ.get("HEADWATER_CHAOS_SCHEDULES", "500"))
STEPS = 30
HOURS = int(os.environ.get("HEADWATER_CHAOS_HOURS", "1"))
THREE = st.integers(0, 2)
PIPELINE = st.sampled_from(PIPELINES)
FAULTS = st.sampled_from([None, None, None, "crash", "crash", "refuse", "meanwhile", "meanwhile", "meanwhile"])
SECONDS = st.sampled_from([0, 1, 5, 61, 61])
ENDINGS = st.sampled_from(["done", "failed", "queued", "cancelled"])
AFTER = st.integers(0, 30)
"""How many dealings with the state go well before; of those at which others may come first there are fewer."""
OTHERS = st.tuples(
    st.sampled_from(
        [
            "tick",
            "lead",
            "lead",
            "take",
            "end",
            "pause",
            "pause",
            "cancel",
            "release",
            "message",
            "file",
            "order",
            "wait",
        ]
    ),
    st.integers(0, 11),
)


class Schedules(RuleBasedStateMachine):
    """What may happen to servers that share a state."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.world.settle()
        finally:
            self.world.close()

    @initialize(skews=st.tuples(*[st.sampled_from([0, 0, 2, -2])] * 3))
    def begin(self, skews: tuple[int, int, int]) -> None:
        self.world.skews = list(skews)
        self._tick(0)

    # Processes

    @rule(at=THREE, seconds=SECONDS, fault=FAULTS, after=AFTER, other=OTHERS)
    def a_server_looks(self, at: int, seconds: int, fault: Fault | None, after: int, other: tuple[str, int]) -> None:
        self.world.wait(seconds)
        server = self.world.server(at)
        self._act(server, server.tick, fault, after, other)

    @rule(at=THREE, fault=FAULTS, after=AFTER, other=OTHERS)
    def a_worker_takes_an_order(self, at: int, fault: Fault | None, after: int, other: tuple[str, int]) -> None:
        worker = self.world.worker(at)
        self._act(worker, worker.take, fault, after, other)

    @rule(at=THREE)
    def a_worker_beats(self, at: int) -> None:
        worker = self.world.worker(at)
        self._act(worker, worker.beat)

    @rule(at=THREE, fault=FAULTS, after=st.integers(0, 8), other=OTHERS, moves=st.booleans(), status=ENDINGS)
    def a_worker_ends_its_order(
        self, at: int, fault: Fault | None, after: int, other: tuple[str, int], moves: bool, status: str
    ) -> None:
        worker = self.world.worker(at)
        if moves:
            self._act(worker, worker.move)
        self._act(worker, lambda: worker.end(status), fault, after, other)

    @rule(at=THREE, seconds=st.sampled_from([2, 9]), taken=st.booleans(), status=ENDINGS)
    def a_worker_comes_back_late(self, at: int, seconds: int, taken: bool, status: str) -> None:
        """It stood still, others may have its order by now: what it does then must not count."""
        worker, others = self.world.worker(at), ((at + 1) % 3, (at + 2) % 3)
        self._act(worker, worker.take)
        for _ in range(2):
            self._tick(others[0])
            self.world.wait(seconds)
        self._tick(others[0])
        if taken:
            other = self.world.worker(others[1])
            self._act(other, other.take)
        self._act(worker, worker.move)
        self._act(worker, lambda: worker.end(status))

    @rule(at=THREE, dies=st.booleans(), status=ENDINGS)
    def an_order_is_cancelled_while_it_runs(self, at: int, dies: bool, status: str) -> None:
        worker = self.world.worker(at)
        self._act(worker, worker.take)
        if worker.claim:
            self.world.cancel(worker.claim.request.id)
        if dies:
            self.world.kill(worker)
            self._tick(at)
        else:
            self._act(worker, lambda: worker.end(status))

    @rule(at=THREE)
    def a_worker_dies(self, at: int) -> None:
        self.world.kill(self.world.worker(at))

    @rule(at=THREE)
    def a_server_dies(self, at: int) -> None:
        self.world.kill(self.world.server(at))

    # Time

    @rule(seconds=st.sampled_from([1, 1, 3, 5, 9, 30, 61]))
    def time_passes(self, seconds: int) -> None:
        self.world.wait(seconds)

    @rule(seconds=st.sampled_from([-3600, -61, -5, -1, 200, 420]))
    def the_clock_jumps(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    # People, and the outside

    @rule(pipeline=PIPELINE)
    def somebody_pauses(self, pipeline: str) -> None:
        self.world.pause(pipeline)

    @rule(pipeline=PIPELINE)
    def somebody_resumes(self, pipeline: str) -> None:
        self.world.resume(pipeline)

    @rule(pipeline=PIPELINE)
    def somebody_orders(self, pipeline: str) -> None:
        self.world.order(pipeline)

    @rule(which=st.integers(0, 50))
    def somebody_cancels(self, which: int) -> None:
        known = sorted(self.world.model.last.requests)
        self.world.cancel(known[which % len(known)])

    @rule(number=st.integers(0, len(CODES) - 1))
    def somebody_releases(self, number: int) -> None:
        self.world.release(number)

    @rule()
    def a_message_comes(self) -> None:
        self.world.message()

    @rule()
    def a_file_comes(self) -> None:
        self.world.file()

    # How

    def _tick(self, at: int) -> None:
        server = self.world.server(at)
        self.world.act(server, server.tick)

    def _act(
        self,
        process: Process,
        what: Callable[[], object],
        fault: Fault | None = None,
        after: int = 0,
        other: tuple[str, int] = ("wait", 0),
    ) -> None:
        process.fate.decide(
            fault, after % 10 if fault == "meanwhile" else after, lambda: self._meanwhile(process, *other)
        )
        self.world.act(process, what, fault)

    def _meanwhile(self, process: Process, what: str, number: int) -> None:
        """What another does in the middle of what a process does."""
        world, at = self.world, number % 3
        if what == "wait":
            world.wait((2, 9, 70)[at])
        elif what == "tick" and world.server(at) is not process:
            self._tick(at)
        elif what in {"take", "end"} and world.worker(at) is not process:
            worker = world.worker(at)
            world.act(worker, worker.take if what == "take" else lambda: worker.end("done"))
        elif what == "pause":
            for name in PIPELINES:
                world.pause(name)
        elif what == "order":
            world.order(PIPELINES[number % len(PIPELINES)])
        elif what == "cancel":
            for name in [row.id for row in world.model.last.requests.values() if row.status in OPEN][-2:]:
                world.cancel(name)
        elif what == "release":
            world.release(number % len(CODES))
        elif what == "lead":
            world.wait(9)
            self._meanwhile(process, "tick", number)
        elif what in {"message", "file"}:
            getattr(world, what)()


@pytest.mark.slow
@pytest.mark.chaos
def test_histories_of_servers_and_workers() -> None:
    how = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Schedules, settings=how)


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(HOURS))
def test_two_servers_fight_for_an_hour(seed: int) -> None:
    """Both look every two seconds, in any order, each in the middle of the other; one dies now and then."""
    chance, world = random.Random(seed), World()
    try:
        for _ in range(1800):
            world.wait(2)
            first = chance.randrange(2)
            server, other = world.server(first), 1 - first
            fault: Fault | None = chance.choice(
                [None, None, "meanwhile", "meanwhile", "crash" if chance.random() < 0.05 else None]
            )
            server.fate.decide(fault, chance.randrange(12), lambda other=other: _look(world, other))
            world.act(server, server.tick, fault)
            _look(world, other)
            for at in range(2):
                worker = world.worker(at)
                world.act(worker, worker.beat)
                world.act(worker, chance.choice([worker.take, worker.take, lambda worker=worker: worker.end("done")]))
                if chance.random() < 0.005:
                    world.kill(worker)
        world.settle()
        times = {row.fire_at for row in world.model.last.requests.values() if row.pipeline == "each"}
        assert len(times) >= 60
    finally:
        world.close()


def _look(world: World, at: int) -> None:
    server = world.server(at)
    world.act(server, server.tick)
