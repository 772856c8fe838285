"""An order to run, and what has become of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.text import clean

if TYPE_CHECKING:
    from headwater.state.requests import Request

_SAID: Final = {
    "queued": "waits in the queue",
    "running": "is under way",
    "done": "is done",
    "failed": "failed",
    "cancelled": "was cancelled",
    "set_aside": "was given up: its workers died again and again",
}


def document(request: "Request") -> dict[str, object]:
    """Give the published shape."""
    return {
        "run": request.id,
        "environment": request.environment,
        "pipeline": request.pipeline,
        "kind": request.kind,
        "because": request.because,
        "status": request.status,
        "cancelled_by": request.cancelled_by,
        "created_at": request.created_at,
        "started_at": request.started_at,
        "ended_at": request.ended_at,
        "tries": request.tries,
        "message": request.message,
    }


def lines(request: "Request", page: Page) -> Iterator[str]:
    """Say what it is and how it stands."""
    del page
    what = f"`{clean(request.pipeline)}` of {clean(request.environment)}" if request.pipeline else request.environment
    stopping = ", and is being stopped" if request.status == "running" and request.cancelled_by else ""
    mark = (
        click.style("✓", fg="green") if request.status in {"done", "queued", "running"} else click.style("✗", fg="red")
    )
    yield f"{mark} run {request.id} of {what} {_SAID[request.status]}{stopping}"
    if request.message and request.status != "done":
        yield f"  {clean(request.message)}"


@dataclass(frozen=True, slots=True)
class Paused:
    """A pipeline that was paused or resumed; ``changed`` is False if it was so already."""

    environment: str
    pipeline: str
    is_paused: bool
    changed: bool


def paused_document(found: Paused) -> dict[str, object]:
    """Give the published shape."""
    return {
        "environment": found.environment,
        "pipeline": found.pipeline,
        "paused": found.is_paused,
        "changed": found.changed,
    }


def paused_lines(found: Paused, page: Page) -> Iterator[str]:
    """Say how it is now."""
    del page
    now = "is paused" if found.is_paused else "starts by itself again"
    before = "was paused already" if found.is_paused else "was not paused"
    yield f"`{clean(found.pipeline)}` of {clean(found.environment)} {now if found.changed else before}"


PAUSED: Final[View[Paused]] = View(paused_document, paused_lines)
REQUEST: Final[View["Request"]] = View(document, lines)
