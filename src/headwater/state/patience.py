"""How long a run waits for its state when it is locked, full, or gone; and who is told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from headwater.diagnostics import HeadwaterError

_FIRST_S: Final = 0.1
_LONGEST_S: Final = 0.8
"""Short: whoever waits must prolong its leases at once when the state is back, before it is taken for dead."""


@dataclass(slots=True, kw_only=True, eq=False)
class Patience:
    """What to do while the state cannot be used, though it may be again soon. Threads that wait tell of it once."""

    limit_s: float = 600.0
    """For one transaction."""
    sleep: Callable[[float], None]
    paused: Callable[[HeadwaterError], None]
    """Told when the first begins to wait; must not use the state."""
    resumed: Callable[[float], None]
    """Told when nobody waits any more, and for how many seconds somebody had."""
    _waiting: set["Wait"] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, wait: "Wait", reason: HeadwaterError) -> None:
        """Note that a transaction waits."""
        with self._lock:
            is_first = not self._waiting
            self._waiting.add(wait)
        if is_first:
            self.paused(reason)

    def end(self, wait: "Wait") -> None:
        """Note that a transaction goes on, or has given up."""
        with self._lock:
            was_waiting = wait in self._waiting
            self._waiting.discard(wait)
            is_last = was_waiting and not self._waiting
        if is_last and not wait.has_given_up:
            self.resumed(wait.waited_s)


class Wait:
    """One transaction's waiting."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.waited_s = 0.0
        self.has_given_up = False
        self._next_s = _FIRST_S

    def __call__(self, reason: HeadwaterError) -> None:
        """Let some time pass; raises the reason if there was enough of it."""
        if self.waited_s >= self._patience.limit_s:
            self.has_given_up = True
            raise reason
        self._patience.begin(self, reason)
        self._patience.sleep(self._next_s)
        self.waited_s += self._next_s
        self._next_s = min(self._next_s * 2, _LONGEST_S)

    def end(self) -> None:
        """The transaction goes on."""
        self._patience.end(self)
