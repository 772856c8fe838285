"""A server: leads or waits to lead, keeps its workers alive, and ends without losing anything."""

import logging
import os
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal

from headwater.app.alerting.watching import Watch
from headwater.app.forgetting import Forgetting
from headwater.app.serving.child import Orders
from headwater.app.serving.firing import Leading
from headwater.app.serving.leading import Leader
from headwater.app.serving.looking import Aside
from headwater.app.serving.machines import this_machine
from headwater.app.serving.processes import GRACE_S, WorkerProcesses
from headwater.app.serving.trouble import Trouble
from headwater.app.serving.versions import require_newest
from headwater.app.workspace import Workspace
from headwater.diagnostics import HeadwaterError
from headwater.state.workers import Worker, forget_worker, note_worker, workers

TICK_S: Final = 0.5
"""Seconds between two looks at what is due."""
WATCH_EVERY: Final = timedelta(seconds=3)
"""How often an environment is looked at for what is wrong."""
_OUTDATED: Final = frozenset({"HW1128", "HW0606"})
"""A newer version serves this state, or has changed its tables."""
_log: Final = logging.getLogger("headwater")


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How a server serves."""

    version: str
    workers: int = 2
    environments: Sequence[str] = ()
    """Environments in which pipelines start by themselves; empty: all."""
    url: str = ""
    """Where its API answers; empty: nowhere."""
    grace_s: float = GRACE_S
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(slots=True)
class Server:
    """One process of `headwater serve`."""

    workspace: Workspace
    serving: Serving
    stopped: threading.Event = field(default_factory=threading.Event)
    _looked: dict[str, datetime] = field(default_factory=dict)
    """Environment → when it was last looked at for what is wrong."""
    _trouble: Trouble = field(default_factory=Trouble)
    _forgetting: Forgetting = field(init=False)

    def __post_init__(self) -> None:
        self._forgetting = Forgetting(self.workspace)

    def serve(self) -> None:
        """Serve until told to stop. Raises Broken at the start if a newer version serves this state."""
        me = self._introduced()
        watch = Watch(self.workspace)
        for problem in watch.problems():
            _log.warning("%s", problem)
        looks = Aside(self.workspace.effects.monotonic)
        leader = Leader(self.workspace, me.id, self.serving.environments, partial(self._watch, watch), looks)
        delivery = watch.delivery()
        processes = WorkerProcesses(self.workspace.db, self._orders(), me.id)
        processes.start(self.serving.workers)
        where = f", API at {me.url}" if me.url else ""
        _log.info("Headwater %s serves with %d workers%s", me.version, self.serving.workers, where)
        delivery.start()
        try:
            while not self.stopped.is_set():
                self._tick(me, leader, processes, watch)
                self.stopped.wait(TICK_S)
        finally:
            _log.info("stopping: what runs may end for %g seconds", self.serving.grace_s)
            processes.stop(self.serving.grace_s)
            delivery.stop()
            with suppress(HeadwaterError):  # without the state: who is silent is followed by another, too
                leader.resign()
                forget_worker(self.workspace.db, me.id)

    def _tick(self, me: Worker, leader: Leader, processes: WorkerProcesses, watch: Watch) -> None:
        """Do one round; a state that is away for a moment ends nothing."""
        now = self.workspace.effects.clock()
        try:
            note_worker(self.workspace.db, replace(me, seen_at=now))
            for dead in processes.replace_dead():
                _log.warning("worker %s died; another takes its place", dead)
            leader.step(now)
            if leader.is_leading:
                self._forgetting.step(now)
            require_newest(self.serving.version, workers(self.workspace.db), now)
            watch.well(now)
            self._trouble.over()
        except HeadwaterError as problem:
            if problem.diagnostics and problem.diagnostics[0].code in _OUTDATED:
                _log.warning("%s", problem)
                self.stopped.set()
                return
            self._trouble.met(problem)
            leader.begin_anew()
            watch.trouble(str(problem), now)
        except Exception:  # noqa: BLE001 - a defect in one round must not end the server
            _log.exception("a round of the server failed")  # the next one may do better; nothing is lost meanwhile

    def _watch(self, watch: Watch, environment: str, now: datetime, leading: Leading) -> None:
        last = self._looked.get(environment)
        if last is None or not timedelta() <= now - last < WATCH_EVERY:
            self._looked[environment] = now
            watch.look(environment, now, lease=(leading.lease, leading.fence))

    def _introduced(self) -> Worker:
        effects = self.workspace.effects
        now = effects.clock()
        require_newest(self.serving.version, workers(self.workspace.db), now)
        host, pid = socket.gethostname(), os.getpid()
        me = Worker(
            id=f"{host}.{pid}.{effects.token()[:6]}",
            kind="server",
            host=host,
            pid=pid,
            version=self.serving.version,
            started_at=now,
            seen_at=now,
            url=self.serving.url,
            machine=this_machine(),
        )
        note_worker(self.workspace.db, me)
        return me

    def _orders(self) -> Orders:
        return Orders(
            root=str(self.workspace.root),
            worker="",
            version=self.serving.version,
            variables=dict(self.workspace.variables),
            log_format=self.serving.log_format,
            log_level=self.serving.log_level,
        )
