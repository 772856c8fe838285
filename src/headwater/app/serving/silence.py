"""How long holders of leases have been silent, by time that passed rather than by clocks, which differ and jump."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from headwater.run.leasing import TTL_S

SURE_S: Final = 1.5
"""How long a lease that has run out is watched: its holder, if it lives, prolongs it in that time."""
DEAD_S: Final = TTL_S + SURE_S
"""Who has not prolonged a lease for so long is dead, whatever clocks say."""

Sign = tuple[str, datetime | None]
"""A lease's holder, and until when it was prolonged; None: it was given back."""


@dataclass(slots=True)
class Silence:
    """Remembers what was seen of leases from look to look."""

    monotonic: Callable[[], float]
    _seen: dict[str, tuple[Sign, float]] = field(default_factory=dict)
    """Lease → its last sign, and since when there was no other."""

    def of(self, signs: Mapping[str, Sign]) -> dict[str, float]:
        """Give lease → for how many seconds it is seen as it is now; what is not asked for is forgotten."""
        now = self.monotonic()
        before = self._seen
        self._seen = {
            name: before[name] if name in before and before[name][0] == sign else (sign, now)
            for name, sign in signs.items()
        }
        return {name: now - since for name, (_, since) in self._seen.items()}

    def forget(self) -> None:
        """Begin to count anew: while nobody could write into the state, silence says nothing."""
        self._seen.clear()
