"""Labels of every column of a graph: they flow with values and with what decides about rows, and nothing lowers them.

Only a grant's border lowers a label: ``seen`` says what a node sees of a relation that it reads through a lossy grant.
"""

from collections.abc import Iterable, Iterator, Mapping

from headwater.graph.values import Column, ColumnRef, Graph, Node
from headwater.policy.subjects import ROWS, Labels, class_name, deciding_columns, is_public, source_labels
from headwater.policy.values import PUBLIC, UNCLASSIFIED, Label

Seen = Mapping[tuple[str, str], Labels]
"""(reader, relation) → labels of the columns, as a grant lets that reader see them."""


def labels_of(graph: Graph, seen: Seen | None = None) -> Mapping[str, Labels]:
    """Give node → column → labels, for all nodes of a graph."""
    flow = _Flow(seen or {})
    for node in graph.nodes:
        flow.add(node)
    return flow.columns


def row_labels_of(graph: Graph, seen: Seen | None = None) -> Mapping[str, frozenset[Label]]:
    """Give node → labels of which rows it has (they are among those of each of its columns, too)."""
    flow = _Flow(seen or {})
    for node in graph.nodes:
        flow.add(node)
    return flow.rows


class _Flow:
    """Labels so far, from node to node in topological order."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self.columns: dict[str, Labels] = {}
        self.rows: dict[str, frozenset[Label]] = {}
        self._times: dict[str, str] = {}
        """Node → the column by which readers see only a stretch of it; all of its columns if there is none."""

    def add(self, node: Node) -> None:
        self._times[node.name] = node.time.column if node.time else ROWS
        if node.kind == "source":
            self.columns[node.name], self.rows[node.name] = _of_source(node)
            return
        rows = self._row_labels(node)
        values = {column.name: self._values(node, column) for column in node.columns}
        judged = _united(values[name] for name in deciding_columns(node))
        self.rows[node.name] = rows | judged
        self.columns[node.name] = {name: labels | rows | judged for name, labels in values.items()}

    def _row_labels(self, node: Node) -> frozenset[Label]:
        whole = _united(self._whole(node.name, each.node) for each in node.inputs) if node.python else frozenset()
        decided = _united(self._at(node.name, each) for each in node.controls)
        upstream = _united(self._rows_of(node.name, each.node) for each in node.inputs)
        clipped = _united(self._at(node.name, (each.node, self._times[each.node])) for each in node.inputs if each.cut)
        return decided | upstream | clipped | whole

    def _values(self, node: Node, column: Column) -> frozenset[Label]:
        return _united(self._at(node.name, each) for each in column.values) | frozenset(_said(node, column))

    def _at(self, reader: str, ref: ColumnRef) -> frozenset[Label]:
        upstream, column = ref
        if column == ROWS:
            return self._whole(reader, upstream)
        found = self._columns(reader, upstream).get(column)
        return self._whole(reader, upstream) if found is None else found

    def _columns(self, reader: str, upstream: str) -> Labels:
        return self._seen.get((reader, upstream)) or self.columns[upstream]

    def _whole(self, reader: str, upstream: str) -> frozenset[Label]:
        return _united(self._columns(reader, upstream).values()) | self._rows_of(reader, upstream)

    def _rows_of(self, reader: str, upstream: str) -> frozenset[Label]:
        """Labels of the rows of an input: of a grant, those of all of its columns."""
        seen = self._seen.get((reader, upstream))
        return _united(seen.values()) if seen else self.rows[upstream]


def _of_source(node: Node) -> tuple[Labels, frozenset[Label]]:
    """A source's rows are public where one of its columns is: how many there are goes with it."""
    labels = source_labels(node)
    if any(map(is_public, labels.values())):
        return labels, frozenset()
    return labels, frozenset({Label(f"{node.name}.{ROWS}", UNCLASSIFIED)})


def _said(node: Node, column: Column) -> Iterator[Label]:
    """What a model says of a column adds to what flows into it."""
    if column.class_ and class_name(column.class_) != PUBLIC:
        yield Label(f"{node.name}.{column.name}", class_name(column.class_))


def _united(each: Iterable[frozenset[Label]]) -> frozenset[Label]:
    return frozenset[Label]().union(*each)
