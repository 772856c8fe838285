"""A plan: one line per step, with what it does and a short why; and the same steps as JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.crossings import beside_document, crossing_lines
from headwater.cli.views.text import clean, count, fit, pad, slot, width

if TYPE_CHECKING:
    from headwater.graph.column_changes import ColumnChange
    from headwater.plan.values import Plan, PlannedCrossing, Step

SIGNS: Final[dict[str, tuple[str, str]]] = {
    "land": ("<", "blue"),
    "build": ("+", "green"),
    "fill": ("~", "yellow"),
    "reuse": ("=", "cyan"),
    "check": ("!", "magenta"),
    "drop": ("-", "red"),
    "move": (">", "blue"),
    "load": ("»", "blue"),
}
"""Action → its sign and colour."""
_WIDEST_NAME: Final = 44
_VERSION: Final = 8


def document(plan: "Plan") -> dict[str, object]:
    """Give the published shape."""
    return {
        "environment": plan.environment,
        "base": plan.base,
        "steps": [step_document(step) for step in plan.steps],
        "moves": [crossing_document(each) for each in plan.crossings],
        "beside": beside_document(plan.beside),
        "columns": [_column_document(change) for change in plan.columns],
        "sinks_not_reverted": list(plan.sinks_not_reverted),
        "diagnostics": [each.as_json() for each in plan.diagnostics],
    }


def crossing_document(crossing: "PlannedCrossing") -> dict[str, object]:
    """Give what one site sends for a node."""
    return {
        "from": crossing.sender,
        "to": list(crossing.to),
        "node": crossing.node,
        "exchange": crossing.exchange,
        "columns": list(crossing.columns),
        "form": crossing.form,
        "policy": list(crossing.rules),
        "because": crossing.because,
        "estimated_bytes": None if crossing.estimated_bytes is None else round(crossing.estimated_bytes),
    }


def step_document(step: "Step") -> dict[str, object]:
    """Give one step."""
    return {
        "node": step.node,
        "action": step.action,
        "because": step.because,
        "version": step.version,
        "slots": step.slots,
    }


def lines(plan: "Plan", page: Page) -> Iterator[str]:
    """Give the steps, then a line that sums them up."""
    name = click.style(clean(plan.environment), bold=True)
    if plan.is_empty:
        due = sum(each.due for each in plan.nodes.values())
        rest = f", but {count(due, 'slot')} cannot be filled (see `headwater status`)" if due else ""
        if plan.lands:
            yield f"{name}: something would be landed; what follows is known then{rest}."
        else:
            yield f"{name} is up to date: nothing to do{rest}."
        yield from step_lines(plan, plan.steps, page)
        return
    yield f"Plan for {name}:"
    yield from step_lines(plan, plan.steps, page)
    yield from column_lines(plan.columns)
    yield from crossing_lines(plan.crossings, plan.beside, page)
    yield ""
    yield f"{summary(plan.steps)}. Nothing has changed yet."
    if plan.sinks_not_reverted:
        yield f"A rollback will not take back what sinks loaded: {', '.join(map(clean, plan.sinks_not_reverted))}."


def _column_document(change: "ColumnChange") -> dict[str, object]:
    return {
        "node": change.node,
        "column": change.column,
        "change": change.kind,
        "before": change.before or None,
        "after": change.after or None,
        "breaking": change.is_breaking,
        "breaks": list(change.breaks),
    }


def column_lines(changes: "Iterable[ColumnChange]") -> Iterator[str]:
    """Give a line for each column that changes: compatible, or breaking, and who reads it."""
    from headwater.graph.column_changes import described

    for number, change in enumerate(changes):
        if not number:
            yield ""
        readers = f", read by {', '.join(map(clean, change.breaks))}" if change.breaks else ""
        called = click.style("breaking", fg="red") + readers if change.is_breaking else "compatible"
        yield f"  {clean(change.node)}: {clean(described(change))} ({called})"


def step_lines(
    plan: "Plan", steps: "Iterable[Step]", page: Page, extras: dict[str, str] | None = None
) -> Iterator[str]:
    """Give a line per step; ``extras`` holds more to say, by action and node (``build:name``)."""
    steps = list(steps)
    zones = {node.name: node.time.timezone for node in plan.graph.nodes if node.time is not None}
    bounds = [_slots(step, zones.get(step.node, "UTC")) for step in steps]
    names = min(max((width(clean(step.node)) for step in steps), default=0), _WIDEST_NAME)
    slots = max(map(len, bounds), default=0)
    for step, bound in zip(steps, bounds, strict=True):
        sign, color = SIGNS[step.action]
        shown = clean(step.node)
        head = f"  {sign} {step.action:5} {pad(shown if width(shown) > names else fit(shown, names), names)}"
        said = [step.because, (extras or {}).get(f"{step.action}:{step.node}", "")]
        more = "; ".join(clean(each) for each in said if each)
        if page.verbose and step.version:
            more += f" [{step.version}]"
        yield f"{click.style(head, fg=color)}  {bound:{slots}}  {click.style(more, dim=True)}".rstrip()


def summary(steps: "Iterable[Step]") -> str:
    """Count the steps by what they do: `2 to build, 1 to reuse; 31 slots to compute`."""
    steps = list(steps)
    kinds: Counter[str] = Counter(step.action for step in steps)
    parts = [f"{kinds[action]:,} to {action}" for action in SIGNS if kinds[action] and action != "move"]
    computed = sum(step.slots for step in steps if step.action in {"build", "fill"})
    told = ", ".join(parts) or "Only settings change"
    return told + (f"; {count(computed, 'slot')} to compute" if computed else "")


def _slots(step: "Step", timezone: str) -> str:
    if not step.slots or step.first is None:
        return count(step.slots, "slot") if step.slots else ""
    if step.first == "all":
        return "all"
    first, last = slot(step.first, timezone), slot(step.last, timezone)
    return f"{count(step.slots, 'slot')}  {first if first == last else f'{first} … {last}'}"


PLAN: "Final[View[Plan]]" = View(document, lines)
