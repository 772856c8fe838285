"""What triggers look at: what nodes hold, which files there are, what has arrived; as texts that change with it."""

import glob
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from headwater.app.contexts import sites_of, watched_source
from headwater.app.remote_sites import RemoteSites
from headwater.app.serving.looking import AtOnce, Looks
from headwater.app.workspace import Workspace
from headwater.connect.sources import Source
from headwater.diagnostics import HeadwaterError
from headwater.graph.values import Graph, Node
from headwater.run.landing.landed import LandedSource
from headwater.spec.addresses import address
from headwater.spec.observations import Observation
from headwater.spec.releases import Head

LOOK_EVERY: Final = timedelta(seconds=5)
"""How often files and sources are listed for triggers: what comes between two looks is seen by the second."""
_MOST_GRAPHS: Final = 8
_log: Final = logging.getLogger("headwater")
_Key = tuple[str, str]
"""(code, source), as a name stands for another place in other code, or ("files", pattern)."""


@dataclass(slots=True)
class Looker:
    """Looks at the outside for triggers, and not more often than it must."""

    workspace: Workspace
    looks: Looks = field(default_factory=AtOnce)
    _asked: dict[_Key, datetime] = field(default_factory=dict)
    """When what was last asked for."""
    _sites: dict[str, RemoteSites | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def nodes(self, graph: Graph, head: Head, names: Iterable[str], now: datetime) -> dict[str, str]:
        """Give node → what changes when its rows do: what the head serves, or, of a source, what is there.

        A source that cannot be looked at now, or has not been yet, is left out.
        """
        known = {node.name: node for node in graph.nodes}
        wanted = [known[name] for name in names if name in known]
        found = {node.name: _served(graph, head, node) for node in wanted if node.source is None}
        outside = [node for node in wanted if node.source is not None]
        there = {node.name: self._there(graph, node, now) for node in outside}
        return found | {name: what for name, what in there.items() if what is not None}

    def files(self, patterns: Iterable[str], now: datetime) -> dict[str, str]:
        """Give pattern → a text that changes when a file comes that matches it, or goes, or changes.

        A pattern whose files were never listed yet is left out.
        """
        found = {each: self._listed(each, now) for each in patterns}
        return {pattern: what for pattern, what in found.items() if what is not None}

    def _there(self, graph: Graph, node: Node, now: datetime) -> str | None:
        key = graph.digest, node.name
        return self._seen(key, f"the source `{node.name}`", lambda: self._reached(graph, node, now), now)

    def _listed(self, pattern: str, now: datetime) -> str | None:
        path = self.workspace.root / pattern
        return self._seen(("files", pattern), f"the files `{pattern}`", lambda: _files(path), now)

    def _seen(self, key: _Key, name: str, look: Callable[[], str | None], now: datetime) -> str | None:
        """Give the last answer, and look anew when that is old."""
        last = self._asked.get(key)
        if last is None or not timedelta() <= now - last < LOOK_EVERY:
            self._asked[key] = now
            self.looks.begin(key, name, look)
        return self.looks.last(key)

    def _reached(self, graph: Graph, node: Node, now: datetime) -> str | None:
        """Look at a source; None if it is away: that must not keep other pipelines from running."""
        try:
            return self._source(graph, node, now)
        except (HeadwaterError, OSError) as problem:
            _log.warning("`%s`, which a pipeline waits for, cannot be looked at: %s", node.name, problem)
            return None

    def _source(self, graph: Graph, node: Node, now: datetime) -> str:
        source = watched_source(self.workspace, graph, node, self._reach(graph), "", now)
        sites = node.source.sites if node.source else ()
        return address("there", *(_there(source, node.name, site) for site in sites))

    def _reach(self, graph: Graph) -> RemoteSites | None:
        """Give the remote sites of a graph; of the last few, so that they are not told the same rules at each look."""
        with self._lock:
            if graph.digest not in self._sites:
                for old in list(self._sites)[: 1 - _MOST_GRAPHS]:
                    del self._sites[old]
                self._sites[graph.digest] = sites_of(self.workspace, graph)
            return self._sites[graph.digest]


def _there(source: Source, name: str, site: str) -> str:
    if isinstance(source, LandedSource) and source.extractor is not None:
        token = source.extractor.token(site)
        if token is not None:
            return token
    items, _ = source.observe(site)  # of a place that cannot say its state: what has been landed of it
    return Observation(name, site, tuple(items)).digest


def _served(graph: Graph, head: Head, node: Node) -> str:
    """Of a table, its roll-up; of a view, those of what it reads."""
    if node.name in head.nodes and node.kind not in {"view", "inline"}:
        return head.nodes[node.name].rollup
    above: Mapping[str, Node] = {each.name: each for each in graph.nodes}
    reads = [above[name] for name in sorted(each.node for each in node.inputs) if above[name].source is None]
    return address("served", *(_served(graph, head, each) for each in reads))


def _files(pattern: object) -> str:
    found = []
    for path in sorted(glob.glob(str(pattern), recursive=True)):  # noqa: PTH207 - a pattern may be absolute
        try:
            seen = os.stat(path)  # noqa: PTH116 - thousands of files
        except OSError:
            continue
        found.append(f"{path}|{seen.st_size}|{seen.st_mtime_ns}|{seen.st_ino}")
    return address("files", *found) if found else ""
