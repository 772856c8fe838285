"""Makes an endpoint of a route: reads the request, asks in a thread, encodes the answer; the loop is never blocked."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import anyio
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from headwater.app.access import Role
from headwater.web.reading import body_bytes, body_of, caller_of, path_of, query_of
from headwater.web.refusing import JSON, Refusal, refused
from headwater.web.routing import Call, Route, Services

_T = TypeVar("_T")
Endpoint = Callable[[Request], Awaitable[Response]]
_ENCODE: Final = msgspec.json.Encoder().encode


class Threads:
    """A few threads in which requests ask the state; what finds too many waiting is refused."""

    def __init__(self, services: Services) -> None:
        self._limits = services.limits
        self._limiter: anyio.CapacityLimiter | None = None  # belongs to the loop in which it is made

    async def __call__(self, work: Callable[[], _T]) -> _T:
        """Do something in a thread; Refusal with 429 if too many wait for one."""
        limiter = self._limiter = self._limiter or anyio.CapacityLimiter(self._limits.threads)
        if limiter.statistics().tasks_waiting >= self._limits.waiting:
            raise Refusal.of(429, "HW1094", "the server is busy", hint="try again in a moment", Retry_After="1")
        return await anyio.to_thread.run_sync(work, limiter=limiter)


def endpoint(route: Route, services: Services, threads: Threads) -> Endpoint:
    """Give what answers the requests of a route."""
    if route.body is None:
        return refusing(lambda request: threads(lambda: _answer(route, services, request, None)))

    async def with_body(request: Request) -> Response:
        await threads(lambda: caller_of(services.workspace, request.headers, route.needs))  # before a byte is read
        raw = await body_bytes(request, services.limits.body_bytes)
        return await threads(lambda: _answer(route, services, request, raw))

    return refusing(with_body)


def refusing(answering: Endpoint) -> Endpoint:
    """Let nothing out of an endpoint but an answer."""

    async def answered(request: Request) -> Response:
        try:
            return await answering(request)
        except Exception as problem:  # noqa: BLE001 - told as a diagnostic; a defect is logged with its trace
            return refused(problem)

    return answered


def call_of(services: Services, request: Request, needed: Role, query: type | None) -> Call[Any, None]:
    """Read all of a request but its body."""
    return Call(
        workspace=services.workspace,
        caller=caller_of(services.workspace, request.headers, needed),
        path=path_of(request.path_params),
        query=query_of(request.query_params, query),
        body=None,
    )


def encoded(value: object, status: int = 200) -> Response:
    """Give a value as an answer."""
    return Response(_ENCODE(value), status, media_type=JSON)


def _answer(route: Route, services: Services, request: Request, raw: bytes | None) -> Response:
    call: Call[Any, Any] = call_of(services, request, route.needs, route.query)
    if raw is not None and route.body is not None:
        content_type = request.headers.get("content-type", "")
        body = body_of(raw, content_type, route.body, services.limits.depth)
        call = Call(workspace=call.workspace, caller=call.caller, path=call.path, query=call.query, body=body)
    return encoded(route.answer(call), route.status)
