"""A small world for the orchestrator: servers, workers and a person on one state, with a clock and deaths of its own."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path

from headwater.app.control.ordering import order_run
from headwater.app.control.stopping import cancel, pause, resume
from headwater.app.serving.allowing import Limits
from headwater.app.serving.leading import Leader
from headwater.app.settings import Settings
from headwater.app.workspace import Effects, Workspace
from headwater.diagnostics import Conflict, HeadwaterError, Invalid
from headwater.graph.encoding import encode
from headwater.graph.values import Graph, PipelineNode
from headwater.run.leasing import TTL_S
from headwater.spec.orders import Order
from headwater.spec.releases import Move
from headwater.spec.schedules import Timetable, Trigger
from headwater.state.arrivals import add_arrival
from headwater.state.attempts import Beginning, Ending, begin_attempts, end_attempts
from headwater.state.database import Database, open_database
from headwater.state.leases import release_all, renew
from headwater.state.moves import move
from headwater.state.requests import Claim, claim, finish, hand_back
from tests.serving.simulation.failing import FailingBackend, Fate, Fault, Killed
from tests.serving.simulation.model import ENVIRONMENT, Actor, Code, Model, Plan

BEGIN = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
CODES: tuple[Code, ...] = tuple(
    {
        "each": Plan("all", each, most, BEGIN - timedelta(minutes=3, seconds=30)),
        "last": Plan("latest", last, most),
        "fresh": Plan("none", 1),
        "stream": Plan("continuous"),
        "told": Plan("message", max_active=most),
        "seen": Plan("files"),
    }
    for each, last, most in ((1, 1, 1), (1, 2, 2), (5, 1, 2), (3, 7, 1))
)
PIPELINES = tuple(CODES[0])
OPEN = frozenset({"queued", "running"})
QUIET = (1, 1, 1, TTL_S + 2, 3, 3, 61, 61, 3, 3, 3)
"""Seconds between looks when all goes well: each server sees who is silent, and then that it is silent still; and what
waits longest, since a clock was wrong, waits no longer than two minutes."""


@cache
def encoded(number: int) -> bytes:
    """The code of a release, as the state keeps it."""
    pipelines = tuple(_pipeline(name, plan) for name, plan in CODES[number].items())
    return encode(Graph(project="sim", nodes=(), pipelines=pipelines, digest=f"code{number}"))


def _pipeline(name: str, plan: Plan) -> PipelineNode:
    table = Timetable(every=f"{plan.minutes}m", start=plan.start, catch_up=plan.kind) if plan.minutes else None
    conditions = {"message": Trigger(kind="message", name="go"), "files": Trigger(kind="files", name="in/*.csv")}
    return PipelineNode(
        name=name,
        select=("*",),
        schedule=(table,) if table else (),
        when=conditions.get(plan.kind),
        debounce_s=3.0 if name == "told" else 0.0,
        continuous_s=5.0 if plan.kind == "continuous" else None,
        max_active=plan.max_active,
    )


@cache
def _template() -> Path:
    path = memory() / "template.db"
    open_database(path).close()
    return path


@cache
def memory() -> Path:
    """A directory, in memory if there is such a place: what is simulated is never to survive the machine."""
    place = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="headwater-simulation-", dir=place if place.is_dir() else None))


class Process:
    """A process: its own connections, its own clock, its own fate."""

    def __init__(self, world: "World", name: str, skew_s: float = 0.0) -> None:
        self.world, self.name, self.skew = world, name, timedelta(seconds=skew_s)
        self.actor = Actor(name, world.now + self.skew)
        self.fate = Fate(lambda: world.model.look(self.actor))
        self.db = Database(world.path, FailingBackend(world.path, self.fate))
        effects = Effects(
            clock=self.clock,
            sleep=lambda _: None,
            random=lambda: 0.0,
            token=world.token,
            monotonic=lambda: world.real,
        )
        root = world.path.parent
        settings = Settings(root=root, project="sim", state_text=f"sqlite:{world.path}", lake=root / "lake", keep_s=1.0)
        self.workspace = Workspace(settings=settings, db=self.db, effects=effects)

    def clock(self) -> datetime:
        """What it takes for the present."""
        self.actor.now = self.world.now + self.skew
        return self.actor.now


class Server(Process):
    """One process of ``headwater serve``, without its workers' processes."""

    def __init__(self, world: "World", name: str, skew_s: float = 0.0) -> None:
        super().__init__(world, name, skew_s)
        self.leader = Leader(self.workspace, name)
        self.dead: list[str] = []

    def tick(self) -> None:
        """One round of its loop."""
        while self.dead:
            release_all(self.db, self.dead[0])
            self.dead.pop(0)
        self.leader.step(self.clock())


class Worker(Process):
    """One worker's process; between its steps it stands still, for as long as the world likes."""

    def __init__(self, world: "World", name: str, skew_s: float = 0.0) -> None:
        super().__init__(world, name, skew_s)
        self.claim: Claim | None = None
        self.attempts: list[int] = []
        self.tries = count()

    def take(self) -> bool:
        """Take an order, if there is one, and begin its first task."""
        if self.claim:
            return False
        self.claim = claim(self.db, f"{self.name}/{next(self.tries)}", self.clock(), TTL_S, Limits(self.db))
        if self.claim:
            request = self.claim.request
            beginning = Beginning(
                run=request.id,
                environment=ENVIRONMENT,
                task="t",
                node=request.pipeline,
                version="v",
                slots=1,
                attempt=1,
                at=self.clock(),
            )
            self.attempts = begin_attempts(self.db, [beginning])
        return self.claim is not None

    def beat(self) -> None:
        """Prolong its lease; who has lost it lets go."""
        if self.claim and not renew(
            self.db, [self.claim.request.lease], self.claim.request.holder, self.clock(), TTL_S
        ):
            self._let_go("cancelled")

    def move(self) -> None:
        """Make visible what it has computed, which only who holds the run may."""
        if self.claim:
            request = self.claim.request
            made = Move(
                environment=ENVIRONMENT,
                kind="run",
                at=self.clock(),
                by=self.name,
                message=request.holder,
                fence=(request.lease, self.claim.fence),
                run=request.id,
            )
            with suppress(Conflict):
                move(self.db, made, self.world.token())

    def end(self, status: str) -> None:
        """Say how its order ended, or give it back."""
        if self.claim:
            request = self.claim.request
            self._let_go("failed" if status == "failed" else "done", keep=True)
            if status == "queued":
                hand_back(self.db, request.id, request.holder, "", self.clock() + timedelta(seconds=15))
            else:
                finish(self.db, request.id, request.holder, status, "", self.clock())
            self.claim = None

    def _let_go(self, status: str, *, keep: bool = False) -> None:
        now = self.clock()
        end_attempts(self.db, [Ending(seq=seq, status=status, at=now) for seq in self.attempts])
        self.attempts = []
        if not keep:
            self.claim = None


class World:
    """Everything, and what can happen to it."""

    def __init__(self) -> None:
        root = Path(tempfile.mkdtemp(dir=memory()))
        (root / "in").mkdir()
        self.path = root / "state.db"
        shutil.copyfile(_template(), self.path)
        self.now, self.real = BEGIN, 0.0
        self._numbers = count(1)
        self.model = Model(self.path, lambda: self.real)
        self.code: Code = CODES[0]
        self.events: dict[str, int] = {}
        self.active: list[Process] = []
        self.person = Process(self, "ann")
        self.servers: list[Server | None] = [None, None, None]
        self.workers: list[Worker | None] = [None, None, None]
        self.skews = [0.0, 0.0, 0.0]
        self.release(0)

    def close(self) -> None:
        """Throw everything away."""
        for process in (self.person, *self.servers, *self.workers):
            if process:
                process.db.close()
        self.model.close()
        shutil.rmtree(self.path.parent, ignore_errors=True)

    def token(self) -> str:
        """A word that was never given before."""
        return f"t{next(self._numbers):05}"

    def act(self, process: Process, what: Callable[[], object], fault: Fault | None = None) -> object:
        """Let a process do something; it may die over it, or be told that the disk is full."""
        process.actor.codes = [self.code]
        self.active.append(process)
        try:
            return what()
        except Killed:
            self.kill(process)
        except HeadwaterError:
            if fault != "refuse":
                raise
        finally:
            process.fate.decide(None)
            self.active.remove(process)
        return None

    def kill(self, process: Process) -> None:
        """End a process where it stands; a worker's server will notice, if it lives."""
        process.db.close()
        for places in (self.servers, self.workers):
            if process in places:
                at = places.index(process)
                places[at] = None
                if isinstance(process, Worker) and (server := self.servers[at]):
                    server.dead.append(process.name)

    def server(self, at: int) -> Server:
        """Give a server, started if it does not live."""
        found = self.servers[at] or Server(self, f"s{at}.{self.token()}", self.skews[at])
        self.servers[at] = found
        return found

    def worker(self, at: int) -> Worker:
        """Give a worker, started if it does not live."""
        found = self.workers[at] or Worker(self, f"w{at}.{self.token()}", self.skews[at])
        self.workers[at] = found
        return found

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now, self.real = self.now + timedelta(seconds=seconds), self.real + seconds

    # What a person does, and the outside

    def release(self, number: int) -> None:
        """Bring other code into the environment."""
        self.code = CODES[number]
        for process in self.active:
            process.actor.codes.append(self.code)
        made = Move(
            environment=ENVIRONMENT,
            kind="apply",
            at=self.now,
            by="ann",
            code=f"code{number}",
            graph=encoded(number),
        )
        move(self.person.db, made, self.token())

    def pause(self, pipeline: str) -> None:
        self.person.clock()
        pause(self.person.workspace, ENVIRONMENT, pipeline, by="ann")

    def resume(self, pipeline: str) -> None:
        self.person.clock()
        resume(self.person.workspace, ENVIRONMENT, pipeline, by="ann")

    def order(self, pipeline: str) -> None:
        order = Order(environment=ENVIRONMENT, pipeline=pipeline, select=(pipeline,))
        order_run(self.person.workspace, order, kind="hand", by="ann")

    def cancel(self, request_id: str) -> None:
        """Cancel an order, whatever has become of it."""
        with suppress(Invalid):
            cancel(self.person.workspace, request_id, by="ann")

    def message(self) -> None:
        """A message comes."""
        add_arrival(self.person.db, ENVIRONMENT, "message", "go", self.token(), self.now, "")
        self.events["told"] = self.model.number

    def file(self) -> None:
        """A file comes."""
        (self.path.parent / "in" / f"{self.token()}.csv").touch()
        self.events["seen"] = self.model.number

    # The end

    def settle(self) -> None:
        """Let all go well for a while: then everything that was ordered before has ended, and nobody holds anything."""
        for name in PIPELINES:
            self.resume(name)
        waited = {row.id for row in self.model.last.requests.values() if row.status in OPEN}
        for number, seconds in enumerate(QUIET):
            self.wait(seconds)
            server = self.server(number % len(self.servers))
            self.act(server, server.tick)
            while any(self._work(at) for at in range(len(self.workers))):
                continue
        left = [row for row in self.model.last.requests.values() if row.id in waited and row.status in OPEN]
        assert not left, f"after {sum(QUIET)} quiet seconds these have not ended: {left}"
        for pipeline, happened in self.events.items():
            assert self.model.started.get(pipeline, -1) >= happened, f"what {pipeline} waits for was lost"
        assert not [name for name in self.model.last.leases if name.startswith("run:")]
        assert self._running() == []

    def _work(self, at: int) -> bool:
        worker = self.worker(at)
        self.act(worker, lambda: worker.end("done"))
        return bool(self.act(worker, worker.take))

    def _running(self) -> list[str]:
        with self.person.db.read() as connection:
            return [run for (run,) in connection.execute("SELECT run FROM attempts WHERE status = 'running'")]
