"""What runs said, line by line."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.text import clean, duration, moment

if TYPE_CHECKING:
    from headwater.app.run_reading import Said
    from headwater.state.run_events import RunEvent
    from headwater.state.run_records import RunRecord

_COLORS: Final = {"error": "red", "warning": "yellow", "debug": "bright_black"}
_STATES: Final = {
    "queued": ("…", "yellow"),
    "running": ("…", "cyan"),
    "done": ("✓", "green"),
    "cancelled": ("-", "yellow"),
}


def event_document(event: "RunEvent") -> dict[str, object]:
    """Give the published shape of one fact."""
    return {
        "seq": event.seq,
        "run": event.run,
        "environment": event.environment,
        "at": event.at,
        "kind": event.kind,
        "level": event.level,
        "node": event.node or None,
        "message": event.message,
        "event": json.loads(event.body),
    }


def document(said: "Said") -> dict[str, object]:
    """Give the run's state with all that it said."""
    run = said.run
    return {
        "run": run.id,
        "environment": run.environment,
        "pipeline": run.pipeline or None,
        "status": run.status,
        "events": [event_document(event) for event in said.events],
    }


def lines(said: "Said", page: Page) -> Iterator[str]:
    """Give the run's heading, its facts, and how it stands."""
    yield heading(said.run)
    for event in said.events:
        yield from event_lines(event)
    yield ending(said.run)
    del page


def heading(run: "RunRecord") -> str:
    """Say whose log follows."""
    of = f" of {clean(run.pipeline)}" if run.pipeline else ""
    why = f", because {clean(run.because)}" if run.because else ""
    name = click.style(f"Run {clean(run.id)}", bold=True)
    return f"{name}{of} in {clean(run.environment)}, {moment(run.started_at or run.ordered_at)}{why}"


def event_lines(event: "RunEvent") -> Iterator[str]:
    """Give a fact: its time, how urgent it is where that matters, and its words; further lines are indented."""
    first, *others = event.message.split("\n")
    said = f"{moment(event.at)[11:]}  {clean(first)}"
    color = _COLORS.get(event.level)
    yield click.style(said, fg=color) if color else said
    for line in others:
        text = f"{'':11}{clean(line.expandtabs())}"
        yield click.style(text, fg=color) if color else text


def ending(run: "RunRecord") -> str:
    """Say how a run stands, or how it ended."""
    sign, color = _STATES.get(run.status, ("✗", "red"))
    took = f" after {duration(run.seconds)}" if run.seconds is not None else ""
    why = f": {clean(run.message)}" if run.message else ""
    words = {"queued": "queued: waits for a worker", "running": "still running", "set_aside": "set aside"}
    return f"{click.style(sign, fg=color)} {words.get(run.status, run.status)}{took}{why}"


LOG: "Final[View[Said]]" = View(document, lines)
