"""How often a process looks for cycles among its objects: a command hardly ever, a server as often as is usual."""

import gc
from typing import Final

_USUAL: Final = gc.get_threshold()
_NEW: Final = 500_000
"""New objects after which a command looks. What it makes, it keeps until it ends: looking at each object of a graph
again and again, for cycles that are not there, took a tenth of its time."""


def look_seldom() -> None:
    """Look as a command does, which ends soon."""
    gc.set_threshold(_NEW)


def look_often() -> None:
    """Look as a process does that does not end."""
    gc.set_threshold(*_USUAL)


def look_no_more() -> None:
    """Look at nothing that is there now: the process ends, and the system takes its memory back at once."""
    gc.freeze()
