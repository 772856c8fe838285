"""Performs orders in this process, where no server does: one command is the worker for as long as it takes."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from headwater.app.serving.allowing import Limits
from headwater.app.serving.machines import this_machine
from headwater.app.serving.recovering import Recovery
from headwater.app.serving.stopping import Stop
from headwater.app.serving.versions import ALIVE
from headwater.app.serving.working import POLL_S, Working
from headwater.app.workspace import Workspace
from headwater.state.requests import Request, ask_to_cancel, find_request
from headwater.state.workers import Worker, forget_worker, workers


def is_served(workspace: Workspace) -> bool:
    """Whether workers of a server take orders from this state."""
    seen = workers(workspace.db, workspace.effects.clock() - ALIVE)
    return any(each.kind == "worker" for each in seen)


def await_request(workspace: Workspace, request_id: str, *, here: bool) -> Request:
    """Wait until an order has ended, and give it; ``here``: work off the queue meanwhile.

    Interrupted while it works on the order itself, it cancels it.
    """
    recovery = Recovery(workspace)
    with worker_here(workspace) as working:
        while True:
            found = find_request(workspace.db, request_id)
            assert found is not None  # noqa: S101 - requests are never deleted while they are open
            if found.has_ended:
                return found
            if here:
                recovery.look(workspace.effects.clock())
            try:
                if not here or not working.one():
                    workspace.effects.sleep(POLL_S)
            except KeyboardInterrupt:
                if here:
                    ask_to_cancel(workspace.db, request_id, workspace.user, workspace.effects.clock())
                raise


@contextmanager
def worker_here(workspace: Workspace) -> Iterator[Working]:
    """Be a worker in this process, known to the others."""
    from headwater import __version__

    now, host = workspace.effects.clock(), socket.gethostname()
    name = f"{host}.{os.getpid()}.{workspace.effects.token()[:6]}"
    me = Worker(
        id=name, kind="command", host=host, pid=os.getpid(), version=__version__, started_at=now, seen_at=now,
        machine=this_machine(),
    )  # fmt: skip
    try:
        yield Working(workspace, me, Stop(), Limits(workspace.db))
    finally:
        forget_worker(workspace.db, name)
