"""The API as an ASGI application: routes of the table, health, readiness, metrics, webhooks, its own description."""

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp

from headwater.web.describing import description
from headwater.web.endpoint import Endpoint, Threads, encoded, endpoint, refusing
from headwater.web.following import Following
from headwater.web.guarding import Guard
from headwater.web.health import health, ready
from headwater.web.hooks import Hooks
from headwater.web.measuring import Metrics
from headwater.web.refusing import Refusal, refused
from headwater.web.routing import PREFIX, Route, Services
from headwater.web.table import ROUTES


def make_app(services: Services) -> ASGIApp:
    """Make the application; it lives as long as the workspace in ``services`` is open."""
    threads = Threads(services)
    following, hooks, metrics = Following(services, threads), Hooks(services, threads), Metrics(services, threads)
    own = {
        "/health": ("GET", refusing(health)),
        "/ready": ("GET", refusing(lambda request: ready(services, threads, request))),
        "/metrics": ("GET", refusing(metrics.answer)),
        "/hooks/{environment}/{name}": ("POST", refusing(hooks.answer)),
        f"{PREFIX}/openapi.json": ("GET", refusing(lambda request: _described(services, threads, request))),
    }
    routes = [
        *(StarletteRoute(path, answer, methods=[method]) for path, (method, answer) in own.items()),
        *(
            StarletteRoute(each.full_path, _answering(each, services, threads, following), methods=[each.method])
            for each in ROUTES
        ),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _unknown, Exception: _failed})
    app.router.redirect_slashes = False
    return Guard(app, services.hosts)


def _answering(route: Route, services: Services, threads: Threads, following: Following) -> Endpoint:
    if route.streams:
        return refusing(lambda request: following.answer(route, request))
    return endpoint(route, services, threads)


async def _described(services: Services, threads: Threads, request: Request) -> Response:
    from headwater.web.reading import caller_of

    await threads(lambda: caller_of(services.workspace, request.headers, "viewer"))
    return encoded(description())


async def _unknown(request: Request, problem: Exception) -> Response:
    """What no route takes: an unknown path, or a method that it does not know."""
    status = problem.status_code if isinstance(problem, HTTPException) else 404
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = dict(getattr(problem, "headers", None) or {})
        return refused(
            Refusal(405, Refusal.of(405, "HW1090", f"{request.method} is not for this path").diagnostics[0], allowed)
        )
    return refused(
        Refusal.of(404, "HW1089", "there is nothing at this path", hint=f"`{PREFIX}/openapi.json` lists all paths")
    )


async def _failed(request: Request, problem: Exception) -> Response:
    del request
    return refused(problem)
