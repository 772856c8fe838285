"""What a run does while its state cannot be used: it waits, and says so."""

from collections.abc import Callable

from headwater.diagnostics import HeadwaterError, conceal
from headwater.events import Emit, StatePaused, StateResumed
from headwater.state.patience import Patience

PATIENCE_S = 600.0
"""How long a run waits for a state that is locked, full, or gone, before it fails."""


def patience_of(sleep: Callable[[float], None], emit: Emit, *, limit_s: float = PATIENCE_S) -> Patience:
    """Give the patience of whoever works: observers are told when it begins and when it ends."""

    def paused(reason: HeadwaterError) -> None:
        found = reason.diagnostics[0]
        emit(StatePaused(found.code, conceal(found.message)))

    return Patience(
        limit_s=limit_s, sleep=sleep, paused=paused, resumed=lambda seconds: emit(StateResumed(round(seconds, 3)))
    )
