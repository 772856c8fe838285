"""Places the queries of a graph: which of its nodes read remote sites, by which grants, and what moves for each."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from headwater.diagnostics import Diagnostic, Refused, Where, error
from headwater.graph.query_trees import query_tree, relation_of
from headwater.graph.resolve_references import parse
from headwater.graph.values import Graph, Input, Node
from headwater.placement.placing import place
from headwater.placement.through import Lossy, Readings, readings
from headwater.placement.values import Held, Located, Occurrence, Placed
from headwater.policy.charters import Charter
from headwater.policy.implication import predicate_text
from headwater.policy.matching import choose
from headwater.policy.subjects import subject_of
from headwater.policy.values import Chosen, Grant, Use
from headwater.policy.zones import other_zones
from headwater.spec.addresses import HUB
from headwater.sql.binding import Bind, Relation
from headwater.sql.inlined import inlined
from headwater.sql.text import literal, time_literal
from headwater.sql.tree import Query, Unclear
from headwater.sql.uses import Used, uses

COMPUTED: Final = frozenset({"view", "inline"})
"""Kinds of nodes without rows of their own."""
_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
Holdings = Callable[[str, str], Held]
"""(source, site) → what is known of its rows there."""


def remote_inputs(graph: Graph, node: Node, at: str = HUB) -> frozenset[str]:
    """Give the sources at sites that are remote to ``at`` that a node's query reads, directly or through views."""
    nodes = {each.name: each for each in graph.nodes}
    return frozenset(name for name, _ in _sources(node, nodes) if set(_sites(nodes[name])) & _far(graph, at))


def _far(graph: Graph, at: str) -> frozenset[str]:
    """Give the sites whose files are not read by whoever asks: to all but the hub, what it reads is far, too."""
    return graph.borders.remote if at == HUB else frozenset(each.name for each in graph.borders.sites)


def _sources(node: Node, nodes: Mapping[str, Node]) -> Iterator[tuple[str, Input]]:
    for each in node.inputs:
        below = nodes[each.node]
        if below.source is not None:
            yield below.name, each
        elif below.kind in COMPUTED:
            yield from _sources(below, nodes)


def _sites(node: Node) -> tuple[str, ...]:
    return node.source.sites if node.source else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """Places nodes of one graph under one charter for a place that asks."""

    graph: Graph
    charter: Charter
    bind: Bind
    held: Holdings
    is_estimated: bool = False
    """Ask what is held for every query, not only where it decides about the way: where several relations meet."""
    at: str = HUB

    def place(self, name: str) -> Placed | None:
        """Take a node's query apart; None if it reads nothing remote. Raises Refused, with everything against it."""
        nodes = {each.name: each for each in self.graph.nodes}
        node = nodes[name]
        remote = remote_inputs(self.graph, node, self.at)
        if not remote:
            return None
        _refuse_kinds(node, remote, nodes)
        where = Where(node.file, node.line) if node.file else None
        try:
            query = self.tree(node)
            return self.place_query(query, node, remote, where)
        except Unclear as why:
            raise Refused(_not_understood(node, remote, str(why), where)) from why

    def tree(self, node: Node) -> Query:
        """Give a node's query over sources and tables: views and inline models are put in their place."""
        needed = _computed(node, {each.name: each for each in self.graph.nodes if self._is_apart(each)})
        queries = {each.name: query_tree(self.graph, each, self.bind) for each in needed}
        return inlined(query_tree(self.graph, node, self.bind), queries)

    def _is_apart(self, node: Node) -> bool:
        """Whether a view or inline model reads remote sites, so that its query is taken apart with its readers'."""
        return node.kind in COMPUTED and bool(remote_inputs(self.graph, node))

    def place_query(self, query: Query, node: Node, remote: frozenset[str], where: Where | None) -> Placed:
        """Place a resolved query that stands for a node (its columns, inputs and ``through``)."""
        nodes = {each.name: each for each in self.graph.nodes}
        sources = [(nodes[name], each) for name, each in _sources(node, nodes) if name in remote]
        cut = frozenset(source.name for source, each in sources if each.cut)
        below = {each.name: each for each in self.graph.nodes if each.kind in COMPUTED}
        read = readings(query, node, sources, self.graph, self.bind, partial(_computed, below=below), where)
        relations = {name: relation_of(each) for name, each in nodes.items()}
        relations |= {name: each.columns for name, each in read.lossy.items()}
        used = uses(read.query, relations)
        is_estimated = self.is_estimated or sum(each.table.node in remote for each in used) > 1
        found = [
            self._occurrence(each, self._located(nodes[each.table.node], is_estimated), read, cut, where)
            if each.table.node in remote
            else self._near(each, relations[each.table.node])
            for each in used
        ]
        refused = [diagnostic for each in found if isinstance(each, list) for diagnostic in each]
        refused += other_zones(self.charter, _granted(found), node.timezone, where)
        if refused:
            raise Refused(*dict.fromkeys(refused))
        return place(
            read.query,
            relation_of(node),
            [each for each in found if isinstance(each, Occurrence)],
            at=self.at,
            places=self.charter.jurisdictions,
            bind=partial(self.bind, parameters=self._parameters(node), timezone=node.timezone),
            parse=partial(parse, self.bind),
        )

    def _near(self, used: Used, columns: Relation) -> Occurrence:
        """What lies where the query ends is read there, by its own name."""
        return Occurrence(table=used.table, located=Located(sites=(self.at,)), columns=columns, grants={self.at: None})

    def _occurrence(
        self, used: Used, located: Located, read: Readings, cut: frozenset[str], where: Where | None
    ) -> Occurrence | list[Diagnostic]:
        source = next(each for each in self.graph.nodes if each.name == used.table.node)
        chosen = self._chosen(used, source, read, cut, located, where)
        lossy = read.lossy.get(source.name)
        if isinstance(chosen, list) or lossy is None:
            made = Occurrence(table=used.table, located=located, columns=relation_of(source), grants={})
            return chosen if isinstance(chosen, list) else replace(made, grants=chosen)
        seen = {site: self._seen(source, lossy, site, grant, where) for site, grant in chosen.items()}
        refused = [each for each in seen.values() if isinstance(each, Diagnostic)]
        return refused or Occurrence(
            table=used.table,
            located=located,
            columns=lossy.columns,
            grants={site: each for site, each in seen.items() if isinstance(each, Grant)},
            every=lossy.every,
            timezone=lossy.timezone,
        )

    def _seen(
        self, source: Node, lossy: Lossy, site: str, grant: Grant | None, where: Where | None
    ) -> Grant | Diagnostic:
        """Give a lossy grant as its reader sees it; only sites make them."""
        if grant is None or site == self.at:
            message = (
                f"`{source.name}` lies at `{self.at}`, too, where nobody changes its rows as `{lossy.rule.name}` says"
            )
            return error("HW1236", message, where, hint="give that part a source of its own")
        return lossy.seen(self.charter, source, grant, self.bind)

    def _chosen(
        self, used: Used, source: Node, read: Readings, cut: frozenset[str], located: Located, where: Where | None
    ) -> dict[str, Grant | None] | list[Diagnostic]:
        time = {source.time.column} if source.time and source.name in cut else set()
        use = Use(
            number=used.number,
            relation=source.name,
            columns=used.columns | time,
            conjuncts=tuple(filter(None, (predicate_text(each.expr) for each in used.conjuncts))),
            where=where,
        )
        through, subject = read.rules.get(source.name, ""), subject_of(source)
        found = {
            site: choose(self.charter, subject, use, [site], self.at, through, self.bind) for site in located.sites
        }
        granted: dict[str, Grant | None] = {
            site: None if located.replicated and site == self.at else each.grants[site]
            for site, each in found.items()
            if isinstance(each, Chosen)
        }
        if located.replicated and granted:
            return granted
        refused = [refusal.diagnostic for each in found.values() if isinstance(each, tuple) for refusal in each]
        return refused or granted

    def _located(self, source: Node, is_estimated: bool) -> Located:  # noqa: FBT001 - one of two ways
        """Say where a source lies; places whose files the asker reads itself are the asker."""
        assert source.source is not None  # noqa: S101 - only sources are remote
        far = _far(self.graph, self.at)
        sites = tuple(dict.fromkeys(site if site in far else self.at for site in source.source.sites))
        return Located(
            sites=sites,
            replicated=source.source.replicated,
            partition=source.source.partition,
            held={site: self.held(source.name, site) for site in sites if site in far and is_estimated},
        )

    def _parameters(self, node: Node) -> dict[str, str]:
        """Literals of the right types, for binding only."""
        found = {name: literal(value) for name, value in self.graph.variables.items()} | {"now": literal(_SOME_TIME)}
        if node.time is not None:
            bound = time_literal(_SOME_TIME, node.time.type, node.time.timezone)
            found |= {"start": bound, "end": bound}
        return found


def _granted(found: Iterable[Occurrence | list[Diagnostic]]) -> list[Grant]:
    occurrences = [each for each in found if isinstance(each, Occurrence)]
    return [grant for each in occurrences for grant in each.grants.values() if grant is not None]


def _computed(node: Node, below: Mapping[str, Node]) -> list[Node]:
    found: dict[str, Node] = {}
    pending = [each.node for each in node.inputs]
    while pending:
        name = pending.pop()
        if name in below and name not in found:
            found[name] = below[name]
            pending += [each.node for each in below[name].inputs]
    return list(found.values())


def _refuse_kinds(node: Node, remote: frozenset[str], nodes: Mapping[str, Node]) -> None:
    """Refuse what cannot be taken apart: functions, links, and a source read over two stretches of time at once."""
    where, name = Where(node.file, node.line) if node.file else None, min(remote)
    if node.python is not None:
        hint = "put an SQL model between, which gathers what the function needs"
        raise Refused.of(
            "HW1296", f"the function of `{node.name}` reads `{name}`, which lies at sites", where, hint=hint
        )
    if node.kind == "links":
        hint = "give it `time:`, so that it is cut into slots"
        raise Refused.of(
            "HW1297", f"`{node.name}` reads each file once, but those of `{name}` stay at sites", where, hint=hint
        )
    for source, reads in _read(node, nodes).items():
        if len({(each.cut, each.before_s, each.after_s) for each in reads}) > 1:
            message = f"`{node.name}` reads `{source}` over two different stretches of time at once"
            raise Refused.of("HW1298", message, where, hint="read it once, or through two models")


def _read(node: Node, nodes: Mapping[str, Node]) -> dict[str, list[Input]]:
    """Give what a node's query names, directly or in views and inline models, with how each is read."""
    found: dict[str, list[Input]] = {}
    for each in node.inputs:
        found.setdefault(each.node, []).append(each)
        if nodes[each.node].kind in COMPUTED:
            for name, reads in _read(nodes[each.node], nodes).items():
                found.setdefault(name, []).extend(reads)
    return found


def _not_understood(node: Node, remote: frozenset[str], why: str, where: Where | None) -> Diagnostic:
    message = f"the query of `{node.name}` is not understood well enough to run at sites: {why}"
    hint = f"write that part otherwise; what reads {', '.join(f'`{name}`' for name in sorted(remote))} must be certain"
    return error("HW1299", message, where, hint=hint)
