"""What planning may ask of the outside, and how a plan is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from headwater.graph.values import Node
from headwater.plan.calendar import Interval
from headwater.spec.addresses import Digest, FillId
from headwater.spec.fills import Entry, Mark
from headwater.spec.releases import Entries, SlotKey

Drifted = Callable[[Node, Entries, frozenset[SlotKey], Entries], frozenset[SlotKey]]
"""Of a node with the entries that it is to have: which of some slots a drift check refuses, by those before them.

The last argument is what the node has now, which stays where a slot is refused.
"""


def none_drifted(node: Node, chosen: Entries, taken: frozenset[SlotKey], current: Entries) -> frozenset[SlotKey]:
    """Refuse nothing: the answer of who knows no measurement."""
    del node, chosen, taken, current
    return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What planning may ask of the outside, as functions."""

    sealed: Callable[[Node, Sequence[FillId]], frozenset[FillId]]
    """Which of these fills exist, whole."""
    refused: Callable[[Node, Sequence[FillId]], frozenset[FillId]]
    """Which of these existing fills a blocking check has refused."""
    drifted: Drifted = none_drifted
    """Which of a node's slots to take are unlike those before them."""
    latest: Callable[[Node, SlotKey, Digest], Entry | None]
    """The newest existing fill of a volatile node's slot on these moving inputs (promotion takes the same fill)."""
    chain: Callable[[Node], Entries]
    """The longest chain of links of this version that an environment serves (one that has none takes it as it is)."""
    read: Callable[[Node, Sequence[FillId]], Sequence[Mark]] = lambda *_: ()
    """The files that these links have read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a plan is asked for."""

    refresh: bool = False
    """A run: volatile nodes and slots within ``lookback`` are filled anew."""
    selected: frozenset[str] | None = None
    """Only these nodes are filled; the others are left as the head has them."""
    release_holds: bool = False
    within: Mapping[str, Interval] | None = None
    """Node → the stretch whose slots alone are looked at (None: all slots of all nodes)."""
    without: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)
    """Node → stretches whose slots are left as they are: somebody else has ordered them."""
    again: Mapping[str, Interval | None] = field(default_factory=dict)
    """Node → the stretch whose slots are filled anew though nothing of them has moved (None: all of the table)."""
    nonce: str = ""
    """What tells what is filled ``again`` from what was there; asked for once more with the same, nothing is due."""
    withheld: frozenset[str] = frozenset()
    """Nodes whose map a check over several fills refused in this run: they keep what the head has."""
