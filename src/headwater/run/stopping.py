"""How a run is stopped in the middle: somebody says so, all that it does is interrupted, and it ends as cancelled."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def stoppable(
    stop: Stop,
    *,
    why_stop: Callable[[], str | None],
    deadline_at: datetime | None,
    clock: Callable[[], datetime],
    interrupt: Callable[[], None],
) -> Iterator[None]:
    """Stop what runs inside when ``why_stop`` says why, or its deadline has passed; raises Cancelled then.

    A thread looks every half a second, and interrupts again and again until the work has ended, since one
    interrupt that comes between two statements stops nothing.
    """
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(PRESS_S if stop.problem else LOOK_S):
            if stop.problem is None and (problem := _reason(why_stop(), deadline_at, clock)):
                stop.say(problem)
            if stop.problem is not None:
                interrupt()

    watcher = threading.Thread(target=watch, name="stopping", daemon=True)
    watcher.start()
    try:
        yield
    except HeadwaterError as problem:
        if stop.problem is not None and problem is not stop.problem:
            raise stop.problem from problem
        raise
    finally:
        ended.set()
        watcher.join()


def _reason(said: str | None, deadline_at: datetime | None, clock: Callable[[], datetime]) -> HeadwaterError | None:
    if said is not None:
        hint = "what was computed is kept: the next run goes on from there"
        return Cancelled.of("HW1040", f"the run was stopped: {said}", hint=hint)
    if deadline_at is not None and clock() >= deadline_at:
        hint = "raise the pipeline's `timeout:`; what was computed is kept: the next run goes on from there"
        return Cancelled.of("HW1041", f"the run did not end by {deadline_at:%Y-%m-%dT%H:%M:%SZ}", hint=hint)
    return None
