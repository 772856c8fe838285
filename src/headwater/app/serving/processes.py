"""The worker processes of a server: started, watched, replaced when they die, stopped without losing what they do."""

import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import msgspec

from headwater.app.serving.child import Orders
from headwater.diagnostics import HeadwaterError
from headwater.state.database import Database
from headwater.state.leases import release_all
from headwater.state.workers import forget_worker

GRACE_S: Final = 30.0
"""How long running work may take to end when the server stops, before it is put back into the queue."""
_HURRY_S: Final = 10.0


@dataclass(slots=True)
class _Place:
    """One of the server's workers, through all its processes."""

    number: int
    generation: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    worker: str = ""

    def drain(self) -> None:
        """Ask it to end after what it does."""
        if self.process and self.process.stdin:
            with suppress(OSError):
                self.process.stdin.close()

    def has_ended(self, patience_s: float) -> bool:
        """Wait for its end."""
        try:
            return self.process is None or self.process.wait(max(0.0, patience_s)) is not None
        except subprocess.TimeoutExpired:
            return False

    def signal(self, number: int) -> None:
        """Send a signal."""
        if self.process:
            self.process.send_signal(number)


@dataclass(slots=True)
class WorkerProcesses:
    """A fixed number of worker processes."""

    db: Database
    orders: Orders
    server: str
    places: list[_Place] = field(default_factory=list)

    def start(self, count: int) -> None:
        """Start as many workers."""
        self.places = [_Place(number) for number in range(1, count + 1)]
        for place in self.places:
            self._start(place)

    def replace_dead(self) -> list[str]:
        """Start anew those that have ended; what they held is free at once. Gives the dead that did not end well."""
        dead: list[str] = []
        for place in self.places:
            if place.process is None or place.process.poll() is None:
                continue
            if place.process.returncode:
                dead.append(place.worker)
            self._bury(place)
            self._start(place)
        return dead

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Let each end its run, for a while; then stop runs where they are; then end what does not listen."""
        running = [place for place in self.places if place.process is not None]
        for place in running:
            place.drain()
        deadline = time.monotonic() + grace_s
        late = [place for place in running if not place.has_ended(deadline - time.monotonic())]
        for place in late:
            place.signal(signal.SIGTERM)
        deadline = time.monotonic() + _HURRY_S
        for place in late:
            if not place.has_ended(deadline - time.monotonic()):
                place.signal(signal.SIGKILL)
                place.has_ended(_HURRY_S)
        with suppress(HeadwaterError):  # what they hold is free when its leases end, at the latest
            for place in running:
                self._bury(place)

    def _start(self, place: _Place) -> None:
        place.generation += 1
        place.worker = f"{self.server}.{place.number}.{place.generation}"
        told = msgspec.json.encode(msgspec.structs.replace(self.orders, worker=place.worker)).decode()
        command = [sys.executable, "-m", "headwater.app.serving.child", told]
        place.process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=self.orders.root)

    def _bury(self, place: _Place) -> None:
        """Nobody else uses a worker's name: once it has ended, nothing of it is held."""
        release_all(self.db, place.worker)
        forget_worker(self.db, place.worker)
