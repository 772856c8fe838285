"""Performs one order that a worker has taken: the run itself, and saying how it ended, whatever happens."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from headwater.app.running import run
from headwater.app.serving.holding import Holding
from headwater.app.serving.stopping import Stop
from headwater.app.workspace import Workspace
from headwater.diagnostics import Cancelled, Conflict, HeadwaterError
from headwater.run.context import Ticket
from headwater.spec.orders import decode_order
from headwater.state.heads import read_head
from headwater.state.patience import Patience
from headwater.state.requests import Claim, Request, Status, finish, hand_back
from headwater.state.suspects import clear_suspects, suspects
from headwater.state.workers import Worker

if TYPE_CHECKING:
    from headwater.app.outcomes import Outcome

_PATIENCE: Final = timedelta(seconds=15)
"""How long an order waits that met somebody else's work."""
_MOST_TRIES: Final = 20
_log: Final = logging.getLogger("headwater")


@dataclass(frozen=True, slots=True)
class Ending:
    """How an order ended; ``queued``: it goes back, and another worker or time will do it."""

    status: Status
    message: str = ""
    wait: timedelta = timedelta()


def perform(workspace: Workspace, claim: Claim, worker: Worker, stop: Stop) -> Ending:
    """Perform an order under its lease. Whatever goes wrong, the order has an ending."""
    db, clock = workspace.db, workspace.effects.clock
    with db.patient(_patience(workspace, claim.request)):
        with Holding(db, claim, worker, clock) as holding:
            ending = _ending(workspace, claim, worker, holding, stop)
        if holding.is_lost:  # it is another worker's now, for whom what was computed here is there
            return Ending("queued", ending.message)
        _note(workspace, claim.request, ending)
    return ending


def _note(workspace: Workspace, request: Request, ending: Ending) -> None:
    db, now = workspace.db, workspace.effects.clock()
    if ending.status == "queued":
        hand_back(db, request.id, request.holder, ending.message, now + ending.wait)
    else:
        finish(db, request.id, request.holder, ending.status, ending.message, now)


def _patience(workspace: Workspace, request: Request) -> Patience:
    """Wait for the state also before and after the run itself, which has a patience that tells its observers."""
    return Patience(
        sleep=workspace.effects.sleep,
        paused=lambda reason: _log.warning("run %s waits for the state: %s", request.id, reason),
        resumed=lambda seconds: _log.info("run %s has the state again, after %.1f s", request.id, seconds),
    )


def _ending(workspace: Workspace, claim: Claim, worker: Worker, holding: Holding, stop: Stop) -> Ending:
    request = claim.request

    def why_stop() -> str | None:
        return holding.why_stop() or stop.reason

    try:
        order = decode_order(request.body)
        outcome = run(workspace, order, ticket=_ticket(workspace, claim, worker, why_stop))
    except Cancelled as stopped:
        return _stopped(stopped, why_stop(), is_cancelled=bool(request.cancelled_by) or holding.is_cancelled)
    except Conflict as met:
        again = request.tries < _MOST_TRIES
        return Ending("queued" if again else "failed", str(met), _PATIENCE)
    except HeadwaterError as problem:
        return Ending("failed", str(problem))
    except Exception as defect:
        logging.getLogger("headwater").exception("run %s", request.id)
        return Ending("failed", f"internal error: {type(defect).__name__}; the server's log says where")
    return _of_outcome(workspace, request, outcome)


def _stopped(stopped: Cancelled, reason: str | None, *, is_cancelled: bool) -> Ending:
    if reason is None:  # its own time was up
        return Ending("failed", str(stopped))
    return Ending("cancelled" if is_cancelled else "queued", reason)


def _of_outcome(workspace: Workspace, request: Request, outcome: "Outcome") -> Ending:
    done = {fill.node for receipt in outcome.settled.receipts for fill in receipt.fills}
    if done and suspects(workspace.db, request.environment):
        clear_suspects(workspace.db, request.environment, done)
    if outcome.exit_code == 0:
        return Ending("done")
    said = [each for each in outcome.diagnostics if each.severity == "error"] or list(outcome.diagnostics)
    more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
    return Ending("failed", f"{said[0].code}: {said[0].message}{more}" if said else "it did not end well")


def _ticket(workspace: Workspace, claim: Claim, worker: Worker, why_stop: Callable[[], str | None]) -> Ticket:
    request = claim.request
    return Ticket(
        run_id=request.id,
        holder=request.holder,
        fence=(request.lease, claim.fence),
        pipeline=request.pipeline,
        because=request.because or request.kind,
        worker=worker.id,
        why_stop=why_stop,
        alone=request.crashes > 0,
        set_aside=_set_aside(workspace, request.environment),
    )


def _set_aside(workspace: Workspace, environment: str) -> dict[str, str]:
    """Give node → why it is not tried. A new version of a node is another task: what the old one did is forgotten."""
    found = [each for each in suspects(workspace.db, environment) if each.set_aside_at]
    if not found:
        return {}
    versions = {name: node.version for name, node in read_head(workspace.db, environment).nodes.items()}
    return {
        each.node: f"it crashed its worker {each.crashes} times in a row, last in run {each.last_run}"
        for each in found
        if versions.get(each.node, each.version) == each.version
    }
