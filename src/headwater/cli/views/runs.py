"""Runs, newest first: why each ran, how long it took, and what came of it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import count, duration, moment

if TYPE_CHECKING:
    from headwater.state.run_records import RunRecord

_HEADER: Final = ("run", "env", "pipeline", "status", "started", "took", "rows", "tries", "why", "worker", "message")
_NUMBERS: Final = frozenset({"rows", "took"})


def document(runs: "Sequence[RunRecord]") -> list[dict[str, object]]:
    """Give the published shape."""
    return [
        {
            "run": run.id,
            "environment": run.environment,
            "pipeline": run.pipeline or None,
            "kind": run.kind,
            "because": run.because,
            "status": run.status,
            "ordered_at": run.ordered_at,
            "fire_at": run.fire_at,
            "started_at": run.started_at,
            "ended_at": run.ended_at,
            "seconds": run.seconds,
            "rows": run.rows,
            "bytes": run.bytes,
            "retries": run.retries,
            "tries": run.tries,
            "crashes": run.crashes,
            "worker": run.worker or None,
            "by": run.author,
            "release": run.release,
            "message": run.message,
        }
        for run in runs
    ]


def lines(runs: "Sequence[RunRecord]", page: Page) -> Iterator[str]:
    """Give a table; columns in which nothing stands are left out."""
    if not runs:
        yield "No runs."
        return
    rows = [_row(run) for run in runs]
    used = [i for i in range(len(_HEADER)) if any(row[i] for row in rows)]
    right = [place for place, i in enumerate(used) if _HEADER[i] in _NUMBERS]
    body = [[row[i] for i in used] for row in rows]
    yield from table([_HEADER[i] for i in used], body, right=right, columns=page.columns)


def _row(run: "RunRecord") -> tuple[str, ...]:
    return (
        run.id,
        run.environment,
        run.pipeline,
        run.status.replace("_", " "),
        moment(run.started_at) if run.started_at else "",
        duration(run.seconds) if run.seconds is not None else "",
        count(run.rows) if run.rows else "",
        f"{run.tries} ({count(run.crashes, 'crash', 'crashes')})" if run.crashes else str(run.tries) * (run.tries > 1),
        run.because or run.kind,
        run.worker,
        run.message,
    )


RUNS: "Final[View[Sequence[RunRecord]]]" = View(document, lines)
