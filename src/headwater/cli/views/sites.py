"""Sites: what they are, whether they answer, what they hold; and what an operator is asked to approve."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean
from headwater.events.quantities import size

if TYPE_CHECKING:
    from headwater.app.overseeing import Proposal, SiteView
    from headwater.placement.values import Held

_HEADER: Final = ("site", "jurisdiction", "runtime", "answers", "holds")
_SIGNS: Final = {"new": ("+", "green"), "changed": ("~", "yellow"), "gone": ("-", "red")}


def _document(found: "Sequence[SiteView]") -> list[dict[str, object]]:
    return [
        {
            "site": each.site.name,
            "jurisdiction": each.site.jurisdiction or None,
            "runtime": each.site.runtime or None,
            "labels": dict(each.site.labels),
            "reachable": each.is_reachable,
            "approved": each.is_approved,
            "holds": [_held_document(name, held) for name, held in each.holds.items()],
            "problem": each.problem or None,
        }
        for each in found
    ]


def _held_document(name: str, held: "Held | None") -> dict[str, object]:
    return {"source": name, "rows": (held and held.rows) or None, "bytes": (held and held.bytes) or None}


def _lines(found: "Sequence[SiteView]", page: Page) -> Iterator[str]:
    rows = [
        (each.site.name, each.site.jurisdiction or "-", each.site.runtime or "-", _answers(each), _holds(each))
        for each in found
    ]
    yield from table(_HEADER, rows, columns=page.columns)
    waiting = [each.site.name for each in found if each.is_approved is False]
    if waiting:
        yield ""
        yield f"Rules wait for approval at {', '.join(map(clean, waiting))}: `headwater sites approve {waiting[0]}`."


def _answers(each: "SiteView") -> str:
    if not each.is_remote:
        return "read by the hub" if each.site.name != "hub" else "here"
    if not each.is_reachable:
        return "away"
    return "yes" if each.is_approved else "not under these rules"


def _holds(each: "SiteView") -> str:
    return ", ".join(f"{name}{_amount(held)}" for name, held in each.holds.items()) or "-"


def _amount(held: "Held | None") -> str:
    return f" (~{held.rows:,} rows, {size(held.bytes)})" if held and held.rows else ""


def _proposal_document(found: "Proposal") -> dict[str, object]:
    return {
        "site": found.site,
        "charter": found.charter,
        "approved": found.is_approved,
        "changes": [
            {"change": each.change, "what": each.what, "name": each.name, "says": each.says or None}
            for each in found.changes
        ],
    }


def _proposal_lines(found: "Proposal", page: Page) -> Iterator[str]:
    del page
    yield f"What {click.style(clean(found.site), bold=True)} would answer under (charter {found.charter[:12]}):"
    if not found.changes:
        yield "  just what was approved last"
    for each in found.changes:
        sign, colour = _SIGNS[each.change]
        said = f": {clean(each.says)}" if each.says else ""
        yield f"  {click.style(sign, fg=colour)} {each.what} {clean(each.name)}{said}"


SITES: "Final[View[Sequence[SiteView]]]" = View(_document, _lines)
PROPOSAL: "Final[View[Proposal]]" = View(_proposal_document, _proposal_lines)
