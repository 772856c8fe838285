"""Prints what runs say, as it comes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from headwater.cli.session import Session

if TYPE_CHECKING:
    from headwater.app.run_reading import Said


def require_one_form(session: Session, form: str) -> None:
    """Raise UsageError if two forms are asked for."""
    if session.out.json and form != "text":
        raise click.UsageError(f"--json and --format {form} ask for two forms", click.get_current_context())


def show(session: Session, every: "Iterator[Said]", form: str) -> None:
    """Print what a run says, as it comes."""
    from headwater.cli.views.encoding import encode
    from headwater.cli.views.logs import ending, event_document, event_lines, heading

    status = ""
    for said in every:
        if form == "text" and not status:
            session.out.lines([heading(said.run)])
        for event in said.events:
            lines = event_lines(event) if form == "text" else ["".join(encode(event_document(event)))]
            session.out.lines(lines)
        if form == "text" and status != said.run.status and not (status == "queued" and said.run.status == "running"):
            session.out.lines([ending(said.run)])
        status = said.run.status
