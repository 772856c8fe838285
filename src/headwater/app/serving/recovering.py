"""Gives back runs whose workers died: to the queue, or, after too many deaths, to nobody."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from headwater.app.workspace import Workspace
from headwater.state import audit
from headwater.state.attempts import crashed
from headwater.state.requests import Request, abandoned, take_back
from headwater.state.runs import finish_run
from headwater.state.suspects import note_crashes

MOST_CRASHES: Final = 3
"""After as many deaths of workers in a row a task is not tried any more."""
MOST_RUN_CRASHES: Final = 10
"""After as many deaths of workers a run is given up, whatever they were doing."""
_LONGEST_PAUSE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """A run that was taken from a dead worker."""

    request: Request
    set_aside: tuple[str, ...] = ()
    """Nodes that are not tried any more."""
    given_up: bool = False


def recover(workspace: Workspace, now: datetime) -> list[Recovered]:
    """Take back every run that nobody holds any more. Several servers may try: each run is taken back once."""
    return [found for request in abandoned(workspace.db, now) if (found := _recover(workspace, request, now))]


def _recover(workspace: Workspace, request: Request, now: datetime) -> Recovered | None:
    db, deaths = workspace.db, request.crashes + 1
    with db.write() as connection:
        if request.cancelled_by:
            status, again = "cancelled", now
        elif deaths >= MOST_RUN_CRASHES:
            status, again = "set_aside", now
        else:
            status, again = "queued", now + timedelta(seconds=_pause_s(deaths))
        message = f"its worker {request.holder} died" + (f", the {deaths}th" if deaths > 1 else "")
        if not take_back(db, request, status, message, again):  # type: ignore[arg-type]
            return None
        tasks = crashed(db, request.id, now)
        aside = note_crashes(
            db, request.environment, [(t.node, t.version) for t in tasks], request.id, now, MOST_CRASHES
        )
        if status != "queued":
            finish_run(db, request.id, now, "cancelled" if request.cancelled_by else "failed", message)
        audit.append(connection, "run taken back", {"run": request.id, "from": request.holder, "to": status}, now)
    return Recovered(request, aside, given_up=status == "set_aside")


def _pause_s(deaths: int) -> float:
    """How long a run waits that killed its workers: not at all the first time, as most deaths are no fault of its."""
    return 0.0 if deaths <= MOST_CRASHES else min(_LONGEST_PAUSE_S, 2.0 ** (deaths - MOST_CRASHES))
