"""Which stretches of time have moved since nothing of a table was due: only their slots must be looked at again.

A table whose head says that it was settled stood, then, on what the environment observed last and on what its head
serves. If the digest of that is the recorded one, all that can have made slots due is what differs from it now.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from headwater.graph.values import Input, Node
from headwater.plan.calendar import Calendar, Interval, slot_of
from headwater.plan.positions import Position, Positions, combined
from headwater.plan.source_index import digest_of_items
from headwater.plan.values import NodePlan, SourceFacts
from headwater.spec.addresses import HUB, Digest, address
from headwater.spec.observations import Observation
from headwater.spec.releases import Head, HeadNode, SlotKey

Keys = set[SlotKey]
_VIEWS = frozenset({"view", "inline"})


def settling(node: Node, wanted: Interval | None, inputs: Iterable[tuple[str, Position]]) -> str:
    """Give all that dueness depends on, as one word: equal to the recorded one, nothing can be due."""
    parts = sorted(f"{name}={position.digest}{position.ready}" for name, position in inputs)
    return "/".join([*(at.isoformat() for at in wanted or ()), address(node.version, *parts)])


class Movements:
    """What has moved, of sources since the last observation and of tables in this plan, as stretches of time."""

    def __init__(
        self, nodes: Mapping[str, Node], sources: Mapping[str, SourceFacts], head: Head, positions: Positions
    ) -> None:
        self._nodes, self._sources, self._head, self._positions = nodes, sources, head, positions
        self._found: dict[str, list[Interval] | None] = {}

    def add(self, plan: NodePlan) -> None:
        """Say what was decided of a table."""
        self._found[plan.node.name] = _of_plan(plan)

    def since_settled(self, node: Node, known: HeadNode, wanted: Interval) -> tuple[Keys, Keys] | None:
        """Give the slots that can be due, and those no longer wanted; None: no telling, look at all."""
        before = _range_of(known.settled)
        if before is None or known.settled != settling(node, before, self._as_before(node)):
            return None
        moved = list(self._reached(node))
        if None in moved:
            return None
        calendar = _calendar(node)
        stretches = [_within(stretch, wanted) for found in moved for stretch in found or ()]
        stretches += [(wanted[0], min(before[0], wanted[1])), (max(before[1], wanted[0]), wanted[1])]
        gone = [(before[0], min(wanted[0], before[1])), (max(wanted[1], before[0]), before[1])]
        return _slots(calendar, stretches), _slots(calendar, gone)

    def _as_before(self, node: Node) -> Iterator[tuple[str, Position]]:
        for each in node.inputs:
            yield each.node, Position(self._before(each.node))

    def _before(self, name: str) -> Digest:
        node = self._nodes[name]
        if node.source is not None:
            facts = self._sources[name]
            return digest_of_items(facts, facts.before)
        if node.kind in _VIEWS:
            return combined((each.node, Position(self._before(each.node))) for each in node.inputs).digest
        at_head = self._head.nodes.get(name)
        return at_head.rollup if at_head else Digest("")

    def _reached(self, node: Node) -> Iterator[list[Interval] | None]:
        """For each moving input: the stretches within which slots of the node stand on something that has moved."""
        for each in node.inputs:
            if not each.moving:
                continue
            if not each.cut:
                yield [] if self._before(each.node) == self._positions.whole(each.node).digest else None
                continue
            found = self._of(each.node)
            yield None if found is None else [_around(stretch, each) for stretch in found]

    def _of(self, name: str) -> list[Interval] | None:
        """The stretches of a node that have moved."""
        if name not in self._found:
            node = self._nodes[name]
            self._found[name] = self._of_source(name) if node.source is not None else self._of_view(node)
        return self._found[name]

    def _of_view(self, node: Node) -> list[Interval] | None:
        if node.kind not in _VIEWS:
            return None
        stretches: list[Interval] = []
        for each in node.inputs:
            if not each.cut:
                if self._before(each.node) != self._positions.whole(each.node).digest:
                    return None
                continue
            found = self._of(each.node)
            if found is None:
                return None
            stretches += [_around(stretch, each) for stretch in found]
        return stretches

    def _of_source(self, name: str) -> list[Interval] | None:
        facts = self._sources[name]
        # Positions count duplicates: of two names for one file, one may come or go.
        then, now = (_counted(facts, observations) for observations in (facts.before, facts.observations))
        differing = {identity for _, _, identity in ((then - now) | (now - then))}
        if facts.occupied is None or not differing <= facts.occupied.keys():
            return None if differing else []
        return [
            (datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
            for identity in differing
            for start, end in facts.occupied[identity]
        ]


def _counted(facts: SourceFacts, observations: Iterable[Observation]) -> Counter[tuple[str, str, str]]:
    """Count the files by site, what stands for them in positions, and identity."""
    return Counter((o.site, facts.token(item), item.identity) for o in observations for item in o.items)


def _of_plan(plan: NodePlan) -> list[Interval] | None:
    node = plan.node
    if plan.settled:
        return [] if plan.settles else None
    if plan.is_new or node.kind != "incremental":
        return None
    calendar = _calendar(node)
    keys = {*plan.reuse, *plan.build, *plan.drop, *plan.blocked, *plan.waiting, *plan.stuck}
    return [calendar.interval(slot) for _, slot in keys]


def _range_of(settled: str) -> Interval | None:
    parts = settled.split("/")
    if len(parts) != 3:  # noqa: PLR2004 - start, end, digest
        return None
    return datetime.fromisoformat(parts[0]), datetime.fromisoformat(parts[1])


def _around(stretch: Interval, each: Input) -> Interval:
    return stretch[0] - timedelta(seconds=each.after_s), stretch[1] + timedelta(seconds=each.before_s)


def _within(stretch: Interval, wanted: Interval) -> Interval:
    return max(stretch[0], wanted[0]), min(stretch[1], wanted[1])


def _slots(calendar: Calendar, stretches: Iterable[Interval]) -> Keys:
    return {(HUB, slot_of(at)) for stretch in stretches for at in calendar.starts(*stretch)}


def _calendar(node: Node) -> Calendar:
    assert node.time is not None  # noqa: S101 - incremental nodes have one, or do not compile
    return Calendar.of(node.time.every, node.time.timezone)
