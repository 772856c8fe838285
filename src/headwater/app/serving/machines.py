"""Processes of this machine that have died: what they held is free at once, not only when its leases have expired."""

import os
from functools import cache
from pathlib import Path

from headwater.state.database import Database
from headwater.state.leases import release_all
from headwater.state.workers import forget_worker, workers


@cache
def this_machine() -> str:
    """Name what this process shares process numbers with: the machine since it was started, or a container in it.

    Empty where that cannot be told: then nobody is taken for dead because of a number.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def bury_dead(db: Database) -> list[str]:
    """Give back what the dead of this machine held, and give their names."""
    here = [each for each in workers(db) if each.machine and each.machine == this_machine()]
    dead = [each.id for each in here if not _lives(each.pid)]
    for each in dead:
        release_all(db, each)
        forget_worker(db, each)
    return dead


def _lives(pid: int) -> bool:
    """Whether there is a process of that number; another one may have it by now, which is found out later then."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
