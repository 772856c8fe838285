"""Entries of the audit chain, newest first."""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.events.quantities import count, size

if TYPE_CHECKING:
    from headwater.state.audit import AuditEntry

_HEADER: Final = ("at", "what", "details")
_TECHNICAL: Final = frozenset({"changes", "code", "parent"})
"""Hashes that are for proofs: shown by `--verbose` only."""
_SECONDS: Final = len("2026-03-01T12:00:00")


def _document(found: "Sequence[AuditEntry]") -> list[dict[str, object]]:
    return [
        {
            "sequence": each.sequence,
            "at": each.at or None,
            "kind": each.kind,
            "details": dict(each.document),
            "hash": each.hash,
        }
        for each in found
    ]


def _lines(found: "Sequence[AuditEntry]", page: Page) -> Iterator[str]:
    if not found:
        yield "No entries yet."
        return
    hidden = frozenset() if page.verbose else _TECHNICAL
    rows = [
        (_at(each), each.kind, _crossing(each) if each.kind == "exchange" and hidden else _details(each, hidden))
        for each in found
    ]
    yield from table(_HEADER, rows, columns=page.columns)


def _at(each: "AuditEntry") -> str:
    return f"{each.at[:_SECONDS].replace('T', ' ')}Z" if each.at else "-"


def _crossing(each: "AuditEntry") -> str:
    """Who sent what to whom; `audit show` says the rest."""
    said = each.document
    rules = f", by {_said(said['rules'])}" if said.get("rules") else ""
    amount = f"{count(int(said['rows']), 'row')}, {size(int(said['bytes']))}"
    what = f"{said.get('because') or said.get('exchange')} for {said.get('node')} in {said.get('environment')}"
    return f"{said.get('from')} → {_said(said['to'])}: {what}, {amount}{rules} (entry {each.sequence})"


def _details(each: "AuditEntry", hidden: Collection[str]) -> str:
    """What is empty says nothing."""
    return ", ".join(f"{name} {_said(value)}" for name, value in each.document.items() if value and name not in hidden)


def _said(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


AUDIT: Final[View["Sequence[AuditEntry]"]] = View(_document, _lines)
