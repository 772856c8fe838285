"""A task as a value: everything that computing some slots of one node needs, wherever that happens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from headwater.graph.values import Graph, Node, TimeCut
from headwater.plan.calendar import Interval
from headwater.spec.addresses import Slot
from headwater.spec.fills import Entry, Mark
from headwater.spec.observations import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What a name in a query means for this task: files, fills or a view over other relations, clipped in time."""

    name: str
    kind: Literal["source", "table", "view"]
    version: str
    interval: Interval | None = None
    """Only rows of this stretch of time are seen; None: all."""
    time: TimeCut | None = None
    items: tuple[tuple[str, Item], ...] = ()
    """Source: (site, item)."""
    fills: tuple[str, ...] = ()
    """Table: fill ids."""
    inputs: tuple["Relation", ...] = ()
    """View: what its query names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSlot:
    """One slot to stage: its address, its entry once it is there, and its interval (None: ``all``)."""

    site: str
    slot: Slot
    entry: Entry
    interval: Interval | None
    inputs: tuple[tuple[str, str], ...] = ()
    read: tuple[Mark, ...] = ()
    """Of a link that reads each file once: the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldBase:
    """The fold before, and the fills of what came that it stood on and this one does not, and the other way round."""

    before: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One query, or one call of a Python function, and the slots that it fills."""

    id: str
    node: Node
    slots: tuple[TaskSlot, ...]
    relations: tuple[Relation, ...]
    now: datetime
    environment: str
    interval: Interval | None = None
    before: tuple[str, ...] = ()
    """Links: the fills of the links before, in order."""
    fold: FoldBase | None = None
    """Folds: what need not be folded again; None: everything must."""
    depends: frozenset[str] = frozenset()
    """Tasks of the same run whose fills it reads."""

    @property
    def also_read(self) -> tuple[str, ...]:
        """Fills that it reads besides those of its relations."""
        return (*self.before, *((self.fold.before, *self.fold.removed, *self.fold.added) if self.fold else ()))


def needed(graph: Graph, task: Task) -> Graph:
    """Give the part of a graph that a task needs: its node and what its relations are."""
    names = {task.node.name, *_names(task.relations)}
    nodes = tuple(node for node in graph.nodes if node.name in names)
    return Graph(project=graph.project, nodes=nodes, macros=graph.macros, variables=graph.variables)


def fills_of(relations: tuple[Relation, ...]) -> set[str]:
    """Give the ids of all fills that relations read."""
    return {fill for r in relations for fill in r.fills} | {f for r in relations for f in fills_of(r.inputs)}


def _names(relations: tuple[Relation, ...]) -> set[str]:
    return {r.name for r in relations} | {name for r in relations for name in _names(r.inputs)}
