"""Incidents: what is wrong, who was told of it, and whether a channel works."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count, moment

if TYPE_CHECKING:
    from headwater.app.alerting.asking import Listed, Shown, Told, Tried
    from headwater.state.deliveries import Delivery
    from headwater.state.incidents import Incident

_HEADER: Final = ("incident", "", "rule", "subject", "env", "since", "seen", "message")
_COLOUR: Final = {"error": "red", "warning": "yellow"}


def incident_document(each: "Incident") -> dict[str, Any]:
    """Give the published shape of an incident."""
    return {
        "incident": each.id,
        "environment": each.environment,
        "rule": each.rule,
        "subject": each.subject,
        "severity": each.severity,
        "owner": each.owner,
        "message": each.message,
        "seen": each.seen,
        "opened_at": each.opened_at,
        "last_at": each.last_at,
        "closed_at": each.closed_at,
        "acked_at": each.acked_at,
        "acked_by": each.acked_by or None,
        "run": each.body.get("run") or None,
        "hint": each.body.get("hint", ""),
    }


def delivery_document(each: "Delivery") -> dict[str, Any]:
    """Give the published shape of something told."""
    return {
        "incident": each.incident,
        "alert": each.alert,
        "kind": each.kind,
        "status": each.status,
        "tries": each.tries,
        "next_at": each.next_at if each.status in {"waiting", "sending"} else None,
        "ended_at": each.ended_at,
        "message": each.message,
    }


def list_document(found: "Listed") -> dict[str, Any]:
    """Give incidents, and what was not delivered."""
    return {
        "incidents": list(map(incident_document, found.incidents)),
        "undelivered": list(map(delivery_document, found.undelivered)),
    }


def list_lines(found: "Listed", page: Page) -> Iterator[str]:
    """Give a table of incidents, and what channels did not take."""
    if not found.incidents:
        yield "Nothing is wrong."
    else:
        yield from table(_HEADER, [_row(each) for each in found.incidents], right=[6], columns=page.columns)
    together: dict[tuple[str, str, str], list[Delivery]] = {}
    for each in found.undelivered:
        together.setdefault((each.alert, each.status, each.message), []).append(each)
    for same in together.values():
        yield click.style(f"! {_undelivered(same)}", fg="yellow")


def _undelivered(same: "Sequence[Delivery]") -> str:
    """Say what one channel did not take for one reason; ``--json`` lists it piece by piece."""
    first = same[0]
    what = f"{first.kind} of {first.incident} was" if len(same) == 1 else f"{count(len(same), 'message')} were"
    tried = f"tried {count(max(each.tries for each in same), 'time')}, again at {moment(first.next_at)}"
    until = "given up" if first.status == "failed" else tried
    return f"{clean(first.alert)}: {what} not delivered ({until}): {clean(first.message)}"


def _row(each: "Incident") -> tuple[str, ...]:
    standing = "over" if each.closed_at else "acked" if each.acked_at else each.severity
    since = moment(each.opened_at)
    return each.id, standing, each.rule, each.subject, each.environment, since, f"{each.seen:,}", each.message


def show_document(found: "Shown") -> dict[str, Any]:
    """Give an incident with all that was told of it."""
    told = [{**delivery_document(each.delivery), "to": each.to} for each in found.told]
    return {**incident_document(found.incident), "deliveries": told}


def show_lines(found: "Shown", page: Page) -> Iterator[str]:
    """Give what is known of an incident, then who was told."""
    each = found.incident
    head = f"{each.rule} {clean(each.subject)} in {each.environment}"
    yield click.style(head, bold=True, fg=None if each.closed_at else _COLOUR.get(each.severity))
    yield clean(each.message)
    yield f"since {moment(each.opened_at)}" + (f", over at {moment(each.closed_at)}" if each.closed_at else "")
    yield from _facts(each)
    rows = [_told(told) for told in found.told]
    if rows:
        yield from table(("told", "alert", "to", "status", "at", ""), rows, columns=page.columns)
    else:
        yield "Nobody was told of it."


def _facts(each: "Incident") -> Iterator[str]:
    if each.seen > 1:
        yield f"seen {each.seen:,} times, last at {moment(each.last_at)}"
    if each.owner:
        yield f"owner {clean(each.owner)}"
    if each.acked_at:
        yield f"acknowledged by {clean(each.acked_by)} at {moment(each.acked_at)}"
    if not each.closed_at and each.body.get("hint"):
        yield f"what to do: {clean(str(each.body['hint']))}"


def _told(told: "Told") -> tuple[str, ...]:
    each = told.delivery
    return each.kind, each.alert, told.to, each.status, moment(each.ended_at or each.next_at), each.message


def tried_document(found: "Sequence[Tried]") -> list[dict[str, Any]]:
    """Give each channel with what came of it."""
    return [
        {"alert": each.alert, "to": each.to, "delivered": not each.problem, "message": each.problem} for each in found
    ]


def tried_lines(found: "Sequence[Tried]", page: Page) -> Iterator[str]:
    """Give a line for each channel."""
    del page
    for each in found:
        if each.problem:
            yield click.style(f"✗ {each.to}: {clean(each.problem)}", fg="red")
        else:
            yield click.style(f"✓ {each.to}: delivered", fg="green")


INCIDENTS: "Final[View[Listed]]" = View(list_document, list_lines)
INCIDENT: "Final[View[Shown]]" = View(show_document, show_lines)
TRIED: "Final[View[Sequence[Tried]]]" = View(tried_document, tried_lines)
