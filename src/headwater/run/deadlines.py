"""Acts when a time is up: one thread watches for everybody, since one for each task cost more than small tasks do."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count


class Deadlines:
    """Watches any number of deadlines; its thread begins with the first of them and ends with ``close``."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._watched: dict[int, tuple[float, Callable[[], object]]] = {}
        self._changed = threading.Condition()
        self._wakes_at: float | None = None
        """When the thread looks up by itself; None: when it is told to."""
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, seconds: float, act: Callable[[], object]) -> Iterator[None]:
        """Call ``act`` if the block has not ended after ``seconds``; never after it has."""
        number = next(self._numbers)
        self._watch(number, time.monotonic() + seconds, act)
        try:
            yield
        finally:
            with self._changed:
                self._watched.pop(number, None)

    def close(self) -> None:
        """End the thread; nothing may be watched any more."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _watch(self, number: int, at: float, act: Callable[[], object]) -> None:
        with self._changed:
            self._watched[number] = at, act
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="deadlines", daemon=True)
                self._thread.start()
            elif self._wakes_at is None or at < self._wakes_at:
                self._changed.notify()

    def _look(self) -> None:
        with self._changed:
            while self._thread is threading.current_thread():
                now = time.monotonic()
                for number in [each for each, (at, _) in self._watched.items() if at <= now]:
                    self._watched.pop(number)[1]()
                self._wakes_at = min((at for at, _ in self._watched.values()), default=None)
                self._changed.wait(None if self._wakes_at is None else min(self._wakes_at - now, threading.TIMEOUT_MAX))
