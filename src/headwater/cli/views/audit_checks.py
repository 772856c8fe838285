"""Whether audit chains hold and agree; and what a checkpoint signed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.diagnostics import render
from headwater.cli.views.text import clean, count

if TYPE_CHECKING:
    from headwater.app.auditing import ChainState, Compared, Verified
    from headwater.app.checkpoints import Checkpoint
    from headwater.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What `audit verify` has found."""

    verified: "Verified"
    checkpoint: "Checkpoint | None" = None
    lost: "tuple[Diagnostic, ...]" = ()
    """Against the checkpoint: what was signed and is no longer so."""

    @property
    def wrong(self) -> "tuple[Diagnostic, ...]":
        """Everything that does not hold."""
        return (*self.verified.diagnostics, *self.lost)


def _document(found: Checked) -> dict[str, object]:
    return {
        "holds": not found.wrong,
        "chains": [
            {"site": each.site, "entries": each.entries, "broken": each.broken, "hash": each.hash or None}
            for each in found.verified.chains
        ],
        "exchanges": [
            {
                "site": each.site,
                "here": each.is_here,
                "matched": each.matched,
                "missing": list(each.missing),
                "unknown": each.unknown,
            }
            for each in found.verified.compared
        ],
        "checkpoint": _checkpoint_document(found.checkpoint) if found.checkpoint else None,
        "diagnostics": [each.as_json() for each in found.wrong],
    }


def _checkpoint_document(found: "Checkpoint") -> dict[str, object]:
    return {
        "at": found.at,
        "public_key": found.public_key,
        "chains": {site: {"entries": number, "hash": digest} for site, (number, digest) in found.chains.items()},
    }


def _lines(found: Checked, page: Page) -> Iterator[str]:
    del page
    beside = {each.site: each for each in found.verified.compared}
    for chain in found.verified.chains:
        yield f"{_sign(good=chain.broken is None)} {_chain(chain)}{_agrees(beside.pop(chain.site, None))}"
    for each in beside.values():
        yield f"{_sign(good=not each.missing)} {clean(each.site)}: {_away(each)}"
    if found.checkpoint is not None:
        said = "does not hold" if found.lost else "holds"
        yield f"{_sign(good=not found.lost)} the checkpoint of {clean(found.checkpoint.at)} {said}"
        yield f"  signed with the key {clean(found.checkpoint.public_key)}"
    yield from render(found.wrong, None)


def _chain(chain: "ChainState") -> str:
    if chain.broken is not None:
        return f"{clean(chain.site)}: changed at entry {chain.broken}"
    return f"{clean(chain.site)}: {count(chain.entries, 'entry', 'entries')}, unchanged"


def _agrees(compared: "Compared | None") -> str:
    if compared is None:
        return ""
    said = f"; {count(compared.matched, 'exchange')} as the hub has noted"
    said += f", {len(compared.missing):,} not" if compared.missing else ""
    return said + (f", {compared.unknown:,} that it has not" if compared.unknown else "")


def _away(compared: "Compared") -> str:
    return "has no chain" if compared.is_here else "its chain is not on this machine, so it was not compared"


def _sign(*, good: bool) -> str:
    return click.style("✓", fg="green") if good else click.style("✗", fg="red", bold=True)


def _signed_lines(found: "Checkpoint", page: Page) -> Iterator[str]:
    del page
    yield f"{_sign(good=True)} signed at {clean(found.at)} with the key {clean(found.public_key)}"
    for site, (number, digest) in found.chains.items():
        yield f"  {clean(site)}: {count(number, 'entry', 'entries')}, the last {digest[:16] or '-'}"


CHECKED: "Final[View[Checked]]" = View(_document, _lines)
SIGNED: "Final[View[Checkpoint]]" = View(_checkpoint_document, _signed_lines)
