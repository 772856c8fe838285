"""How a column gets somewhere and why it may: what lies behind it, what carries it, by which rules."""

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.audit_entry import rule_document, rule_lines
from headwater.cli.views.diagnostics import render
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count
from headwater.events.quantities import size

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.app.explaining import Explained, Way
    from headwater.state.audit import AuditEntry

_SECONDS: Final = len("2026-03-01T12:00:00")
_USES: Final = {"value": "its values", "control": "decides only"}


def document(found: "Explained") -> dict[str, object]:
    """Give everything."""
    return {
        "flow": found.flow,
        "at": found.at,
        "legal": not found.refused,
        "behind": [
            {
                "source": each.source,
                "column": each.column,
                "class": each.class_,
                "role": each.role,
                "sites": list(each.sites),
            }
            for each in found.behind
        ],
        "ways": [_way_document(each) for each in found.ways],
        "diagnostics": [each.as_json() for each in found.refused],
    }


def _way_document(way: "Way") -> dict[str, object]:
    return {
        "node": way.node or None,
        "exchange": way.exchange,
        "because": way.because,
        "from": way.sender,
        "to": list(way.to),
        "source": way.source,
        "columns": [{"column": name, "form": form, "role": role} for name, form, role in way.columns],
        "rule": rule_document(way.rule) if way.rule else None,
        "last": _entry_document(way.last) if way.last else None,
    }


def _entry_document(entry: "AuditEntry") -> dict[str, object]:
    said = entry.document
    told = {name: said.get(name) for name in ("environment", "run", "rows", "bytes")}
    return {"sequence": entry.sequence, "at": entry.at, **told}


def explained_view(project: "Path") -> "View[Explained]":
    """Give the view of an explanation; places are shown from the files of the project."""

    def lines(found: "Explained", page: Page) -> Iterator[str]:
        yield from _behind(found, page)
        ordered = sorted(found.ways, key=_kind)
        for _, alike in groupby(ordered, key=_kind):
            yield from _together(list(alike))
        if not found.ways and not found.refused:
            yield "Nothing of it crosses from a site to another."
        yield from render(found.refused, project)

    return View(document, lines)


def _behind(found: "Explained", page: Page) -> Iterator[str]:
    title = click.style("the query" if len(found.flow.split()) > 1 else clean(found.flow), bold=True)
    yield f"Behind {title}, at {clean(found.at)}:"
    rows = [
        (f"{each.source}.{each.column}", each.class_, _USES[each.role], ", ".join(each.sites)) for each in found.behind
    ]
    if rows:
        yield from (f"  {line}" for line in table(("column", "class", "use", "lies at"), rows, columns=page.columns))
    else:
        yield "  no column of a source"


def _kind(way: "Way") -> tuple[str, ...]:
    """What ways share that differ only in who sends."""
    rule = way.rule.name if way.rule else ""
    return (way.node, way.exchange, way.source, rule, ",".join(way.to), str(way.columns), way.because)


def _together(ways: "list[Way]") -> Iterator[str]:
    way = ways[0]
    yield ""
    senders = ", ".join(clean(each.sender) for each in ways)
    node = f" for {click.style(clean(way.node), bold=True)}" if way.node else ""
    what = f"{clean(way.because)} of {clean(way.source)} ({way.exchange})"
    yield f"{senders} → {', '.join(map(clean, way.to))}{node}: {what}"
    for role, said in (("value", "carries"), ("control", "decides by")):
        names = [f"{clean(name)} ({form})" for name, form, its in way.columns if its == role]
        if names:
            yield f"  {said} {', '.join(names)}"
    yield from rule_lines(way.rule) if way.rule else ["  by no rule: none is needed"]
    yield from (_last(each) for each in ways if each.last is not None)


def _last(way: "Way") -> str:
    assert way.last is not None  # noqa: S101 - the caller has looked
    said = way.last.document
    at = f"{way.last.at[:_SECONDS].replace('T', ' ')}Z in {clean(str(said.get('environment')))}"
    amount = f"{count(int(said.get('rows', 0)), 'row')}, {size(int(said.get('bytes', 0)))}"
    return f"  last from {clean(way.sender)}: {at}, {amount} (entry {way.last.sequence} of the audit)"
