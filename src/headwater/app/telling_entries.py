"""One entry of an audit chain, whole: with the rules that it names as they stand in the project's files now."""

from dataclasses import dataclass

from headwater.app.auditing import entry_of
from headwater.app.checking import graph_of
from headwater.app.workspace import Workspace
from headwater.diagnostics import HeadwaterError, Where
from headwater.graph.borders import PolicyNode
from headwater.policy.charter_changes import said_of
from headwater.policy.charters import charter_of, digest
from headwater.policy.rules import rule_place
from headwater.state.audit import AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTold:
    """A rule as it stands now; one that is gone has nothing but its name."""

    name: str
    says: str = ""
    """In one line."""
    description: str = ""
    where: Where | None = None

    @classmethod
    def of(cls, policy: PolicyNode) -> "RuleTold":
        """Tell a rule."""
        return cls(name=policy.name, says=said_of(policy), description=policy.description, where=rule_place(policy))


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryTold:
    """An entry, and what it names."""

    site: str
    """Whose chain it stands in."""
    entry: AuditEntry
    rules: tuple[RuleTold, ...] = ()
    is_current: bool | None = None
    """Whether the rules of then are those of now, all of them; None: it names none, or the files cannot be read."""


def tell_entry(workspace: Workspace, sequence: int, site: str) -> EntryTold:
    """Give an entry with its rules; raises Invalid (HW1285) if there is none of that number."""
    entry = entry_of(workspace, sequence, site)
    names = [str(each) for each in entry.document.get("rules") or ()]
    if "charter" not in entry.document:
        return EntryTold(site=site, entry=entry)
    try:
        graph = graph_of(workspace.root, workspace.variables)
    except HeadwaterError:
        return EntryTold(site=site, entry=entry, rules=tuple(RuleTold(name=name) for name in names))
    known = {each.name: RuleTold.of(each) for each in graph.borders.policies}
    return EntryTold(
        site=site,
        entry=entry,
        rules=tuple(known.get(name, RuleTold(name=name)) for name in names),
        is_current=digest(charter_of(graph)) == entry.document["charter"],
    )
