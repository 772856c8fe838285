"""How long a run waits for its state when it is locked, full, or gone; and who is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from headwater.diagnostics import HeadwaterError

_FIRST_S: Final = 0.1
_LONGEST_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What to do while the state cannot be used, though it may be again soon."""

    limit_s: float = 600.0
    """Together, in one transaction."""
    sleep: Callable[[float], None]
    paused: Callable[[HeadwaterError], None]
    """Told once when a transaction begins to wait; must not use the state."""
    resumed: Callable[[HeadwaterError, float], None]
    """Told when that transaction has ended: what it waited for, and for how many seconds."""


class Wait:
    """One transaction's waiting."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.reason: HeadwaterError | None = None
        self.waited_s = 0.0
        self._next_s = _FIRST_S

    def __call__(self, reason: HeadwaterError) -> None:
        """Let some time pass; raises the reason if there was enough of it."""
        if self.waited_s >= self._patience.limit_s:
            raise reason
        if self.reason is None:
            self.reason = reason
            self._patience.paused(reason)
        self._patience.sleep(self._next_s)
        self.waited_s += self._next_s
        self._next_s = min(self._next_s * 2, _LONGEST_S)
