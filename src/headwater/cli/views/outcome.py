"""What an apply or run did: the plan's steps with rows, bytes and seconds, and the release that came of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.crossings import crossed_documents, crossed_lines
from headwater.cli.views.plan import document as plan_document
from headwater.cli.views.plan import step_document, step_lines
from headwater.cli.views.text import clean, count, duration, size

if TYPE_CHECKING:
    from headwater.app.outcomes import Outcome
    from headwater.plan.values import Step

_MOST_LINES: Final = 40


@dataclass(frozen=True, slots=True)
class Done:
    """An outcome, and how many seconds the whole command took."""

    outcome: "Outcome"
    seconds: float


@dataclass(slots=True)
class Work:
    """What was computed for a node."""

    slots: int = 0
    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0


def work_of(outcome: "Outcome") -> dict[str, Work]:
    """Sum up what was computed, by node."""
    totals: dict[str, Work] = {}
    for receipt in outcome.settled.receipts:
        for fill in receipt.fills:
            work = totals.setdefault(fill.node, Work())
            work.slots += 1
            work.rows += fill.rows
            work.bytes += fill.bytes
            work.seconds += fill.seconds
    return totals


def document(done: Done) -> dict[str, object]:
    """Give the plan's shape with the release, and what each step computed or loaded (0 where it did neither)."""
    outcome = done.outcome
    work = work_of(outcome)
    return plan_document(outcome.plan) | {
        "steps": [step_document(step) | _measures(step, work, outcome) for step in outcome.plan.steps],
        "moves": crossed_documents(outcome.settled.crossings),
        "release": outcome.release.id if outcome.release else None,
        "diagnostics": [each.as_json() for each in outcome.diagnostics],
    }


def _measures(step: "Step", work: dict[str, Work], outcome: "Outcome") -> dict[str, object]:
    if step.action == "load":
        return {"rows": outcome.sinks.loaded.get(step.node, (0, 0))[1], "bytes": 0, "seconds": 0.0}
    found = work.get(step.node, Work()) if step.action in {"build", "fill"} else Work()
    return {"rows": found.rows, "bytes": found.bytes, "seconds": round(found.seconds, 6)}


def lines(done: Done, page: Page) -> Iterator[str]:
    """Give what was done, step by step if it is not too much, then a line that sums it up."""
    outcome = done.outcome
    if outcome.release is None:
        yield from _unmoved(outcome, page)
        return
    work = work_of(outcome)
    shown = [step for step in outcome.plan.steps if step.action != "move"]
    more = 0 if page.verbose else max(0, len(shown) - _MOST_LINES)
    yield from step_lines(outcome.plan, shown[: len(shown) - more], page, _extras(shown, work, outcome))
    if more:
        yield f"  … and {count(more, 'step')} more (`--verbose` shows all)"
    yield from crossed_lines(outcome.settled.crossings, page)
    yield _moved(outcome, work, done.seconds)


def _extras(steps: "list[Step]", work: dict[str, Work], outcome: "Outcome") -> dict[str, str]:
    said = {}
    for step in steps:
        if step.action in {"build", "fill"} and step.node in work:
            found = work[step.node]
            said[f"{step.action}:{step.node}"] = f"{count(found.rows, 'row')}, {size(found.bytes)}"
        elif step.action == "load" and step.node in outcome.sinks.loaded:
            said[f"load:{step.node}"] = count(outcome.sinks.loaded[step.node][1], "row")
        elif step.action == "load" and step.node in outcome.sinks.failures:
            said[f"load:{step.node}"] = "failed"
    return said


def _unmoved(outcome: "Outcome", page: Page) -> Iterator[str]:
    name = click.style(clean(outcome.plan.environment), bold=True)
    loads = [step for step in outcome.plan.steps if step.action == "load" and step.node in _tried(outcome)]
    yield from step_lines(outcome.plan, loads, page, _extras(loads, {}, outcome))
    if outcome.exit_code:
        yield f"{click.style('✗', fg='red')} {name} is as it was: nothing became visible."
    elif loads:
        sinks = "a sink was" if len(loads) == 1 else f"{count(len(loads), 'sink')} were"
        yield f"{click.style('✓', fg='green')} {name} is up to date: {sinks} brought up to it."
    else:
        yield f"{click.style('✓', fg='green')} {name} is up to date: nothing to do."


def _tried(outcome: "Outcome") -> set[str]:
    return {*outcome.sinks.loaded, *outcome.sinks.failures}


def _moved(outcome: "Outcome", work: dict[str, Work], seconds: float) -> str:
    release = outcome.release
    assert release is not None  # noqa: S101 - asked by the caller
    mark = click.style("✗", fg="red") if outcome.exit_code else click.style("✓", fg="green")
    name = click.style(clean(release.environment), bold=True)
    reused = sum(step.slots for step in outcome.plan.steps if step.action == "reuse")
    rows, built = sum(each.rows for each in work.values()), sum(each.slots for each in work.values())
    written = sum(each.bytes for each in work.values())
    parts = [count(len(release.nodes), "node") + " moved"]
    if built:
        parts.append(f"{count(built, 'slot')} computed ({count(rows, 'row')}, {size(written)})")
    if reused:
        parts.append(f"{count(reused, 'slot')} reused")
    speed = f", {count(round(rows / seconds), 'row')}/s" if rows and seconds > 0 else ""
    return f"{mark} {name} is at release {release.id}: {', '.join(parts)} in {duration(seconds)}{speed}."


OUTCOME: Final[View[Done]] = View(document, lines)
