"""How good a node has been, as a small chart."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count, moment, slot_utc

if TYPE_CHECKING:
    from headwater.app.quality import Failing, NodeQuality, SlotRows
    from headwater.state.scores import ReleaseScore

_BARS: Final = "▁▂▃▄▅▆▇█"
_LEAST: Final = 10
_BESIDE: Final = 50
"""Columns of a terminal that are kept for words beside a chart."""
_GOOD: Final = 90
_FAIR: Final = 70


def document(quality: "NodeQuality") -> dict[str, object]:
    """Give the published shape."""
    return {
        "environment": quality.environment,
        "node": quality.node,
        "quality": quality.score,
        "blocked": quality.blocked,
        "releases": [_release(each) for each in quality.releases],
        "slots": [{"slot": each.slot, "rows": each.rows, "rejects": each.rejects} for each in quality.slots],
        "checks": [
            {"check": e.check, "on_fail": e.on_fail, "passed": e.passed, "failed": e.failed, "last": e.last or None}
            for e in quality.checks
        ],
        "failing": [_failing(each) for each in quality.failing],
    }


def _release(each: "ReleaseScore") -> dict[str, object]:
    score = each.score
    return {
        "release": each.release,
        "kind": each.kind,
        "at": each.at,
        "quality": score.score,
        "checks": score.checks,
        "rows": score.rows,
        "rejects": score.rejects,
        "slots": score.slots,
        "withheld": score.withheld,
    }


def _failing(each: "Failing") -> dict[str, object]:
    return {
        "check": each.check,
        "on_fail": each.on_fail,
        "slot": each.slot or None,
        "failing": each.failing,
        "detail": each.detail or None,
        "served": each.is_served,
        "rows": [_object(row) for row in each.rows],
    }


def _object(row: str) -> object:
    """A row as an object; one that was cut stays text."""
    try:
        return json.loads(row)
    except ValueError:
        return row


def lines(quality: "NodeQuality", page: Page) -> Iterator[str]:
    """Give the score, the charts, what the checks found, and what fails."""
    name = click.style(clean(quality.node), bold=True)
    yield f"{name} in {clean(quality.environment)}: quality {_score(quality.score)}"
    room = max(_LEAST, page.columns - _BESIDE) if page.columns else None
    yield from _releases(quality.releases[-room:] if room else quality.releases)
    yield from _slots(quality.slots[-room:] if room else quality.slots)
    if quality.checks:
        yield ""
        rows = [(e.check, e.on_fail, f"{e.passed:,}", f"{e.failed:,}", e.last) for e in quality.checks]
        yield from table(("check", "on fail", "passed", "failed", "last"), rows, right=(2, 3), columns=page.columns)
    if quality.blocked:
        yield ""
        yield click.style(f"{count(quality.blocked, 'slot')} withheld: what was there before is served.", fg="red")
    for each in quality.failing:
        yield from _told(each)


def _score(score: float | None) -> str:
    if score is None:
        return "unknown: nothing was checked yet"
    color = "green" if score >= _GOOD else "yellow" if score >= _FAIR else "red"
    return click.style(f"{score:g} of 100", fg=color, bold=True)


def _releases(found: "Sequence[ReleaseScore]") -> Iterator[str]:
    if found:
        scores = [each.score.score for each in found]
        yield f"score  {bars(scores, 100)}  {_since('release', len(found), found[0].at, found[-1].at)}"


def _since(noun: str, number: int, first: datetime, last: datetime) -> str:
    if number == 1:
        return f"1 {noun}, {moment(last)}"
    return f"{count(number, noun)}, {moment(first)} to {moment(last)}"


def _slots(found: "Sequence[SlotRows]") -> Iterator[str]:
    if not found:
        return
    rows = [each.rows for each in found]
    said = f"{min(rows):,} to {max(rows):,}" if len(rows) > 1 else f"{rows[0]:,}"
    until = f", {slot_utc(found[0].slot)} to {slot_utc(found[-1].slot)}" if len(found) > 1 else ""
    yield f"rows   {bars(rows, max(rows))}  {count(len(found), 'slot')}{until}: {said}"


def bars(values: "Sequence[float | None]", most: float) -> str:
    """Draw values from 0 to ``most`` as bars, one character each; what is unknown is a dot.

    >>> bars([0, 50, 100, None], 100)
    '▁▅█·'
    """
    top = len(_BARS) - 1
    return "".join("·" if each is None else _BARS[round(top * each / most) if most else 0] for each in values)


def _told(each: "Failing") -> Iterator[str]:
    mark = click.style("!", fg="yellow") if each.is_served else click.style("✗", fg="red")
    where = f" {slot_utc(each.slot)}" if each.slot and each.slot != "all" else ""
    yield f"{mark} {clean(each.check)}{where}: {clean(each.detail) or count(each.failing, 'row') + ' failing'}"
    yield from (f"    {clean(row)}" for row in each.rows)


QUALITY: "Final[View[NodeQuality]]" = View(document, lines)
