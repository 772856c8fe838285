"""One entry of an audit chain in words: who sent what to whom, in which form, by which rules."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count
from headwater.events.quantities import size

if TYPE_CHECKING:
    from headwater.app.telling_entries import EntryTold, RuleTold

_CERTIFIED: Final = frozenset({"exchange", "sent", "proved"})
_SECONDS: Final = len("2026-03-01T12:00:00")


def _document(found: "EntryTold") -> dict[str, object]:
    entry = found.entry
    return {
        "site": found.site,
        "sequence": entry.sequence,
        "at": entry.at or None,
        "kind": entry.kind,
        "details": dict(entry.document),
        "rules": [rule_document(each) for each in found.rules],
        "current_rules": found.is_current,
        "previous": entry.previous,
        "hash": entry.hash,
    }


def rule_document(rule: "RuleTold") -> dict[str, object]:
    """Give a rule as it stands now."""
    return {
        "name": rule.name,
        "says": rule.says or None,
        "description": rule.description or None,
        "file": rule.where.file if rule.where else None,
        "line": rule.where.line if rule.where else None,
    }


def _lines(found: "EntryTold", page: Page) -> Iterator[str]:
    entry = found.entry
    at = f", {entry.at[:_SECONDS].replace('T', ' ')}Z" if entry.at else ""
    title = f"Entry {entry.sequence} of the chain of {clean(found.site)}{at}: {clean(entry.kind)}"
    yield click.style(title, bold=True)
    is_whole = entry.kind in _CERTIFIED and isinstance(entry.document.get("columns"), list)
    yield from _certificate(found, page) if is_whole else _details(entry.document)
    yield f"  hash {entry.hash}"
    yield f"  after {entry.previous}"


def _details(said: Mapping[str, Any]) -> Iterator[str]:
    for name, value in said.items():
        if value not in (None, "", []):
            yield f"  {clean(name)} {clean(_said(value))}"


def _certificate(found: "EntryTold", page: Page) -> Iterator[str]:
    said = found.entry.document
    verb = "would send" if found.entry.kind == "proved" else "sent"
    why = f" ({clean(str(said['because']))})" if said.get("because") else ""
    node = f", for {clean(str(said['node']))} in {clean(str(said['environment']))}" if said.get("node") else ""
    to = _listed(said.get("to"))
    yield f"  {clean(str(said.get('from')))} {verb} {clean(str(said.get('exchange')))}{why} to {to}{node}"
    yield f"  in run {clean(str(said.get('run')))}"
    if "rows" in said:
        yield f"  {count(int(said['rows']), 'row')}, {size(int(said['bytes']))}"
    yield f"  it may be in {_listed(said.get('destinations'))}"
    yield from (f"  {line}" for line in table(("column", "type", "form"), _columns(said), columns=page.columns))
    yield from _decided(said.get("predicates") or ())
    yield from (line for rule in found.rules for line in rule_lines(rule))
    if not found.rules:
        yield "  by no rule: none is needed"
    now = {True: ", the rules as they are now", False: ", other rules than now", None: ""}[found.is_current]
    yield f"  under charter {clean(str(said.get('charter')))}{now}"
    keys = count(int(said.get("keys") or 0), "key")
    yield f"  fragment {clean(str(said.get('fragment')))}; {keys} had been sent to it"


def _columns(said: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(str(name), str(type_), str(form)) for name, type_, form in said["columns"]]


def _decided(predicates: Sequence[Any]) -> Iterator[str]:
    if predicates:
        yield "  which rows, decided by (? is a constant):"
        yield from (f"    {clean(str(each))}" for each in predicates)


def rule_lines(rule: "RuleTold") -> Iterator[str]:
    """Give a rule: where it stands, what it says, and why."""
    place = f" ({clean(str(rule.where))})" if rule.where else ""
    yield f"  by {click.style(clean(rule.name), bold=True)}{place}: {clean(rule.says) or 'it is gone from the files'}"
    if rule.description:
        yield f"    {click.style(clean(rule.description), dim=True)}"


def _listed(value: Any) -> str:
    return ", ".join(clean(str(each)) for each in value or ()) or "nobody"


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


ENTRY: "Final[View[EntryTold]]" = View(_document, _lines)
