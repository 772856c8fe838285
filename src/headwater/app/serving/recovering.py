"""Gives back runs whose workers died: to the queue, or, after too many deaths, to nobody."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from headwater.app.serving.machines import bury_dead
from headwater.app.serving.silence import DEAD_S, SURE_S, Silence
from headwater.app.workspace import Workspace
from headwater.state import audit
from headwater.state.attempts import crashed, has_done_since
from headwater.state.direct_runs import direct_runs, give_up
from headwater.state.requests import Request, Status, find_request, running_requests, take_back
from headwater.state.runs import finish_run
from headwater.state.suspects import note_crashes

MOST_CRASHES: Final = 3
"""After as many deaths of workers in a row a task is not tried any more."""
MOST_STALLS: Final = 10
"""After as many deaths of workers in a row, without anything done between them, a run is given up."""
_LONGEST_PAUSE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """A run that was taken from a dead worker."""

    request: Request
    set_aside: tuple[str, ...] = ()
    """Nodes that are not tried any more."""
    given_up: bool = False


@dataclass(slots=True)
class Recovery:
    """Watches who holds what, by how much time has passed rather than by the clock alone, which may jump."""

    workspace: Workspace
    _silence: Silence = field(init=False)
    _direct: Silence = field(init=False)
    """That of commands, which perform runs that nobody ordered."""

    def __post_init__(self) -> None:
        self._silence = Silence(self.workspace.effects.monotonic)
        self._direct = Silence(self.workspace.effects.monotonic)

    def look(self, now: datetime) -> list[Recovered]:
        """Take back every run that nobody holds any more. Several servers may look: each run is taken back once."""
        bury_dead(self.workspace.db)
        running = running_requests(self.workspace.db)
        silent = self._silence.of({request.id: (request.holder, until) for request, until in running})
        dead = [request for request, until in running if _is_dead(until, now, silent[request.id])]
        return [found for request in dead if (found := _recover(self.workspace, request, now))]

    def begin_anew(self) -> None:
        """Give all who hold something time for a sign of life: nobody could give one while the state was away."""
        self._silence.forget()
        self._direct.forget()

    def look_at_commands(self, now: datetime) -> list[str]:
        """Note as failed, once, runs of commands whose processes are dead; nobody ordered them: none is repeated."""
        running = direct_runs(self.workspace.db)
        silent = self._direct.of({each.id: (each.holder, each.until) for each in running})
        dead = [each for each in running if _is_dead(each.until, now, silent[each.id])]
        return [each.id for each in dead if give_up(self.workspace.db, each, now)]


def _is_dead(until: datetime | None, now: datetime, silent_s: float) -> bool:
    """A lease that was given back is nobody's; one that has run out is watched for a moment, as clocks may jump."""
    return until is None or (until <= now and silent_s >= SURE_S) or silent_s >= DEAD_S


def _recover(workspace: Workspace, seen: Request, now: datetime) -> Recovered | None:
    db = workspace.db
    with db.write() as connection:
        request = find_request(db, seen.id)  # it may have been cancelled since, or taken back by another server
        if request is None or request.holder != seen.holder:
            return None
        stalls = 1 if has_done_since(db, request.id, request.not_before) else request.stalls + 1
        status, again = _fate(request, stalls, now)
        message = f"its worker {request.holder} died" + (f", the {request.crashes + 1}th" if request.crashes else "")
        if not take_back(db, request, status, message, again, stalls):
            return None
        tasks = [(attempt.node, attempt.version) for attempt in crashed(db, request.id, now)]
        aside = note_crashes(db, request.environment, tasks, request.id, now, MOST_CRASHES)
        if status != "queued":
            finish_run(db, request.id, now, "cancelled" if request.cancelled_by else "failed", message)
        audit.append(connection, "run taken back", {"run": request.id, "from": request.holder, "to": status}, now)
    return Recovered(request, aside, given_up=status == "set_aside")


def _fate(request: Request, stalls: int, now: datetime) -> tuple[Status, datetime]:
    """Say what becomes of a run whose worker died, and when."""
    if request.cancelled_by:
        return "cancelled", now
    if stalls >= MOST_STALLS:
        return "set_aside", now
    return "queued", now + timedelta(seconds=_pause_s(stalls))


def _pause_s(deaths: int) -> float:
    """How long a run waits that killed its workers: not at all the first time, as most deaths are no fault of its."""
    return 0.0 if deaths <= MOST_CRASHES else min(_LONGEST_PAUSE_S, 2.0 ** (deaths - MOST_CRASHES))
