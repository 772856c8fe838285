"""What a scan proposes: lines as they are and as they would be, and why; never a value."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.text import clean, count

if TYPE_CHECKING:
    from headwater.app.scanning.scanning import Proposal, Scan


def _document(found: "Scan") -> dict[str, object]:
    return {
        "proposals": [_entry(each) for each in found.proposals],
        "columns": found.looked_at,
        "diagnostics": [each.as_json() for each in found.diagnostics],
    }


def _entry(each: "Proposal") -> dict[str, object]:
    return {
        "node": each.node,
        "column": each.column,
        "class": each.seen.class_,
        "confidence": each.seen.confidence,
        "reasons": list(each.seen.reasons),
        "file": each.where.file,
        "line": each.where.line,
        "before": list(each.before),
        "after": list(each.after),
    }


def _lines(found: "Scan", page: Page) -> Iterator[str]:
    del page
    without = count(found.looked_at, "column")
    if not found.proposals:
        yield f"{click.style('✓', fg='green')} No class to propose: {without} without one were looked at."
        return
    for each in found.proposals:
        yield from _proposal(each)
    yield f"{count(len(found.proposals), 'class', 'classes')} proposed; {without} had none."


def _proposal(each: "Proposal") -> Iterator[str]:
    reasons = "; ".join(each.seen.reasons)
    place = f"{each.where.file}:{each.where.line}" if each.where.file else ""
    what = f"{clean(each.node)}.{clean(each.column)}: {each.seen.class_}, {each.seen.confidence:.2f}"
    yield f"{clean(place)}  {what}: {reasons}"
    if not each.is_written:
        yield "  to be pasted where its columns are declared:"
        yield click.style(f"  + {clean(each.column)}: {{class: {each.seen.class_}}}", fg="green")
    yield from (click.style(f"  - {clean(line.strip())}", fg="red") for line in each.before)
    yield from (click.style(f"  + {clean(line.strip())}", fg="green") for line in each.after)
    yield ""


SCAN: Final = View(_document, _lines)
