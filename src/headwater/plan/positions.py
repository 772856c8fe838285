"""Positions: which source data a slot stands on, for sources, tables and the views between them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from headwater.graph.values import Input, Node
from headwater.plan.calendar import Calendar, Interval, slot_of
from headwater.plan.source_index import SourceIndex
from headwater.plan.values import SourceFacts
from headwater.spec.addresses import ABSENT, HUB, Digest, address
from headwater.spec.fills import Mark
from headwater.spec.observations import Item
from headwater.spec.releases import Entries


def extended(each: Input, interval: Interval | None) -> Interval | None:
    """Give the stretch of an input that a slot reads; None: all of it."""
    if not each.cut or interval is None:
        return None
    return interval[0] - timedelta(seconds=each.before_s), interval[1] + timedelta(seconds=each.after_s)


def digest_of(inputs: Iterable[tuple[str, str]], *more: tuple[str, str]) -> Digest:
    """Address of what a slot stands on: (input, where it stands), and what else decides about its rows."""
    return Digest(address(*(f"{name}={at}" for name, at in (*inputs, *(more or (("", ""),))))))


class Position(NamedTuple):
    """Where an input stands; ``ready`` is False while something it needs has no fill."""

    digest: Digest
    ready: bool = True


class Table(NamedTuple):
    """What a run takes a table to be: its roll-up, whether all wanted slots have a fill, and its entries on demand."""

    rollup: Digest
    whole: bool
    entries: Callable[[], Entries]
    wanted: Interval | None


class Positions:
    """Answers "where does this input stand now?"; tables are added in topological order as they are decided."""

    def __init__(self, nodes: Mapping[str, Node], sources: Mapping[str, SourceFacts]) -> None:
        self._nodes = nodes
        self._sources = sources
        self._tables: dict[str, Table] = {}
        self._whole: dict[str, Position] = {}
        self._indexes: dict[str, SourceIndex] = {}

    def add(self, name: str, table: Table) -> None:
        """Say what a table will be after this plan."""
        self._tables[name] = table

    def of_input(self, each: Input, interval: Interval | None) -> Position:
        """Where an input stands for a slot (``interval``), or as a whole where it is not cut or there is no slot."""
        part = extended(each, interval)
        return self.whole(each.node) if part is None else self.within(each.node, *part)

    def marks(self, name: str) -> list[Mark]:
        """Give the files of a source, or of all sources below a view: who they are and where they lie."""
        node = self._nodes[name]
        if node.kind == "source":
            return [(name, *mark) for mark in self._index(name).marks]
        return [mark for each in node.inputs for mark in self.marks(each.node)]

    def view(self, name: str) -> Node | None:
        """Give a view or inline node, which has no rows of its own; None for sources and tables."""
        node = self._nodes[name]
        return node if node.kind in {"view", "inline"} else None

    def whole(self, name: str) -> Position:
        """Where all of a node stands."""
        if name not in self._whole:
            self._whole[name] = self._find_whole(name)
        return self._whole[name]

    def within(self, name: str, start: datetime, end: datetime) -> Position:
        """Where the part of a node between two instants stands."""
        node = self._nodes[name]
        if node.kind == "source":
            index = self._index(name)
            return Position(index.digest(index.within(start.timestamp(), end.timestamp())))
        if node.kind in {"view", "inline"}:
            return combined((each.node, self.of_input(each, (start, end))) for each in node.inputs)
        return self._slots_within(node, start, end)

    def items_of(self, name: str, marks: frozenset[Mark]) -> list[tuple[str, Item]]:
        """Give (site, item) of those files of a source that are marked."""
        index = self._index(name)
        return [pair for pair, mark in zip(index.items, index.marks, strict=True) if (name, *mark) in marks]

    def items_within(self, name: str, start: datetime, end: datetime) -> list[tuple[str, Item]]:
        """Give (site, item) of a source's files that hold rows between two instants."""
        index = self._index(name)
        return [index.items[number] for number in index.within(start.timestamp(), end.timestamp())]

    def _find_whole(self, name: str) -> Position:
        node = self._nodes[name]
        if node.kind == "source":
            index = self._index(name)
            return Position(index.digest(tuple(range(len(index.items)))))
        if node.kind in {"view", "inline"}:
            return combined((each.node, self.whole(each.node)) for each in node.inputs)
        table = self._tables[name]
        return Position(table.rollup, table.whole)

    def _slots_within(self, node: Node, start: datetime, end: datetime) -> Position:
        table = self._tables[node.name]
        if node.time is None or not node.time.every or table.wanted is None:
            return self.whole(node.name)
        entries, (first, last) = table.entries(), table.wanted
        calendar = Calendar.of(node.time.every, node.time.timezone)
        parts, ready = [], True
        for at in calendar.starts(max(start, first), min(end, last)):
            slot = slot_of(at)
            entry = entries.get((HUB, slot))
            ready = ready and entry is not None
            parts.append(f"{HUB}/{slot}={entry.digest if entry else ABSENT}")
        return Position(Digest(address("slots", *parts)), ready)

    def _index(self, name: str) -> SourceIndex:
        if name not in self._indexes:
            self._indexes[name] = SourceIndex(self._sources[name])
        return self._indexes[name]


def combined(parts: Iterable[tuple[str, Position]]) -> Position:
    """Where a view stands: what it passes on of its inputs."""
    found = sorted(parts)
    digest = address("inputs", *(f"{name}={position.digest}" for name, position in found))
    return Position(Digest(digest), all(position.ready for _, position in found))
