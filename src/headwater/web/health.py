"""Whether the process lives, and whether it can be worked with."""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from headwater.app.serving.leading import LEADER
from headwater.app.workspace import Workspace
from headwater.diagnostics import HeadwaterError
from headwater.state.leases import lease
from headwater.web.endpoint import Threads, encoded
from headwater.web.outside import HealthAnswer, ReadyAnswer
from headwater.web.reading import caller_of
from headwater.web.routing import Services


async def health(request: Request) -> Response:
    """Say that the process lives."""
    del request
    return encoded(HealthAnswer(alive=True))


async def ready(services: Services, threads: Threads, request: Request) -> Response:
    """Say whether the state answers and a leader is alive: 200, else 503."""
    if not services.open_metrics:
        await threads(lambda: caller_of(services.workspace, request.headers, "viewer"))
    found = await threads(lambda: _readiness(services.workspace))
    return encoded(found, 200 if found.ready else 503)


def _readiness(workspace: Workspace) -> ReadyAnswer:
    try:
        found = leader(workspace, workspace.effects.clock())
    except HeadwaterError as problem:
        return ReadyAnswer(ready=False, leader="", because=problem.diagnostics[0].message)
    return ReadyAnswer(ready=bool(found), leader=found, because="" if found else "nobody leads")


def leader(workspace: Workspace, now: datetime) -> str:
    """Name who leads now; empty: nobody."""
    held = lease(workspace.db, LEADER)
    return held.holder if held and held.expires_at > now else ""
