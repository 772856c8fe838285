"""Rows that were set aside: counted by node and reason, or shown."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count, slot_utc

if TYPE_CHECKING:
    from headwater.app.quarantine import Reject, RejectSummary, Replayed


def document(found: "Sequence[RejectSummary]") -> list[dict[str, object]]:
    """Give the published shape."""
    return [
        {
            "node": each.node,
            "reason": each.reason,
            "count": each.count,
            "first_position": each.first_position,
            "last_position": each.last_position,
        }
        for each in found
    ]


def lines(found: "Sequence[RejectSummary]", page: Page) -> Iterator[str]:
    """Give a table."""
    if not found:
        yield "No row is set aside in what the environment serves."
        yield "Rows that a refused apply or run set aside are listed once one of them succeeds."
        return
    rows = [(each.node, each.reason, f"{each.count:,}") for each in found]
    yield from table(("node", "reason", "rows"), rows, right=[2], columns=page.columns)
    yield f"({count(sum(each.count for each in found), 'row')}; `headwater quarantine show NODE` shows them)"


def rows_document(found: "Sequence[Reject]") -> list[dict[str, object]]:
    """Give each row with where it stands and why it was set aside."""
    return [
        {
            "node": each.node,
            "reason": each.reason,
            "column": each.column,
            "message": each.message,
            "path": each.path,
            "line": each.line,
            "position": each.position,
            "slot": each.slot,
            "payload": each.payload,
        }
        for each in found
    ]


def rows_lines(found: "Sequence[Reject]", page: Page) -> Iterator[str]:
    """Give two lines a row: where and why, then the row itself."""
    del page
    if not found:
        yield "No row is set aside."
    for each in found:
        where = f"{clean(each.path)}:{each.line}" if each.line else clean(each.path) or slot_utc(each.slot)
        column = f" `{clean(each.column)}`" if each.column else ""
        why = f": {clean(each.message)}" if each.message else ""
        yield f"{click.style(where, bold=True)}  {click.style(clean(each.reason), fg='yellow')}{column}{why}"
        yield f"    {clean(each.payload)}"


def replayed_document(found: "Replayed") -> dict[str, object]:
    """Give what was found."""
    return {
        "node": found.node,
        "files": found.files,
        "rows_before": found.rows_before,
        "rows_after": found.rows_after,
        "recovered": found.recovered,
    }


def replayed_lines(found: "Replayed", page: Page) -> Iterator[str]:
    """Say what was found."""
    del page
    looked = f"{clean(found.node)}: {count(found.files, 'file')} read again"
    if found.recovered:
        yield f"{looked}, {count(found.recovered, 'row')} belong to it now; `headwater run` fills them in."
    else:
        yield f"{looked}, {count(found.rows_after, 'row')} still set aside."


SUMMARY: "Final[View[Sequence[RejectSummary]]]" = View(document, lines)
ROWS: "Final[View[Sequence[Reject]]]" = View(rows_document, rows_lines)
REPLAYED: "Final[View[Replayed]]" = View(replayed_document, replayed_lines)
