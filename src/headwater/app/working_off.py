"""Waits for a backfill; where no server works it off, this command does, alone or with processes beside it."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from headwater.app.backfilling import Standing, cancel_backfill, standing_of
from headwater.app.serving.child import Orders
from headwater.app.serving.here import worker_here
from headwater.app.serving.processes import WorkerProcesses
from headwater.app.serving.recovering import Recovery
from headwater.app.serving.working import POLL_S
from headwater.app.workspace import Workspace
from headwater.spec.backfills import Advance

_GRACE_S: Final = 5.0
"""How long chunks that were cancelled may take to end."""
Beat = Callable[[], bool]
"""Do some of the work; False if there was none to do just now."""


def await_backfill(
    workspace: Workspace, backfill_id: str, *, here: bool, tell: Callable[[Advance], None] = lambda _: None
) -> Standing:
    """Wait until all chunks of a backfill have ended, and say how; ``here``: work off the queue meanwhile.

    Interrupted while it works on it, it cancels what is left: what is done stays, and the slots are given back.
    """
    if not here:
        return _wait(workspace, backfill_id, lambda: False, tell)
    with _workers(workspace, standing_of(workspace, backfill_id).backfill.parallel) as beat:
        try:
            return _wait(workspace, backfill_id, beat, tell)
        except KeyboardInterrupt:
            cancel_backfill(workspace, backfill_id, by=workspace.user)
            raise


def _wait(workspace: Workspace, backfill_id: str, beat: Beat, tell: Callable[[Advance], None]) -> Standing:
    while True:
        standing = standing_of(workspace, backfill_id)
        tell(standing.advance)
        if standing.advance.status != "running":
            return standing
        if not beat():
            workspace.effects.sleep(POLL_S)


@contextmanager
def _workers(workspace: Workspace, count: int) -> Iterator[Beat]:
    """Give what is done between two looks: a chunk at a time in this process, or nothing but watching others."""
    recovery = Recovery(workspace)
    if count == 1:
        with worker_here(workspace) as working:

            def work() -> bool:
                recovery.look(workspace.effects.clock())
                return working.one()

            yield work
        return
    processes = _processes(workspace)
    processes.start(count)

    def watch() -> bool:
        recovery.look(workspace.effects.clock())
        processes.replace_dead()
        return False

    try:
        yield watch
    finally:
        processes.stop(_GRACE_S)


def _processes(workspace: Workspace) -> WorkerProcesses:
    from headwater import __version__

    name = f"{socket.gethostname()}.{os.getpid()}.{workspace.effects.token()[:6]}"
    orders = Orders(
        root=str(workspace.root),
        worker="",
        version=__version__,
        variables=dict(workspace.variables),
        log_level="error",
    )
    return WorkerProcesses(workspace.db, orders, name)
