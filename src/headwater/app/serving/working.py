"""A worker: takes what was ordered, one run after the other, until it is told to stop."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from headwater.app.serving.performing import perform
from headwater.app.serving.stopping import Stop
from headwater.app.serving.trouble import Trouble
from headwater.app.workspace import Workspace
from headwater.diagnostics import HeadwaterError
from headwater.run.leasing import TTL_S
from headwater.state.requests import Request, claim
from headwater.state.workers import Worker, forget_worker, note_worker

POLL_S: Final = 0.2
"""Seconds between two looks into the queue."""
_SEEN_EVERY: Final = timedelta(seconds=5)
_TROUBLE_S: Final = 2.0
"""Seconds until it looks again after the state could not be used."""

IsAllowed = Callable[[Request, Sequence[Request]], bool]


@dataclass(slots=True)
class Working:
    """A worker at work."""

    workspace: Workspace
    worker: Worker
    stop: Stop
    is_allowed: IsAllowed
    done: int = 0
    """How many runs it has performed."""
    _seen: datetime | None = None
    _trouble: Trouble = field(default_factory=Trouble)

    def until_stopped(self, most_runs: int | None = None) -> None:
        """Take and perform runs until told to stop, or until ``most_runs`` are done; the state may come and go."""
        try:
            while not self.stop.draining.is_set() and (most_runs is None or self.done < most_runs):
                self._look()
        finally:
            with suppress(HeadwaterError):  # who is silent is forgotten, too
                forget_worker(self.workspace.db, self.worker.id)

    def _look(self) -> None:
        try:
            if not self.one():
                self._wait()
            self._trouble.over()
        except HeadwaterError as problem:
            self._trouble.met(problem)
            self.stop.draining.wait(_TROUBLE_S)

    def one(self) -> bool:
        """Take and perform one run; False if there was none to take."""
        now = self.workspace.effects.clock()
        # Each try has a holder of its own: a zombie of an earlier one cannot be taken for it.
        taken = claim(self.workspace.db, f"{self.worker.id}/{self.done}", now, TTL_S, self.is_allowed)
        if taken is None:
            return False
        perform(self.workspace, taken, self.worker, self.stop)
        self.done, self._seen = self.done + 1, None
        return True

    def _wait(self) -> None:
        now = self.workspace.effects.clock()
        if self._seen is None or now - self._seen >= _SEEN_EVERY:
            note_worker(self.workspace.db, replace(self.worker, seen_at=now))
            self._seen = now
        self.stop.draining.wait(POLL_S)
