"""Which slots an environment wants: from start to now, cut by its window, closed over what those slots read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from headwater.graph.values import Graph, Input, Node
from headwater.plan.calendar import Calendar, Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """What bounds the slots of an environment: how far back, seen from when."""

    as_of: datetime
    window_s: float | None = None
    oldest: Mapping[str, datetime] = field(default_factory=dict)
    """Table → slots that have ended by then are not wanted, whoever reads them: a policy lets their rows go."""


def wanted_ranges(graph: Graph, horizon: Horizon) -> dict[str, Interval]:
    """Give, for every node cut into slots, the stretch of time whose slots are wanted (ends on slot borders).

    A window counts back from ``as_of``; what a wanted slot reads is wanted too, through views, so ranges close upward
    over ``before``, ``after`` and coarser slots. An empty range has equal ends.
    """
    nodes = {node.name: node for node in graph.nodes}
    needs: dict[str, Interval] = {}
    ranges: dict[str, Interval] = {}
    for node in reversed(graph.nodes):
        need = needs.get(node.name)
        if node.kind == "incremental":
            ranges[node.name] = need = _own_range(node, horizon, need)
        if need is not None and need[0] < need[1]:
            for each in node.inputs:
                _require(needs, nodes, each, need)
    return ranges


def slots_within(
    graph: Graph, wanted: Mapping[str, Interval], names: Collection[str], within: Interval
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """Give, for those of some nodes that are cut into slots, the stretch of slots in ``within``, and what to fill.

    The first are the wanted slots that hold an instant of ``within``; the second are these and what they read of each
    other (``before``, ``after``, coarser slots), without which they would wait.
    """
    nodes = {node.name: node for node in graph.nodes}
    needs: dict[str, Interval] = {}
    own: dict[str, Interval] = {}
    closed: dict[str, Interval] = {}
    for node in reversed(graph.nodes):
        need = needs.get(node.name)
        if node.kind == "incremental":
            if node.name not in names:
                continue
            own[node.name] = _whole_slots(node, within, wanted[node.name])
            both = [own[node.name], *([_whole_slots(node, need, wanted[node.name])] if need else [])]
            closed[node.name] = need = _hull(both)
        if need is not None and need[0] < need[1]:
            for each in node.inputs:
                _require(needs, nodes, each, need)
    return own, closed


def _whole_slots(node: Node, stretch: Interval, wanted: Interval) -> Interval:
    assert node.time is not None  # noqa: S101 - an incremental node without time does not compile
    start, end = max(stretch[0], wanted[0]), min(stretch[1], wanted[1])
    if start >= end:
        return (wanted[0], wanted[0])
    return Calendar.of(node.time.every, node.time.timezone).around(start, end)


def _hull(stretches: Collection[Interval]) -> Interval:
    """Give the shortest stretch that holds all of some; the empty ones count for nothing."""
    some = [each for each in stretches if each[0] < each[1]] or list(stretches)[:1]
    return min(start for start, _ in some), max(end for _, end in some)


def _require(needs: dict[str, Interval], nodes: Mapping[str, Node], each: Input, need: Interval) -> None:
    if not each.cut or nodes[each.node].kind == "source":
        return
    start, end = need[0] - timedelta(seconds=each.before_s), need[1] + timedelta(seconds=each.after_s)
    known = needs.get(each.node)
    needs[each.node] = (min(start, known[0]), max(end, known[1])) if known else (start, end)


def _own_range(node: Node, horizon: Horizon, need: Interval | None) -> Interval:
    assert node.time is not None  # noqa: S101 - an incremental node without time does not compile
    assert node.time.start is not None  # noqa: S101 - nor does one without a start
    cut, calendar = node.time, Calendar.of(node.time.every, node.time.timezone)
    now_slot = calendar.floor(horizon.as_of)
    last = now_slot if cut.complete else calendar.next(now_slot)
    if cut.end is not None:
        last = min(last, calendar.around(cut.end, cut.end)[1])
    first = earliest = calendar.floor(max(node.time.start, horizon.oldest.get(node.name, node.time.start)))
    if horizon.window_s is not None:
        first = max(first, calendar.floor(horizon.as_of - timedelta(seconds=horizon.window_s)))
    if need is not None:
        first = min(first, max(earliest, calendar.floor(need[0])))
    return (first, max(first, last))
