"""From a plan to tasks: slots grouped into queries, every name bound to files and fills."""

from collections.abc import Iterable, Iterator, Mapping

from headwater.graph.values import Input, Node
from headwater.plan.calendar import Calendar, Interval
from headwater.plan.positions import Positions, digest_of, extended
from headwater.plan.values import NodePlan, Plan
from headwater.spec.addresses import ALL, HUB
from headwater.spec.fills import Mark
from headwater.spec.observations import Item
from headwater.spec.releases import Entries
from headwater.tasks.values import FoldBase, Relation, Task, TaskSlot

MOST_SLOTS = 1000
"""Slots that one query fills at most, so that a first build stays parallel and resumable."""


def compile_tasks(plan: Plan) -> tuple[Task, ...]:
    """Give the tasks of a plan, in an order in which each comes after those it depends on."""
    compiler = _Compiler(plan)
    makers: dict[str, str] = {}
    tasks: list[Task] = []
    for each in plan.nodes.values():
        for number, slots in enumerate(_batches(each)):
            task = compiler.task(each, slots, number, makers)
            makers.update((slot.entry.fill, task.id) for slot in task.slots)
            tasks.append(task)
    return tuple(tasks)


def relation_of(plan: Plan, name: str) -> Relation:
    """Give the relation of a whole node as it will be after the plan."""
    return _Compiler(plan).relation(Input(node=name, columns=("*",)), None)


class _Compiler:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._nodes = {node.name: node for node in plan.graph.nodes}
        self._positions = Positions(self._nodes, plan.sources)
        self._chosen: dict[str, Entries] = {}

    def task(self, each: NodePlan, slots: list[TaskSlot], number: int, makers: Mapping[str, str]) -> Task:
        first, last = slots[0].interval, slots[-1].interval
        interval = (first[0], last[1]) if first and last else None
        only = frozenset(each.fresh)
        relations = tuple(self.relation(below, interval, only if below.new else None) for below in each.node.inputs)
        return Task(
            id=f"{each.node.name}#{number}",
            node=each.node,
            slots=tuple(slots),
            relations=relations,
            now=self._plan.now,
            environment=self._plan.environment,
            interval=interval,
            before=self._before(each),
            fold=self._fold_base(each),
            depends=frozenset(makers[fill] for fill in _fills(relations) if fill in makers),
        )

    def _before(self, each: NodePlan) -> tuple[str, ...]:
        if each.node.kind != "links":
            return ()
        return tuple(entry.fill for key, entry in sorted(each.chosen.items()) if key not in each.build)

    def _fold_base(self, each: NodePlan) -> FoldBase | None:
        """The head's fold, if it stands on what the head says came."""
        node, head = each.node, self._plan.head
        at_head = head.nodes.get(node.name)
        if node.chain is None or node.chain.role != "fold" or at_head is None or at_head.version != node.version:
            return None
        changes = node.inputs[0].node
        entry, came = head.entries_of(node.name).get((HUB, ALL)), head.nodes.get(changes)
        if entry is None or came is None or entry.digest != digest_of([(changes, came.rollup)]):
            return None
        old = {each.fill for each in head.entries_of(changes).values()}
        new = {each.fill for each in self._entries(changes).values()}
        return FoldBase(before=entry.fill, removed=tuple(sorted(old - new)), added=tuple(sorted(new - old)))

    def relation(self, each: Input, reader: Interval | None, only: frozenset[Mark] | None = None) -> Relation:
        """Give what an input is for a stretch of time; ``only`` names the files that are read of it."""
        node, interval = self._nodes[each.node], extended(each, reader)
        if node.kind in {"view", "inline"}:
            inputs = tuple(self.relation(below, interval, only) for below in node.inputs)
            return Relation(name=node.name, kind="view", version=node.version, interval=interval, inputs=inputs)
        if node.kind == "source":
            items = tuple(self._items(node.name, interval, only))
            return Relation(
                name=node.name, kind="source", version=node.version, interval=interval, time=node.time, items=items
            )
        fills = tuple(self._fills_of(node, interval))
        return Relation(
            name=node.name, kind="table", version=node.version, interval=interval, time=node.time, fills=fills
        )

    def _items(self, name: str, interval: Interval | None, only: frozenset[Mark] | None) -> Iterable[tuple[str, Item]]:
        if only is not None:
            return self._positions.items_of(name, only)
        if interval is not None:
            return self._positions.items_within(name, *interval)
        return [(o.site, item) for o in self._plan.sources[name].observations for item in o.items]

    def _fills_of(self, node: Node, interval: Interval | None) -> Iterator[str]:
        entries = self._entries(node.name)
        if interval is None or node.time is None or not node.time.every:
            yield from (entry.fill for _, entry in sorted(entries.items()))
            return
        calendar = Calendar.of(node.time.every, node.time.timezone)
        for at in calendar.starts(*interval):
            entry = entries.get((HUB, calendar.slot_at(at)))
            if entry:
                yield entry.fill

    def _entries(self, name: str) -> Entries:
        if name not in self._chosen:
            each = self._plan.nodes[name]
            self._chosen[name] = self._plan.head.entries_of(name) if each.settled else each.chosen
        return self._chosen[name]


def _batches(each: NodePlan) -> Iterator[list[TaskSlot]]:
    """Group a node's slots to compute: neighbours that one query may fill."""
    batch: list[TaskSlot] = []
    for slot in _slots(each):
        if batch and not _joins(each.node, batch, slot):
            yield batch
            batch = []
        batch.append(slot)
    if batch:
        yield batch


def _joins(node: Node, batch: list[TaskSlot], slot: TaskSlot) -> bool:
    first, last = batch[0].interval, batch[-1].interval
    if node.batch_s == 0 or node.python or slot.interval is None or first is None or last is None:
        return False
    span = (slot.interval[1] - first[0]).total_seconds()
    is_short = node.batch_s is None or span <= node.batch_s
    return last[1] == slot.interval[0] and is_short and len(batch) < MOST_SLOTS


def _slots(each: NodePlan) -> Iterator[TaskSlot]:
    cut = each.node.time
    calendar = Calendar.of(cut.every, cut.timezone) if cut and each.node.kind == "incremental" else None
    for key, entry in sorted(each.build.items()):
        site, slot = key
        interval = calendar.interval(slot) if calendar else None
        yield TaskSlot(
            site=site, slot=slot, entry=entry, interval=interval, inputs=each.inputs.get(key, ()), read=each.fresh
        )


def _fills(relations: Iterable[Relation]) -> Iterator[str]:
    for relation in relations:
        yield from relation.fills
        yield from _fills(relation.inputs)
