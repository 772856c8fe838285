"""Backfills: what is filled in chunks, and how far that is."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count, moment

if TYPE_CHECKING:
    from headwater.app.backfilling import Standing

_HEADER: Final = ("backfill", "what", "from", "to", "chunks", "status", "ordered", "by")
_COLORS: Final = {"done": "green", "running": "cyan", "failed": "red", "cancelled": "yellow"}


def document(standing: "Standing") -> dict[str, object]:
    """Give the published shape."""
    backfill, advance = standing.backfill, standing.advance
    return {
        "backfill": backfill.id,
        "environment": backfill.environment,
        "select": list(backfill.select),
        "nodes": list(backfill.nodes),
        "from": backfill.start,
        "to": backfill.end,
        "again": backfill.again,
        "parallel": backfill.parallel,
        "slots": backfill.slots,
        "status": advance.status,
        "chunks": {
            "total": advance.total,
            "queued": advance.queued,
            "running": advance.running,
            "done": advance.done,
            "failed": advance.failed,
            "cancelled": advance.cancelled,
        },
        "runs": [{"run": each.id, "status": each.status, "because": each.because} for each in standing.requests],
        "created_at": backfill.created_at,
        "ended_at": advance.ended_at,
        "by": backfill.author,
        "diagnostics": [each.as_json() for each in standing.diagnostics],
    }


def lines(standing: "Standing", page: Page) -> Iterator[str]:
    """Say what it is and how far it is."""
    del page
    backfill, advance = standing.backfill, standing.advance
    status = click.style(advance.status, fg=_COLORS[advance.status])
    names = ", ".join(clean(name) for name in backfill.nodes)
    yield f"backfill {backfill.id} of {backfill.environment}: {status}, {_chunks(standing)}"
    yield f"  {moment(backfill.start)} to {moment(backfill.end)}, {count(backfill.slots, 'slot')} of {names}"
    if advance.status == "running":
        yield f"  `headwater backfill --resume {backfill.id}` waits for it; without a server it works it off"


def _chunks(standing: "Standing") -> str:
    advance = standing.advance
    parts = [(advance.failed, "failed"), (advance.cancelled, "cancelled"), (advance.running, "running")]
    noted = "".join(f", {number} {what}" for number, what in parts if number)
    return f"{advance.done} of {count(advance.total, 'chunk')} done{noted}"


def list_document(standings: "Sequence[Standing]") -> list[dict[str, object]]:
    """Give the published shape."""
    return [document(each) for each in standings]


def list_lines(standings: "Sequence[Standing]", page: Page) -> Iterator[str]:
    """Give a table."""
    if not standings:
        yield "No backfills."
        return
    yield from table(_HEADER, [_row(each) for each in standings], columns=page.columns)


def _row(standing: "Standing") -> tuple[str, ...]:
    backfill, advance = standing.backfill, standing.advance
    what = ", ".join(clean(name) for name in backfill.select or backfill.nodes)
    chunks = f"{advance.done}/{advance.total}" + (f", {advance.failed} failed" if advance.failed else "")
    stretch = (moment(backfill.start), moment(backfill.end))
    return (backfill.id, what, *stretch, chunks, advance.status, moment(backfill.created_at), backfill.author)


BACKFILL: "Final[View[Standing]]" = View(document, lines)
BACKFILLS: "Final[View[Sequence[Standing]]]" = View(list_document, list_lines)
