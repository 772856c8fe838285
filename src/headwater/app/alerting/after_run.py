"""Alerts where no server runs: a plain `headwater run`, as cron starts it, looks and tells when it ends."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from headwater.app.alerting.delivering import Send, deliver_due, send_now
from headwater.app.alerting.looking import look
from headwater.app.direct_runs import end_dead_runs
from headwater.app.graphs import previous_graph
from headwater.app.workspace import Workspace
from headwater.delivery.channels import is_installed, needs_package
from headwater.diagnostics import Diagnostic, HeadwaterError, warning
from headwater.state.deliveries import waiting
from headwater.state.heads import read_head
from headwater.state.leases import lease

LEADER: Final = "serve:leader:{}"
"""The lease of who leads an environment (see ``app.serving.leading``): while it lives, that server looks and tells."""
WAIT_S: Final = 15.0
"""How long a command waits for channels at its end, at most."""


@contextmanager
def told_afterwards(
    workspace: Workspace, environment: str, say: Callable[[list[Diagnostic]], None], send: Send = send_now
) -> Iterator[None]:
    """Look and tell when the block has ended, however it has: ``say`` gets what was not delivered, as warnings."""
    try:
        yield
    except Exception:
        say(tell(workspace, environment, send))
        raise
    say(tell(workspace, environment, send))


def tell(workspace: Workspace, environment: str, send: Send = send_now) -> list[Diagnostic]:
    """Look at an environment and send what is new, unless a server does; say what was not delivered.

    Nothing of it fails the command: what could not be sent waits in the outbox for the next run, or for a server.
    """
    try:
        return _tell(workspace, environment, send)
    except HeadwaterError as problem:
        return [warning("HW1066", f"alerts could not be looked at: {problem}")]


def _tell(workspace: Workspace, environment: str, send: Send) -> list[Diagnostic]:
    db, now = workspace.db, workspace.effects.clock()
    leader = lease(db, LEADER.format(environment))
    graph = previous_graph(db, read_head(db, environment).code)
    if graph is None or (leader is not None and leader.expires_at > now):
        return []
    end_dead_runs(db, now)
    look(db, graph, environment, now, token=workspace.effects.token)
    if not graph.alerts or not waiting(db):
        return []
    if send is send_now and not is_installed():
        return [needs_package()]
    deliver_due(workspace, now, send, wait_s=WAIT_S, hurry=True)
    return [
        warning("HW1066", f"the alert `{alert}` was not delivered: {problem}")
        for alert, problem in dict.fromkeys((each.alert, each.message) for each in waiting(db) if each.message)
    ]
