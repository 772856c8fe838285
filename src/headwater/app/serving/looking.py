"""Looks at what may hang, such as a network disk, in threads of its own: who asks gets the last answer, at once."""

import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Final, Protocol

SLOW_S: Final = 60.0
"""A look that takes longer is warned of."""
_MOST_THREADS: Final = 16
"""So many looks may hang before all others wait, too."""
_log: Final = logging.getLogger("headwater")
_Look = Callable[[], str | None]


class Looks(Protocol):
    """How things are looked at, each under a key."""

    def begin(self, key: Hashable, name: str, look: _Look) -> None:
        """Look anew; ``name`` is what people call it, ``look`` gives None for what cannot be looked at now."""

    def last(self, key: Hashable) -> str | None:
        """Give the last answer; None: there is none yet, or it could not be looked at."""

    def close(self) -> None:
        """Begin no further look."""


@dataclass(slots=True)
class AtOnce:
    """Looks when asked, in the thread that asks: for tests that must know what happens when."""

    _answers: dict[Hashable, str | None] = field(default_factory=dict)

    def begin(self, key: Hashable, name: str, look: _Look) -> None:
        """Look now."""
        del name
        self._answers[key] = look()

    def last(self, key: Hashable) -> str | None:
        """Give what was seen."""
        return self._answers.get(key)

    def close(self) -> None:
        """Do nothing."""


@dataclass(slots=True)
class _UnderWay:
    name: str
    look: _Look
    since: float
    is_warned: bool = False


@dataclass(slots=True)
class Aside:
    """Looks in threads of its own, at each thing once at a time; one that hangs keeps only its own answer back."""

    monotonic: Callable[[], float]
    slow_s: float = SLOW_S
    _answers: dict[Hashable, str | None] = field(default_factory=dict)
    _under_way: dict[Hashable, _UnderWay] = field(default_factory=dict)
    _asked: "SimpleQueue[Hashable | None]" = field(default_factory=SimpleQueue)
    _threads: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, key: Hashable, name: str, look: _Look) -> None:
        """Have it looked at, unless that goes on already; one that takes long is warned of, once."""
        with self._lock:
            known = self._under_way.get(key)
            if known is not None:
                self._warn(known)
                return
            self._under_way[key] = _UnderWay(name, look, self.monotonic())
            if self._threads < min(len(self._under_way), _MOST_THREADS):
                self._threads += 1
                threading.Thread(target=self._follow, name="looking", daemon=True).start()
        self._asked.put(key)

    def last(self, key: Hashable) -> str | None:
        """Give the last answer that came."""
        return self._answers.get(key)

    def close(self) -> None:
        """End the threads that do not hang; the others end with the process."""
        with self._lock:
            for _ in range(self._threads):
                self._asked.put(None)
            self._threads = 0

    def _warn(self, known: _UnderWay) -> None:
        if not known.is_warned and self.monotonic() - known.since > self.slow_s:
            known.is_warned = True
            _log.warning("looking at %s takes longer than %g s: what waits for it, waits", known.name, self.slow_s)

    def _follow(self) -> None:
        while (key := self._asked.get()) is not None:
            known = self._under_way[key]
            answer = _answered(known)
            with self._lock:
                self._answers[key] = answer
                del self._under_way[key]
            if known.is_warned:
                _log.info("looking at %s has ended after %.0f s", known.name, self.monotonic() - known.since)


def _answered(known: _UnderWay) -> str | None:
    try:
        return known.look()
    except Exception:  # noqa: BLE001 - a defect in one look must not end the others
        _log.exception("looking at %s failed", known.name)
        return None
