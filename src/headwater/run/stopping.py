"""How a run is stopped in the middle: somebody says so, all that it does is interrupted, and it ends as cancelled."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.diagnostics import Cancelled, HeadwaterError

LOOK_S: Final = 0.5
"""Seconds between two looks at whether a run shall stop."""
PRESS_S: Final = 0.1
"""Seconds between two interrupts of one that shall: what it does next is interrupted, too."""


class Stop:
    """Whether a run shall stop, and why; it may be said from any thread, and the first reason stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._problem: HeadwaterError | None = None
        self._told: list[Callable[[], None]] = []

    @property
    def problem(self) -> HeadwaterError | None:
        """Why it shall stop; None: it goes on."""
        return self._problem

    def say(self, problem: HeadwaterError) -> None:
        """Ask the run to stop."""
        with self._lock:
            if self._problem is not None:
                return
            self._problem = problem
            told = list(self._told)
        for call in told:
            call()

    def check(self) -> None:
        """Raise the reason if the run shall stop."""
        if self._problem is not None:
            raise self._problem

    @contextmanager
    def telling(self, call: Callable[[], None]) -> Iterator[None]:
        """Have ``call`` called as soon as somebody says stop; at once if somebody has."""
        with self._lock:
            self._told.append(call)
            is_late = self._problem is not None
        if is_late:
            call()
        try:
            yield
        finally:
            with self._lock:
                self._told.remove(call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who may stop a run, and how what it does is interrupted."""

    stop: Stop
    why_stop: Callable[[], str | None]
    """Why it must stop; None: it may go on."""
    deadline_at: datetime | None
    clock: Callable[[], datetime]
    interrupt: Callable[[], None]

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Interrupt what runs inside when it shall stop, and raise Cancelled in place of what it says to that.

        A thread looks every half a second, and interrupts again and again until the work has ended, since one
        interrupt that comes between two statements stops nothing. What has ended well in spite of it stays so.
        """
        ended = threading.Event()
        watcher = threading.Thread(target=self._look, args=(ended,), name="stopping", daemon=True)
        watcher.start()
        try:
            yield
        except HeadwaterError as problem:
            stopped = self.stop.problem
            if stopped is None or problem is stopped:
                raise
            raise stopped from problem
        finally:
            ended.set()
            watcher.join()

    def check(self) -> None:
        """Raise Cancelled if it shall stop."""
        if self.stop.problem is None and (problem := self._reason()):
            self.stop.say(problem)
        self.stop.check()

    def _look(self, ended: threading.Event) -> None:
        while not ended.wait(PRESS_S if self.stop.problem else LOOK_S):
            if self.stop.problem is None and (problem := self._reason()):
                self.stop.say(problem)
            if self.stop.problem is not None:
                self.interrupt()

    def _reason(self) -> HeadwaterError | None:
        said = self.why_stop()
        if said is not None:
            hint = "what was computed is kept: the next run goes on from there"
            return Cancelled.of("HW1040", f"the run was stopped: {said}", hint=hint)
        if self.deadline_at is not None and self.clock() >= self.deadline_at:
            hint = "raise the pipeline's `timeout:`; what was computed is kept: the next run goes on from there"
            return Cancelled.of("HW1041", f"the run did not end by {self.deadline_at:%Y-%m-%dT%H:%M:%SZ}", hint=hint)
        return None
