"""Erasures: what one would do, what it did, and the proof of it; values are never shown."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.diagnostics import render
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count

if TYPE_CHECKING:
    from headwater.app.erasing.performing import Erasing, Proof
    from headwater.app.erasing.planning import Erasure


def plan_document(found: "Erasure") -> dict[str, object]:
    """Give the published shape."""
    return {
        "columns": list(found.columns),
        "subjects": len(found.subjects),
        "environments": list(found.environments),
        "tables": [
            {"node": each.node, "columns": list(each.columns), "fills": each.fills, "files": each.files}
            for each in found.carriers
        ],
        "set_aside": found.set_aside,
        "unreached": [{"what": each.what, "name": each.name, "do": each.do} for each in found.unreached],
        "refusals": [each.as_json() for each in found.refusals],
    }


def plan_lines(found: "Erasure", page: Page) -> Iterator[str]:
    """Give tables first, then what is out of reach, then why it cannot be."""
    subjects, environments = count(len(found.subjects), "subject"), ", ".join(map(clean, found.environments))
    yield f"Erase {subjects} of {', '.join(map(clean, found.columns))} from {environments}:"
    rows = [
        (each.node, ", ".join(each.columns) or "derived: recomputed", f"{each.fills:,}", f"{each.files:,}")
        for each in found.carriers
    ]
    yield from table(("table", "columns", "kept fills", "files with it"), rows, right=[2, 3], columns=page.columns)
    if found.set_aside:
        yield f"{count(found.set_aside, 'row')} set aside will be purged."
    yield "Out of reach:"
    for each in found.unreached:
        yield f"  {clean(each.what)} {click.style(clean(each.name), bold=True)}: {each.do}"
    yield from render(found.refusals, None)


def proof_document(found: "Proof") -> dict[str, object]:
    """Give where the values still stand."""
    places = [{"where": each.where, "count": each.count} for each in (*found.files, *found.texts)]
    return {"holds": found.holds, "is_whole": found.is_whole, "found": places}


def proof_lines(found: "Proof", page: Page) -> Iterator[str]:
    """Say whether anything was found."""
    del page
    for each in (*found.files, *found.texts):
        yield f"{click.style('✗', fg='red')} {clean(each.where)} holds the value ({count(each.count, 'time')})"
    if found.holds:
        yield f"{click.style('✓', fg='green')} No file of the lake and no text of the state holds the value."
    if not found.is_whole:
        yield "  Values that are short, or plain numbers, stand in other texts by chance: those were not searched."


def done_document(found: "Erasing") -> dict[str, object]:
    """Give what was done, and the proof."""
    return {
        "plan": plan_document(found.erasure),
        "files": found.files,
        "rows": found.rows,
        "fills": found.fills,
        "set_aside": found.set_aside,
        "releases": list(found.releases),
        "proof": proof_document(found.proof),
    }


def done_lines(found: "Erasing", page: Page) -> Iterator[str]:
    """Say what was done."""
    left_out = f"{count(found.rows, 'row')} of {count(found.files, 'file')} in place are left out from now on"
    yield f"{click.style('✓', fg='green')} {left_out}, {count(found.fills, 'fill')} were deleted."
    if found.set_aside:
        yield f"  {count(found.set_aside, 'row')} set aside were purged."
    yield from proof_lines(found.proof, page)


PLAN: "Final[View[Erasure]]" = View(plan_document, plan_lines)
PROOF: "Final[View[Proof]]" = View(proof_document, proof_lines)
DONE_VIEW: "Final[View[Erasing]]" = View(done_document, done_lines)
