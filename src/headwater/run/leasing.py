"""Holds leases while a block runs: all of them or none, prolonged by a heartbeat."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from headwater.diagnostics import Conflict
from headwater.run.reclaiming import BUILD
from headwater.state.database import Database
from headwater.state.leases import acquire, lease, release_leases, renew
from headwater.tasks.values import Task

TTL_S = 7.0
"""How long a holder that died is waited for: recovery takes about as long. Living ones prolong theirs four times."""
MOST_FILLS = 2000
"""More fills than that are not held one by one, but with all others of their versions."""
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


def build_leases(tasks: Sequence[Task]) -> set[str]:
    """Name the leases on what some tasks compute: slots of time each by itself, all of a table otherwise.

    So a backfill and the daily run fill different slots of one table at the same time.
    """
    few = sum(len(task.slots) for task in tasks) <= MOST_FILLS
    names: set[str] = set()
    for task in tasks:
        whole = f"{BUILD}:{task.node.version}"
        is_apart = few and task.node.kind == "incremental"
        names |= {f"{whole}/{slot.entry.fill}" for slot in task.slots} if is_apart else {whole}
    return names


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
