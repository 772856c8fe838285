"""Follows the log of a run as server-sent events: from where the reader was, until the run has ended."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import anyio
import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from headwater.app.workspace import Workspace
from headwater.state.run_events import RunEvent, run_events
from headwater.state.run_records import run_record
from headwater.web.answering import EndAnswer
from headwater.web.asking import LogAsked
from headwater.web.endpoint import Threads, call_of
from headwater.web.publishing import event_answer
from headwater.web.reads import known_run
from headwater.web.refusing import Refusal
from headwater.web.routing import Route, Services

_ENDED: Final = frozenset({"done", "failed", "cancelled", "set_aside"})
_PAGE: Final = 500
LOOK_S: Final = 0.5
"""Seconds between two looks at what is new."""
HEARTBEAT_S: Final = 15.0
"""After so long without an event a comment is sent, so that nobody on the way thinks the line is dead."""


@dataclass(slots=True)
class Following:
    """All logs that are followed at the moment: no more than are allowed."""

    services: Services
    threads: Threads
    count: int = field(default=0)

    async def answer(self, route: Route, request: Request) -> Response:
        """Begin to follow; Refusal as for any request, and with 429 if too many logs are followed."""
        call, run = await self.threads(lambda: _asked(self.services, route, request))
        if self.count >= self.services.limits.streams:
            raise Refusal.of(429, "HW1094", "too many logs are followed", hint="try again later", Retry_After="10")
        after = max(call.query.after, _last_event_id(request))
        return StreamingResponse(self._stream(run, after), media_type="text/event-stream")

    async def _stream(self, run: str, after: int) -> AsyncIterator[bytes]:
        self.count += 1
        try:
            async for piece in self._pieces(run, after):
                yield piece
        finally:
            self.count -= 1

    async def _pieces(self, run: str, after: int) -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        silent_s = 0.0
        while True:
            found, status = await self.threads(partial(_look, self.services.workspace, run, after))
            for event in found:
                after = event.seq
                yield _encoded(event)
            if status in _ENDED and len(found) < _PAGE:
                yield b"event: end\ndata: " + msgspec.json.encode(EndAnswer(status=status)) + b"\n\n"
                return
            if self.services.is_stopping():
                return
            silent_s = 0.0 if found else silent_s + LOOK_S
            if silent_s >= HEARTBEAT_S:
                silent_s = 0.0
                yield b": still here\n\n"
            if len(found) < _PAGE:
                await anyio.sleep(LOOK_S)


def _asked(services: Services, route: Route, request: Request) -> "tuple[Any, str]":
    call = call_of(services, request, route.needs, LogAsked)
    return call, known_run(call).id


def _look(workspace: Workspace, run: str, after: int) -> tuple[tuple[RunEvent, ...], str]:
    """Give what is new, and how the run is: asked first, so that nothing comes after the end."""
    entry = run_record(workspace.db, run)
    return run_events(workspace.db, run, after=after, limit=_PAGE), entry.status if entry else "done"


def _last_event_id(request: Request) -> int:
    text = request.headers.get("last-event-id", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0  # noqa: PLR2004 - fits the column


def _encoded(event: RunEvent) -> bytes:
    """Write an event; JSON holds no line ends, so one data line is enough."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (
        event.seq,
        b"log",
        msgspec.json.encode(event_answer(event)),
    )
