"""A rollback before and after: which code and rows go back, what lags then, and what it does not reach."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.text import clean, count, duration

if TYPE_CHECKING:
    from headwater.app.rolling_back import Rollback, RolledBack

_BEGINNING: Final = "the beginning"
_SIGN: Final = "  " + click.style("<", fg="yellow")
_MOST_NAMES: Final = 5
_FOLLOWS: Final = {"reload": "is reloaded now", "forward": "follows with the next run", "none": "keeps what it has"}


@dataclass(frozen=True, slots=True)
class Back:
    """A rollback that was done, and how many seconds the whole command took."""

    done: "RolledBack"
    seconds: float


def preview_document(planned: "Rollback") -> dict[str, object]:
    """Give what would change."""
    reverted = planned.reverted
    return {
        "environment": planned.environment,
        "to": planned.to,
        "data": planned.data,
        "nodes": [{"node": v.node, "version": v.new, "was": v.old} for v in reverted.versions],
        "slots": len(reverted.changes),
        "lagging": dict(reverted.lagging),
        "held": len(reverted.holds),
        "sinks_not_reverted": [{"sink": sink, "after_rollback": way} for sink, way in planned.sinks_not_reverted],
        "release": None,
        "diagnostics": [],
    }


def preview_lines(planned: "Rollback", page: Page) -> Iterator[str]:
    """Say what would change."""
    reverted = planned.reverted
    with_rows = ", with its rows" if planned.data else ""
    yield f"{click.style(clean(planned.environment), bold=True)} goes back to {planned.to or _BEGINNING}{with_rows}:"
    slots = Counter(change.node for change in reverted.changes)
    for version in reverted.versions:
        verb = "leaves" if version.new is None else "comes back" if version.old is None else "gets its old code"
        more = f" [{version.old} → {version.new}]" if page.verbose else ""
        yield f"{_SIGN} {clean(version.node)} {verb}{_slots(slots.pop(version.node, 0))}{more}"
    for name, number in sorted(slots.items()):
        yield f"{_SIGN} {clean(name)} gets its old rows{_slots(number)}"
    if not reverted.versions and not reverted.changes:
        yield "  nothing changes"
    yield from _consequences(planned)


def _slots(number: int) -> str:
    return f" ({count(number, 'slot')})" if number else ""


def _consequences(planned: "Rollback") -> Iterator[str]:
    lagging = planned.reverted.lagging
    if lagging and planned.data:
        held = count(len(planned.reverted.holds), "slot")
        yield f"{held} stay held until their inputs move again, or `headwater run --release-holds`."
    elif lagging:
        names = [f"{clean(name)} ({count(number, 'slot')})" for name, number in sorted(lagging.items())]
        rest = " …" if len(names) > _MOST_NAMES else ""
        yield f"Older data stands there until the next run: {', '.join(names[:_MOST_NAMES])}{rest}."
    for sink, way in planned.sinks_not_reverted:
        yield f"Sink {clean(sink)} {_FOLLOWS.get(way, way)}."


def document(back: Back) -> dict[str, object]:
    """Give what changed."""
    done = back.done
    failures = [d for failure in done.sinks.failures.values() for d in failure.diagnostics]
    said = [each.as_json() for each in (*done.diagnostics, *failures)]
    return preview_document(done.rollback) | {"release": done.release.id, "diagnostics": said}


def lines(back: Back, page: Page) -> Iterator[str]:
    """Say that it is done."""
    del page
    release = back.done.release
    name = click.style(clean(release.environment), bold=True)
    to = back.done.rollback.to or _BEGINNING
    mark = click.style("✓", fg="green")
    yield f"{mark} {name} is back at {to}, as release {release.id}, in {duration(back.seconds)}."


PREVIEW: "Final[View[Rollback]]" = View(preview_document, preview_lines)
BACK: Final[View[Back]] = View(document, lines)
