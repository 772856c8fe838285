"""What goes on now, as one screen."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.runs import document as runs_document
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count, duration, moment
from headwater.events.words import PHASES

if TYPE_CHECKING:
    from headwater.app.watching import AtWork, Look

_BAR: Final = 20
_MINUTE: Final = 60
_FEW: Final = 6
"""Lines of a section that looks back or ahead."""
_COLORS: Final = {"done": "green", "cancelled": "yellow", "critical": "red", "error": "red", "warning": "yellow"}


def document(look: "Look") -> dict[str, object]:
    """Give the published shape."""
    return {
        "at": look.at,
        "running": [
            dict(runs_document([each.run])[0])
            | {
                "phase": each.phase or None,
                "done": each.done,
                "total": each.total,
                "tasks": [{"node": task.node, "attempt": task.attempt, "at": task.started_at} for task in each.tasks],
            }
            for each in look.working
        ],
        "queued": look.queued,
        "queue": [
            {"run": e.id, "environment": e.environment, "pipeline": e.pipeline or None, "because": e.because}
            | {"created_at": e.created_at, "not_before": e.not_before, "priority": e.priority}
            for e in look.queue
        ],
        "ended": runs_document(look.ended),
        "next": [
            {"environment": e.environment, "pipeline": e.pipeline, "at": e.at, "waits_for": e.waits_for or None}
            for e in look.next
        ],
        "workers": [
            {"worker": e.id, "kind": e.kind, "host": e.host, "pid": e.pid, "run": e.run or None, "seen_at": e.seen_at}
            for e in look.workers
        ],
        "sites": [{"site": site, "seen_at": at} for site, at in look.sites.items()],
        "incidents": [
            {"incident": e.id, "environment": e.environment, "rule": e.rule, "subject": e.subject}
            | {"severity": e.severity, "message": e.message, "opened_at": e.opened_at}
            for e in look.incidents
        ],
    }


def lines(look: "Look", page: Page) -> Iterator[str]:
    """Give the screen: what is wrong first, then what runs, what waits, what comes, what was, and who works."""
    yield _summary(look)
    yield from _section("Wrong", _incidents(look, page))
    yield from _section("Running", (line for each in look.working for line in _working(each, look.at)))
    yield from _section("Queue", _queue(look, page))
    yield from _section("Next", _next(look, page))
    yield from _section("Ended", _ended(look, page))
    yield from _section("Workers", _workers(look, page))
    yield from _section("Sites", _sites(look, page))


def _summary(look: "Look") -> str:
    busy = sum(bool(each.run) for each in look.workers)
    able = sum(each.kind == "worker" for each in look.workers)
    parts = [
        moment(look.at),
        f"{len(look.working)} running",
        f"{look.queued} queued",
        f"{busy} of {count(able, 'worker')} busy" if look.workers else "no server",
    ]
    wrong = count(len(look.incidents), "incident")
    parts.append(click.style(wrong, fg="red") if look.incidents else "nothing wrong")
    return f"{click.style('headwater', bold=True)}  {'  ·  '.join(parts)}"


def _section(title: str, body: Iterator[str]) -> Iterator[str]:
    found = list(body)
    if found:
        yield ""
        yield click.style(title, bold=True)
        yield from (f"  {line}" for line in found)


def _working(each: "AtWork", now: datetime) -> Iterator[str]:
    run = each.run
    name = clean(run.pipeline or run.kind)
    since = _since(run.started_at or run.ordered_at, now)
    what = clean(PHASES.get(each.phase, each.phase)) or "Starting"
    how_far = f"{_bar(each.done, each.total)} {each.done:,} of {each.total:,}" if each.total else ""
    again = click.style(f"  try {run.tries}", fg="yellow") if run.tries > 1 else ""
    yield f"{click.style(name, fg='cyan')} in {clean(run.environment)}  {clean(run.id)}  {since}{again}"
    yield f"  {what}  {how_far}".rstrip()
    for task in each.tasks[:_FEW]:
        attempt = f", attempt {task.attempt}" if task.attempt > 1 else ""
        yield f"  · {clean(task.node)}: {count(task.slots, 'slot')}, {_since(task.started_at, now)}{attempt}"
    if len(each.tasks) > _FEW:
        yield f"  … and {count(len(each.tasks) - _FEW, 'task')} more"


def _bar(done: int, total: int) -> str:
    full = min(_BAR, _BAR * done // total) if total else 0
    return click.style("█" * full, fg="green") + "░" * (_BAR - full)


def _since(at: datetime, now: datetime) -> str:
    return _whole(max(0.0, (now - at).total_seconds()))


def _whole(seconds: float) -> str:
    """Write a duration in whole seconds, so that a screen does not flicker."""
    return f"{int(seconds)} s" if seconds < _MINUTE else duration(seconds)


def _few(rows: Sequence[Sequence[str]], page: Page, most: int = _FEW) -> Iterator[str]:
    """Give the first rows as a table without a heading, within the screen's width."""
    if rows:
        width = page.columns - 2 if page.columns else None
        shown = table([""] * len(rows[0]), rows[:most], columns=width)
        next(shown)
        yield from shown
    if len(rows) > most:
        yield f"… and {len(rows) - most:,} more"


def _incidents(look: "Look", page: Page) -> Iterator[str]:
    rows = [
        (e.severity, e.rule.replace("_", " "), e.subject, e.environment, _since(e.opened_at, look.at), e.message)
        for e in look.incidents
    ]
    yield from (click.style(line, fg="red") for line in _few(rows, page))


def _queue(look: "Look", page: Page) -> Iterator[str]:
    rows = [(e.pipeline or e.kind, e.environment, e.id, _since(e.created_at, look.at), e.because) for e in look.queue]
    yield from _few(rows, page)


def _next(look: "Look", page: Page) -> Iterator[str]:
    rows = [
        (
            e.pipeline,
            e.environment,
            moment(e.at) if e.at else e.waits_for,
            f"in {_whole((e.at - look.at).total_seconds())}" if e.at else "",
        )
        for e in look.next
    ]
    yield from _few(rows, page)


def _ended(look: "Look", page: Page) -> Iterator[str]:
    rows = [
        (
            e.pipeline or e.kind,
            e.environment,
            e.id,
            e.status.replace("_", " "),
            duration(e.seconds) if e.seconds is not None else "",
            f"{_since(e.ended_at, look.at)} ago" if e.ended_at else "",
            e.message,
        )
        for e in look.ended[:_FEW]
    ]
    for line, run in zip(_few(rows, page), look.ended, strict=False):
        color = _COLORS.get(run.status, "red")
        yield line.replace(run.status.replace("_", " "), click.style(run.status.replace("_", " "), fg=color), 1)


def _workers(look: "Look", page: Page) -> Iterator[str]:
    rows = [
        (e.id, e.kind, f"pid {e.pid} on {e.host}", e.run or ("leads or waits" if e.kind == "server" else "waits"))
        for e in look.workers
    ]
    yield from _few(rows, page, most=2 * _FEW)


def _sites(look: "Look", page: Page) -> Iterator[str]:
    yield from _few([(site, f"seen {_since(at, look.at)} ago") for site, at in look.sites.items()], page)


TOP: "Final[View[Look]]" = View(document, lines)
