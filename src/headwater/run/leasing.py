"""Holds leases while a block runs: all of them or none, prolonged by a heartbeat."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from headwater.diagnostics import Conflict
from headwater.state.database import Database
from headwater.state.leases import acquire, lease, release_leases, renew

TTL_S = 8.0
"""How long a holder that died is waited for: recovery takes about as long. Living ones prolong theirs four times."""
_POLL_S = 0.2
_BEATS_A_TTL = 4


@contextmanager
def hold(
    db: Database,
    names: Sequence[str],
    holder: str,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    wait_s: float,
) -> Iterator[dict[str, int]]:
    """Hold leases: name → fence. Raises Conflict when somebody else keeps one of them longer than ``wait_s``."""
    fences = _take(db, names, holder, clock, sleep, wait_s)
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(TTL_S / _BEATS_A_TTL):
            renew(db, names, holder, clock(), TTL_S)

    heart = threading.Thread(target=beat, name="heartbeat", daemon=True)
    heart.start()
    try:
        yield fences
    finally:
        stop.set()
        heart.join()
        release_leases(db, names, holder)


def _take(
    db: Database,
    names: Sequence[str],
    holder: str,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    wait_s: float,
) -> dict[str, int]:
    waited = 0.0
    while names:
        granted = acquire(db, names, holder, clock(), TTL_S)
        missing = [name for name in names if name not in granted]
        if not missing:
            return granted
        release_leases(db, list(granted), holder)
        if waited >= wait_s:
            other = lease(db, missing[0])
            who = f" by {other.holder}" if other else ""
            hint = "wait for it, or raise `--wait`; a dead holder's lease ends by itself"
            raise Conflict.of("HW0521", f"`{missing[0]}` is being worked on{who}", hint=hint)
        sleep(_POLL_S)
        waited += _POLL_S
    return {}
