"""What a run needs of remote sites: how to talk to them, under which charter, and how its queries are taken apart."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from headwater.connect.runtimes import Sent, SiteSession
from headwater.graph.values import Node
from headwater.placement.values import Exchange, Held, Placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Something that crossed: who sent what to whom for which node, and the sender's receipt."""

    node: str
    exchange: Exchange
    sender: str
    sent: Sent


class Sites(Protocol):
    """The remote sites of one graph."""

    @property
    def charter(self) -> str:
        """Digest of the charter under which sites are asked."""
        ...

    @property
    def remote(self) -> frozenset[str]:
        """Sites that compute for themselves."""
        ...

    def session(self, site: str) -> SiteSession:
        """Give the conversation with a site; raises Retryable if it cannot be reached."""
        ...

    def placed(self, node: Node) -> Placed | None:
        """Give how a node's query is taken apart, None if it reads nothing remote; raises Refused if it may not."""
        ...

    def held(self, source: str, site: str) -> Held:
        """Give what may be told of how much a site holds of a source."""
        ...


Note = Callable[[list[Crossing]], None]
"""Keeps what crossed: certificates for the audit, bytes for people."""
