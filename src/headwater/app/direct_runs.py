"""Tells whether the processes of runs by hand live: each gives signs of life, and one that has none has failed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from headwater.diagnostics import HeadwaterError
from headwater.run.context import Context
from headwater.run.leasing import TTL_S
from headwater.state.database import Database
from headwater.state.direct_runs import direct_runs, give_up, prolong_run

_BEAT_S: Final = TTL_S / 4
SILENT_S: Final = TTL_S + 1.5
"""So long after its lease has run out a run is dead for who looks only once."""


@contextmanager
def signs_of_life(context: Context) -> Iterator[None]:
    """Prolong the lease of a run that has it, from a thread, while the block runs."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(_BEAT_S):
            try:
                prolong_run(context.db, context.run_id, context.holder, context.clock(), TTL_S)
            except HeadwaterError:  # the state is busy or away; the next sign of life may get through
                continue

    heart = threading.Thread(target=beat, name="signs of life", daemon=True)
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()


def end_dead_runs(db: Database, now: datetime) -> tuple[str, ...]:
    """Note the runs by hand whose processes are dead as failed, each once; give their ids.

    For who looks only once, as a command does; a server watches for how long they are silent (``Recovery``).
    """
    dead = [each for each in direct_runs(db) if (each.until or each.started_at) + timedelta(seconds=SILENT_S) <= now]
    return tuple(each.id for each in dead if give_up(db, each, now))
