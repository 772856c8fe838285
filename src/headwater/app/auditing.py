"""The audit chains of a project, the hub's and those of sites on this machine: whether they hold, and agree."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headwater.app.runtimes import SITES, home_of
from headwater.app.site import auditing as site_auditing
from headwater.app.site.homes import Home
from headwater.app.workspace import Workspace
from headwater.diagnostics import Diagnostic, HeadwaterError, Invalid, error, suggest
from headwater.spec.addresses import HUB
from headwater.state import audit

Chain = Iterable[tuple[str, str]]
"""For each entry, oldest first: the text that its hash is the SHA-256 of, and that hash."""
_CERTIFIED: Final = ("to", "charter", "rules", "columns", "predicates", "fragment", "keys", "destinations")
"""What both the sender's entry and the hub's say of an exchange, word by word."""
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """One chain as it stands."""

    site: str
    """``hub`` is the project's own."""
    entries: int
    """How many hold, from the first on."""
    broken: int | None = None
    """Number of the first entry that does not hold."""
    hash: str = ""
    """Of the last entry that holds; empty: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the hub noted of a site's exchanges, beside what the site noted itself."""

    site: str
    matched: int = 0
    missing: tuple[int, ...] = ()
    """Entries of the hub that the site's chain does not have, or has otherwise."""
    unknown: int = 0
    """Exchanges that the site has sent and the hub has not noted: whoever asked did not come to it."""
    is_here: bool = True
    """Whether the site keeps its chain on this machine; what is elsewhere cannot be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """All that was found."""

    chains: tuple[ChainState, ...]
    compared: tuple[Compared, ...]
    diagnostics: tuple[Diagnostic, ...]
    """Empty: everything holds."""


def verify(workspace: Workspace) -> Verified:
    """Recompute every chain, and look for each exchange of the hub in the chain of the site that sent it."""
    chains = tuple(chain_states(workspace))
    compared = tuple(_compared(workspace))
    found = [each for chain in chains for each in broken(chain)] + [each for c in compared for each in _missing(c)]
    return Verified(chains=chains, compared=compared, diagnostics=tuple(found))


def chain_states(workspace: Workspace) -> Iterator[ChainState]:
    """Recompute the chains: the hub's first, then those of sites on this machine."""
    yield _state(HUB, audit.verify(workspace.db), audit.hashed_texts(workspace.db))
    for site in local_sites(workspace.root):
        home = _home(workspace.root, site)
        try:
            held = site_auditing.verify(home)
        except HeadwaterError:  # where the chain ends is not readable: nothing vouches for the last entry
            held = (0, 1)
        yield _state(site, held, site_auditing.hashed_texts(home))


def local_sites(root: Path) -> list[str]:
    """Give the sites that keep a chain of their own on this machine."""
    return sorted(path.parent.name for path in (root.absolute() / SITES).glob("*/audit.jsonl"))


def chain_of(workspace: Workspace, site: str) -> Chain:
    """Give the chain of the hub or of a site on this machine; Invalid (HW1285) if there is none."""
    if site == HUB:
        return audit.hashed_texts(workspace.db)
    known = local_sites(workspace.root)
    if site not in known:
        hint = suggest(site[:100], [HUB, *known]) or f"those that there are: {', '.join([HUB, *known])}"
        raise Invalid.of("HW1285", f"there is no audit chain of `{site}` on this machine", hint=hint)
    return site_auditing.hashed_texts(_home(workspace.root, site))


def entry_of(workspace: Workspace, sequence: int, site: str = HUB) -> audit.AuditEntry:
    """Give one entry of a chain, unverified; Invalid (HW1285) if there is none of that number."""
    for each in entries(chain_of(workspace, site)):
        if each.sequence == sequence:
            return each
    hint = "`headwater audit` lists those of the hub" if site == HUB else "`headwater audit export` writes all of them"
    raise Invalid.of("HW1285", f"the audit chain of `{site}` has no entry {sequence}", hint=hint)


def entries(chain: Chain) -> Iterator[audit.AuditEntry]:
    """Read a chain, unverified; a site's entries say what certificates say in the way of the hub's."""
    for text, digest in chain:
        sequence, at, kind, said, previous = json.loads(text)
        try:
            document = json.loads(said)
        except (ValueError, TypeError):
            document = None  # it was changed, which is said of the chain
        yield audit.AuditEntry(
            sequence, at, kind, _flat(document if isinstance(document, dict) else {}), previous, digest
        )


def export(workspace: Workspace, site: str) -> Iterator[bytes]:
    """Give a chain as JSON lines: of each entry its hash, and the text that this is the SHA-256 of."""
    for text, digest in chain_of(workspace, site):
        yield json.dumps({"hash": digest, "hashed": text}, separators=(",", ":")).encode() + b"\n"


def _state(site: str, held: tuple[int, int | None], chain: Chain) -> ChainState:
    count, broken = held
    last = next((digest for number, (_, digest) in enumerate(chain, start=1) if number == count), "")
    return ChainState(site=site, entries=count, broken=broken, hash=last)


def broken(chain: ChainState) -> Iterator[Diagnostic]:
    """Say that a chain was changed, if it was."""
    if chain.broken is not None:
        message = (
            f"the audit chain of `{chain.site}` was changed at entry {chain.broken}; the {chain.entries} before hold"
        )
        hint = "compare it with an export or a checkpoint from before: somebody has changed it, or cut it off"
        yield error("HW1280", message, hint=hint)


def _compared(workspace: Workspace) -> Iterator[Compared]:
    noted: dict[str, list[tuple[int, bytes]]] = {}
    for each in entries(audit.hashed_texts(workspace.db)):
        if each.kind == "exchange":
            noted.setdefault(str(each.document.get("from")), []).append((each.sequence, _key(each.document)))
    here = local_sites(workspace.root)
    for site in sorted({*noted, *here}):
        if site in here or home_of(workspace.root, site).exists():
            chain = site_auditing.hashed_texts(_home(workspace.root, site))
            yield _beside(site, noted.get(site, []), entries(chain))
        else:
            yield Compared(site=site, is_here=False)


def _beside(site: str, noted: list[tuple[int, bytes]], chain: Iterable[audit.AuditEntry]) -> Compared:
    sent = Counter(_key(each.document) for each in chain if each.kind == "sent")
    missing = []
    for sequence, key in noted:
        if sent[key]:
            sent[key] -= 1
        else:
            missing.append(sequence)
    matched = len(noted) - len(missing)
    return Compared(site=site, matched=matched, missing=tuple(missing), unknown=sent.total())


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """Put what a site's certificate says beside the rest of its entry, as the hub's entries have it."""
    said = document.get("certificate")
    certificate = dict(said) if isinstance(said, dict) else {}
    sender = {"from": certificate.pop("site")} if "site" in certificate else {}
    return {**{name: value for name, value in document.items() if name != "certificate"}, **certificate, **sender}


def _key(document: Mapping[str, Any]) -> bytes:
    """Give a digest that two entries share if they say the same of the same exchange."""
    said = json.dumps([document.get(name) for name in ("run", "exchange", "rows", *_CERTIFIED)], sort_keys=True)
    return hashlib.sha256(said.encode()).digest()


def _missing(compared: Compared) -> Iterator[Diagnostic]:
    if compared.missing:
        named = ", ".join(map(str, compared.missing[:_MOST_NAMED]))
        more = f" and {len(compared.missing) - _MOST_NAMED} more" if len(compared.missing) > _MOST_NAMED else ""
        message = f"`{compared.site}` has not noted what entries {named}{more} of the hub say that it sent"
        hint = "`headwater audit show` says what; the site's own chain must say the same, word by word"
        yield error("HW1281", message, hint=hint)


def _home(root: Path, site: str) -> Home:
    # Only read: opening a home would make what is missing of it.
    return Home(home_of(root, site), b"")
