"""The law as values: places, grants, what an occurrence of a relation uses, and why something is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from headwater.diagnostics import Diagnostic, Where
from headwater.sql.binding import Relation

Shape = Literal["free", "raw", "token", "coarse", "aggregate"]
"""In which form rows leave. Free: no rule is needed (one jurisdiction, or public columns only)."""

UNCLASSIFIED: Final = "unclassified"
PUBLIC: Final = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Who stands under which law. No jurisdiction at all: there is one, and no rule is needed."""

    jurisdictions: Mapping[str, str]
    """Site → jurisdiction; empty: nothing declares one."""

    def same(self, one: str, other: str) -> bool:
        """Whether what moves from one site to another stays under one law."""
        return not self.jurisdictions or self.jurisdictions[one] == self.jurisdictions[other]

    def of(self, site: str) -> str:
        """Give the jurisdiction of a site; empty if nothing declares one."""
        return self.jurisdictions.get(site, "")


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """What a column carries: where it came from (``node.column``), its class there, and in which form it is by now."""

    origin: str
    class_: str
    shape: Shape = "raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A table that a rule (or the absence of borders) lets leave a site: what queries may read instead of a relation.

    ``query`` selects it from the relation, which it calls by its own name; ``$now`` and tokens' keys stay parameters.
    """

    rule: str
    """The policy's name; empty: no rule is needed."""
    relation: str
    """The source or model that it is a part of."""
    site: str
    to: frozenset[str]
    """Jurisdictions that may have it; where nothing declares one, the empty name."""
    shape: Shape
    columns: Relation
    """Names and types, as the grant gives them."""
    labels: Mapping[str, frozenset[Label]]
    """Column → its labels behind the border."""
    query: str
    predicate: str = ""
    """``where`` of its rule, as a canonical text (see ``policy.implication``); empty: all rows."""
    keys: tuple[str, ...] = ()
    """Names of the keys that it needs at the site."""
    unit: str = ""
    min_group: int = 0
    address: str = ""
    """Of everything that decides about its rows; part of the version of what reads a lossy grant."""
    where: Where | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One occurrence of a relation in a query: which columns it needs, and what is sure of the rows that it needs."""

    number: int
    """The occurrences of a query are counted from 0, in the order in which they are written."""
    relation: str
    columns: frozenset[str]
    """Those used as a value or to decide anything."""
    conjuncts: tuple[str, ...] = ()
    """Canonical texts of predicates over this occurrence alone that all rows that matter satisfy."""
    where: Where | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The grants by which an occurrence is read: site → grant, for each site that holds the relation."""

    use: Use
    grants: Mapping[str, Grant]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an occurrence may not be read somewhere: what exactly leaves, which rule stands against it, what would do."""

    use: Use
    site: str
    to: str
    diagnostic: Diagnostic
    columns: tuple[str, ...] = ()
    rule: str = ""
