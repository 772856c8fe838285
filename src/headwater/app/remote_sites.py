"""The remote sites of a graph as commands and runs reach them, under its charter."""

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property

from headwater.connect.runtimes import Measure, Runtime, SiteSession
from headwater.diagnostics import Refused
from headwater.graph.values import Graph, Node
from headwater.placement.nodes import Placing
from headwater.placement.values import Held, Placed
from headwater.policy.charters import Charter, charter_of, digest, encode
from headwater.run.binding import Binder


@dataclass
class RemoteSites:
    """Fulfils ``run.sites.reaching.Sites`` for one graph."""

    graph: Graph
    runtime: Runtime
    is_estimated: bool = False
    """Sites are asked how much they hold for every query, not only where it decides about the way."""
    _known: dict[str, SiteSession] = field(default_factory=dict)
    _placed: dict[str, Placed | None] = field(default_factory=dict)
    _held: dict[tuple[str, str], Held] = field(default_factory=dict)
    _binder: Binder = field(default_factory=Binder)
    _open: ExitStack = field(default_factory=ExitStack)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @cached_property
    def rules(self) -> Charter:
        """The charter of the graph."""
        return charter_of(self.graph)

    @cached_property
    def charter(self) -> str:
        """Digest of the charter."""
        return digest(self.rules)

    @property
    def remote(self) -> frozenset[str]:
        """Sites that compute for themselves."""
        return self.graph.borders.remote

    def session(self, site: str) -> SiteSession:
        """Give the conversation with a site; Refused (HW1250) if it does not answer under this charter."""
        with self._lock:
            if site not in self._known:
                session = self._open.enter_context(self.runtime.session(site))
                if not session.offer(encode(self.rules)):
                    message = f"site `{site}` does not answer: its operator has not approved these rules"
                    hint = f"its operator looks at them and says `headwater sites approve {site}`"
                    raise Refused.of("HW1250", message, hint=hint)
                self._known[site] = session
            return self._known[site]

    def placed(self, node: Node) -> Placed | None:
        """Give how a node's query is taken apart; found once."""
        with self._lock:
            if node.name not in self._placed:
                self._placed[node.name] = self._placing.place(node.name)
            return self._placed[node.name]

    @property
    def _placing(self) -> Placing:
        return Placing(
            graph=self.graph,
            charter=self.rules,
            bind=self._binder,
            held=self.held,
            is_estimated=self.is_estimated,
        )

    def held(self, source: str, site: str) -> Held:
        """Ask a site how much it holds of a source."""
        if (source, site) not in self._held:
            found = self.session(site).measure(Measure(charter=self.charter, source=source))
            self._held[source, site] = Held(
                rows=found.rows, bytes=found.bytes, distinct=found.distinct, sizes=found.sizes
            )
        return self._held[source, site]
