"""What an order means for the code that it runs: which tables, what of it becomes visible together, which slots."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from headwater.app.graphs import released_graph
from headwater.app.workspace import Workspace
from headwater.diagnostics import Diagnostic, Invalid, has_errors, warning
from headwater.graph.selection import below, select
from headwater.graph.values import TABLE_KINDS, Graph, PipelineNode
from headwater.plan.calendar import Interval
from headwater.plan.knowledge import Options
from headwater.plan.wanted import Horizon, slots_within, wanted_ranges
from headwater.spec.nodes import Retries
from headwater.spec.orders import FIRST, LAST, Order
from headwater.state.heads import read_head

Names = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """An order, understood: it stays what it is for as long as its run takes."""

    order: Order
    graph: Graph
    """The code that the run has started with."""
    groups: tuple[Names | None, ...]
    """Sets of nodes that become visible together; None: all nodes."""
    skipped: Names = frozenset()
    """Nodes and sinks that keep what they have."""
    pipelines: tuple[PipelineNode, ...] = ()
    """Those that are run."""

    @property
    def timeout_s(self) -> float | None:
        """How long the run may take; None: as long as it needs."""
        if self.order.timeout_s is not None:
            return self.order.timeout_s
        return max((each.timeout_s for each in self.pipelines if each.timeout_s is not None), default=None)

    @property
    def limits(self) -> list[int]:
        """How many of its tasks may run at once: none of these may be exceeded."""
        asked = [self.order.concurrency, *(each.concurrency for each in self.pipelines)]
        return [each for each in asked if each is not None]

    @property
    def retries(self) -> Retries | None:
        """How failures that may pass are repeated; None: as each node says."""
        return next((each.retries for each in self.pipelines if each.retries), None)


def meaning_of(order: Order, graph: Graph) -> Meaning:
    """Understand an order; raises Invalid for a name of it that means nothing in this code."""
    known = {pipeline.name: pipeline for pipeline in graph.pipelines}
    if order.pipeline and order.pipeline not in known:
        hint = f"an apply has renamed or removed it; it has {', '.join(sorted(known)) or 'none'}"
        raise Invalid.of("HW1122", f"`{order.environment}` has no pipeline `{order.pipeline}` any more", hint=hint)
    named = tuple(known[name] for name in dict.fromkeys((*order.select, order.pipeline)) if name in known)
    patterns = [name for name in order.select if name not in known]
    selected = _names(graph, [*patterns, *(p for each in named for p in each.select)])
    if order.start_from:
        first = _names(graph, order.start_from) or frozenset()
        reached = first | below(graph, first)
        selected = reached if selected is None else selected & reached
    skipped = _names(graph, order.skip) or frozenset()
    skipped |= below(graph, skipped)
    tables = [node.name for node in graph.nodes if node.kind in TABLE_KINDS]
    if skipped or (order.within and selected is None):
        selected = (frozenset(tables) if selected is None else selected) - skipped
    publish = order.publish or ("each" if any(pipeline.publish == "each" for pipeline in named) else "together")
    groups: tuple[Names | None, ...] = (selected,)
    if publish == "each":
        groups = (*(frozenset({t}) for t in tables if selected is None or t in selected), selected)
    return Meaning(order=order, graph=graph, groups=groups, skipped=skipped, pipelines=named)


def _names(graph: Graph, patterns: Sequence[str]) -> Names | None:
    """Give the nodes that patterns select, None without patterns; raises Invalid for one that finds nothing."""
    if not patterns:
        return None
    names, found = select(graph, patterns)
    if has_errors(found):
        raise Invalid.from_all(found)
    return frozenset(names)


def changed_since(meaning: Meaning, graph: Graph) -> Names:
    """Give the tables of the order whose code is no longer that with which its run has started."""
    if graph.digest == meaning.graph.digest:
        return frozenset()
    now = {node.name: node.version for node in graph.nodes}
    wanted = [node for node in meaning.graph.nodes if node.kind in TABLE_KINDS]
    selected = meaning.groups[-1]
    return frozenset(
        n.name for n in wanted if now.get(n.name) != n.version and (selected is None or n.name in selected)
    )


def options_of(
    meaning: Meaning,
    group: Names | None,
    graph: Graph,
    horizon: Horizon,
    *,
    nonce: str,
    without: Mapping[str, tuple[Interval, ...]],
) -> Options:
    """Give what is asked of a plan for a group of nodes, with the code ``graph`` that the environment has now.

    A table whose code is not what it was when the run started is left as it is; so is one that is not cut by time,
    if only some stretch of time is asked for.
    """
    order, selected = meaning.order, _same(meaning, group, graph)
    within: Mapping[str, Interval] | None = None
    again: Mapping[str, Interval | None] = {}
    if order.within is not None:
        every = _same(meaning, meaning.groups[-1], graph) or frozenset()
        own, within = slots_within(graph, wanted_ranges(graph, horizon), every, order.within)
        selected, again = (selected or frozenset()) & within.keys(), own if order.again else {}
    elif order.again:
        tables = (node.name for node in graph.nodes if node.kind in TABLE_KINDS)
        again = {name: None for name in tables if selected is None or name in selected}
    return Options(
        refresh=True,
        selected=selected,
        release_holds=order.release_holds,
        within=within,
        without=without,
        again=again,
        nonce=nonce,
    )


def _same(meaning: Meaning, names: Names | None, graph: Graph) -> Names | None:
    """Leave out nodes whose code is no longer that with which the run has started."""
    if graph.digest == meaning.graph.digest:
        return names
    then = {node.name: node.version for node in meaning.graph.nodes}
    same = frozenset(node.name for node in graph.nodes if then.get(node.name) == node.version)
    return same if names is None else names & same


def require_slots(meaning: Meaning, horizon: Horizon) -> None:
    """Raise Invalid if an order is for a stretch of time in which none of its tables has a slot."""
    order, selected = meaning.order, meaning.groups[-1]
    if order.within is None:
        return
    start, end = order.within
    if start >= end:
        raise Invalid.of("HW1141", f"the stretch from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} is empty")
    ranges = wanted_ranges(meaning.graph, horizon)
    cut = {name: stretch for name, stretch in ranges.items() if selected is None or name in selected}
    if not cut:
        raise Invalid.of("HW1142", "nothing that was asked for is cut by time: a stretch of time means nothing to it")
    own, _ = slots_within(meaning.graph, ranges, cut, order.within)
    if all(first >= last for first, last in own.values()):
        raise Invalid.of("HW1143", f"no slot is wanted in {shown(order.within)}", hint=_told(cut))


def stretch_of(workspace: Workspace, order: Order, since: datetime | None, until: datetime | None) -> Order:
    """Give an order with the stretch of time it is for; a time without a zone is one in the zone of its tables.

    Raises Invalid where these are in several zones.
    """
    if since is None and until is None:
        return order
    start, end = since or FIRST, until or LAST
    if start.tzinfo is None or end.tzinfo is None:
        graph = released_graph(workspace.db, order.environment, read_head(workspace.db, order.environment).code)
        zone = _zone(graph, meaning_of(order, graph).groups[-1])
        start, end = (at if at.tzinfo else at.replace(tzinfo=zone) for at in (start, end))
    return replace(order, within=(start.astimezone(UTC), end.astimezone(UTC)))


def _zone(graph: Graph, names: Names | None) -> ZoneInfo:
    cut = [node for node in graph.nodes if node.kind == "incremental" and (names is None or node.name in names)]
    zones = sorted({node.time.timezone for node in cut if node.time})
    if len(zones) > 1:
        message = f"the tables are cut in several time zones: {', '.join(zones)}"
        raise Invalid.of("HW1144", message, hint="write times with a zone, such as `2024-01-31T00:00Z`")
    return ZoneInfo(zones[0] if zones else "UTC")


def _told(ranges: Mapping[str, Interval]) -> str:
    """Say which slots there are."""
    some = [f"`{name}` {shown(stretch)}" for name, stretch in sorted(ranges.items()) if stretch[0] < stretch[1]]
    more = f" and {len(some) - 3} more" if len(some) > 3 else ""  # noqa: PLR2004 - enough to see what is there
    return f"slots are wanted of {', '.join(some[:3])}{more}" if some else "no slot is wanted of them now"


def shown(stretch: Interval) -> str:
    """Write a stretch of time for people, in UTC."""
    day = all((at.hour, at.minute, at.second) == (0, 0, 0) for at in stretch)
    form = "%Y-%m-%d" if day else "%Y-%m-%dT%H:%M:%SZ"
    return f"{stretch[0]:{form}} to {stretch[1]:{form}}"


def left_behind(changed: Collection[str]) -> list[Diagnostic]:
    """Say which tables a run leaves because their code has changed since it started, or since its release."""
    if not changed:
        return []
    names = [f"`{name}`" for name in sorted(changed)]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""  # noqa: PLR2004 - enough to recognise the change
    return [
        warning(
            "HW1140", f"left as they are, because the environment has other code of them: {', '.join(names[:5])}{more}"
        )
    ]
