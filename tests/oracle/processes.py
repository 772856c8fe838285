"""Other processes on the same project: two at once, and one that is killed at an event of its own choosing."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import datetime
from itertools import count
from pathlib import Path

from headwater.app.compacting import compact_all
from headwater.diagnostics import HeadwaterError
from headwater.events import Event
from tests.harness import Project

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.oracle.processes", "headwater.app.running", "headwater.app.applying", "duckdb"])
_NUMBERS = count(1)


def start(root: Path, now: datetime, command: str, environment: str, kill_at: int | None = None):
    """Start a process that applies or runs; with ``kill_at`` it kills itself at that event."""
    tokens = f"p{next(_NUMBERS)}x"
    process = _CONTEXT.Process(target=_work, args=(root, now, command, environment, kill_at, tokens))
    process.start()
    return process


def _work(root: Path, now: datetime, command: str, environment: str, kill_at: int | None, tokens: str) -> None:
    project = _Killed(root, now=now, tokens=tokens) if kill_at is not None else Project(root, now=now, tokens=tokens)
    if isinstance(project, _Killed):
        project.left = kill_at or 0
    act: Callable[[], object] = {
        "apply": lambda: project.apply(environment, fails=None),
        "run": lambda: project.run(environment, fails=None),
        "pack": lambda: compact_all(project.workspace),
    }[command]
    try:
        act()
    except HeadwaterError:
        # Somebody else was faster, or nothing was applied yet: both are part of the history.
        return


class _Killed(Project):
    left = 0

    def _see(self, event: Event) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._see(event)


def reader(number: int, root: Path, now: datetime, failures, stop) -> None:
    """In every release, what stands on ``clean`` was made from the very ``clean`` that is served beside it."""
    project = Project(root, now=now, tokens=f"w{number}x")
    sql = (
        "SELECT (SELECT coalesce(sum(total), 0) FROM everything), (SELECT coalesce(sum(v), 0) FROM clean WHERE v > 0), "
        "(SELECT coalesce(sum(total), 0) FROM days), (SELECT coalesce(sum(v), 0) FROM clean)"
    )
    while not stop.is_set():
        [(everything, positive, days, clean)] = project.query(sql)
        if everything != positive or days != clean:
            failures.put(f"half a run: {everything} {positive} {days} {clean}")


def actor(number: int, root: Path, now: datetime, failures, stop) -> None:
    """Runs (even numbers) or applies, again and again; being too late is no failure."""
    project = Project(root, now=now, tokens=f"w{number}x")
    while not stop.is_set():
        try:
            (project.run if number % 2 else project.apply)()
        except HeadwaterError as problem:
            if not any(d.code in {"HW0521", "HW0542", "HW0545"} for d in problem.diagnostics):
                failures.put(f"{type(problem).__name__}: {problem}")
