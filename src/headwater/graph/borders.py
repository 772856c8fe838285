"""Sites, policies and keys, resolved: what a graph says of places, and of what may pass between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater.spec.policies import Deny, Form, Retain


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteNode:
    """A place that holds data."""

    name: str
    jurisdiction: str = ""
    runtime: str = ""
    """What computes there; empty: the hub reads its files."""
    root: str = ""
    capacity: int = 2
    labels: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyNode:
    """A rule, with its places looked up: names of sites and jurisdictions are told apart."""

    name: str
    relation: str = ""
    """The source or model that it ships; empty: it denies or retains."""
    sites: tuple[str, ...] = ()
    """Sites at which the rows lie of which it speaks."""
    to: tuple[str, ...] = ()
    """Jurisdictions that may receive them."""
    ship: tuple[str, ...] = ()
    predicate: str = ""
    """``where``, as written."""
    form: Form | None = None
    classes: tuple[str, ...] = ()
    deny: Deny | None = None
    denied_to: tuple[str, ...] = ()
    """Of ``deny``: jurisdictions that may not have the class."""
    retain: Retain | None = None
    description: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNode:
    """A key: a reference to its secret, and the jurisdictions whose sites hold it."""

    name: str
    secret: str
    holders: tuple[str, ...] = ()
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Borders:
    """All of them, in the order of their names."""

    sites: tuple[SiteNode, ...] = ()
    policies: tuple[PolicyNode, ...] = ()
    keys: tuple[KeyNode, ...] = ()

    @property
    def jurisdictions(self) -> Mapping[str, str]:
        """Site → jurisdiction; empty if nothing declares one."""
        return {each.name: each.jurisdiction for each in self.sites if each.jurisdiction}

    @property
    def remote(self) -> frozenset[str]:
        """Sites that compute for themselves: the hub never reads their files."""
        return frozenset(each.name for each in self.sites if each.runtime)
