"""What stands outside of the versioned API, as it is described: health, readiness, metrics, webhooks."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

import msgspec

from headwater.web.refusing import JSON
from headwater.web.routing import PREFIX


class HealthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The process lives."""

    alive: bool


class ReadyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether there is work being done: the state answers, and somebody leads."""

    ready: bool
    leader: str
    because: Annotated[str, msgspec.Meta(description="what is in the way")]


class ArrivedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a webhook or message."""

    accepted: bool
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """One path outside of the table, described."""

    method: Literal["GET", "POST"]
    path: str
    name: str
    summary: str
    answers: tuple[tuple[int, str], ...]
    refuses: tuple[int, ...]
    gives: Any = None
    media: str = JSON
    open: bool = False
    """It needs no token."""
    headers: tuple[dict[str, Any], ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts of its path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


def _header(name: str, pattern: str, text: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "schema": {"type": "string", "pattern": pattern},
        "description": text,
    }


OUTSIDE: Final = (
    Outside(
        method="GET",
        path="/health",
        name="health",
        summary="Whether the process lives.",
        answers=((200, "it lives"),),
        refuses=(400,),
        gives=HealthAnswer,
        open=True,
    ),
    Outside(
        method="GET",
        path="/ready",
        name="ready",
        summary="Whether the state answers and a leader is alive.",
        answers=((200, "yes"), (503, "no")),
        refuses=(400, 401, 429, 500),
        gives=ReadyAnswer,
    ),
    Outside(
        method="GET",
        path=f"{PREFIX}/openapi.json",
        name="openapi",
        summary="This description.",
        answers=((200, "OpenAPI 3.1"),),
        refuses=(400, 401, 429, 500, 503),
        gives=dict[str, Any],
    ),
    Outside(
        method="GET",
        path="/metrics",
        name="metrics",
        summary="Numbers for Prometheus.",
        answers=((200, "text in Prometheus' format"),),
        refuses=(400, 401, 429, 500, 503),
        media="text/plain",
    ),
    Outside(
        method="POST",
        path="/hooks/{environment}/{name}",
        name="webhook",
        summary="Say that something has happened; pipelines that wait for this webhook run.",
        answers=((202, "it is kept, and pipelines that wait for it run"), (200, "it came before: nothing is done")),
        refuses=(400, 401, 404, 413, 429, 500, 503),
        gives=ArrivedAnswer,
        open=True,
        headers=(
            _header(
                "Headwater-Timestamp", r"^[0-9]{1,12}$", "when it is sent: seconds since 1970, at most 5 minutes off"
            ),
            _header(
                "Headwater-Signature",
                r"^sha256=[0-9a-f]{64}$",
                "`sha256=` and, in hexadecimal, the HMAC-SHA256 by the webhook's secret of: timestamp, full stop, body",
            ),
        ),
    ),
)
