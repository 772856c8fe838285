"""How an environment is, node by node."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count, duration, moment

if TYPE_CHECKING:
    from headwater.app.status import NodeStatus, Status
    from headwater.graph.values import Deprecation
    from headwater.state.runs import LastRun

_SHORT: Final = 8
_HEADER: Final = (
    "node", "version", "slots", "filled until", "behind", "due", "blocked", "waiting", "held", "quality", "last run",
)  # fmt: skip
_ALWAYS: Final = 3
"""So many columns are shown even if they say nothing."""


def document(status: "Status") -> dict[str, object]:
    """Give the published shape."""
    return {
        "environment": status.environment,
        "release": status.release,
        "released_at": status.released_at,
        "nodes": [_node(each) for each in status.nodes],
        "deprecated": [
            {
                "node": each.node,
                "on": f"{each.on:%Y-%m-%d}",
                "instead": each.instead or None,
                "readers": [reader.name for reader in each.readers],
                "consumers": list(each.consumers),
            }
            for each in status.deprecations
        ],
    }


def _node(each: "NodeStatus") -> dict[str, object]:
    run = each.last_run
    return {
        "node": each.node,
        "kind": each.kind,
        "version": each.version,
        "slots": each.slots,
        "filled_until": each.filled_until,
        "due": each.due,
        "blocked": each.blocked,
        "waiting": each.waiting,
        "held": each.held,
        "behind_s": each.behind_s,
        "quality": each.quality,
        "last_run": _run(run) if run else None,
    }


def _run(run: "LastRun") -> dict[str, object]:
    return {
        "run": run.run,
        "at": run.at,
        "status": run.status,
        "rows": run.rows,
        "seconds": run.seconds,
        "message": run.message,
    }


def lines(status: "Status", page: Page) -> Iterator[str]:
    """Give a table of the nodes, and what needs attention."""
    name = click.style(clean(status.environment), bold=True)
    if status.release is None:
        yield f"{name} has no release yet: `headwater apply --env {clean(status.environment)}` makes the first one."
        return
    yield f"{name} is at release {status.release}, made {moment(status.released_at)}."
    rows = [_row(each, page) for each in status.nodes]
    used = [i for i in range(len(_HEADER)) if i < _ALWAYS or any(row[i] not in {"", "-"} for row in rows)]
    shown = [[row[i] for i in used] for row in rows]
    right = [at for at, i in enumerate(used) if _HEADER[i] in {"slots", "due", "blocked", "waiting", "held"}]
    yield from table([_HEADER[i] for i in used], shown, right=right, columns=page.columns)
    yield from _attention(status)


def _row(each: "NodeStatus", page: Page) -> tuple[str, ...]:
    run = each.last_run
    return (
        each.node,
        each.version if page.verbose else each.version[:_SHORT],
        f"{each.slots:,}",
        moment(each.filled_until),
        "-" if each.behind_s is None else duration(each.behind_s) if each.behind_s else "no",
        "-" if each.due is None else f"{each.due:,}",
        *(f"{number:,}" if number else "-" for number in (each.blocked, each.waiting, each.held)),
        "-" if each.quality is None else f"{each.quality:g}",
        f"{run.status} {moment(run.at)}" if run else "-",
    )


def _attention(status: "Status") -> Iterator[str]:
    blocked = sum(each.blocked for each in status.nodes)
    held = sum(each.held for each in status.nodes)
    if blocked:
        yield click.style(f"{count(blocked, 'slot')} refused by a check: what was there before is served.", fg="red")
    if held:
        yield f"{count(held, 'slot')} held since a rollback: `headwater run --release-holds` fills them."
    for each in status.nodes:
        if each.last_run and each.last_run.message:
            yield f"{click.style('✗', fg='red')} {clean(each.node)}: {clean(each.last_run.message)}"
    yield from map(_deprecated, status.deprecations)
    if not status.is_observed:
        yield click.style("`--observe` looks at the sources and says what is due.", dim=True)


def _deprecated(each: "Deprecation") -> str:
    models = (clean(reader.name) for reader in each.readers)
    readers = [*models, *(f"consumer {clean(name)}" for name in each.consumers)]
    instead = f" (read {clean(each.instead)})" if each.instead else ""
    by = f"read by {', '.join(readers)}" if readers else "nobody in this project reads it"
    return f"{clean(each.node)} is deprecated from {each.on:%Y-%m-%d}{instead}: {by}."


STATUS: "Final[View[Status]]" = View(document, lines)
