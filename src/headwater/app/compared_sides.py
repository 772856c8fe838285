"""The two sides of a comparison of rows: a node at some point of an environment's history, without what both share."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from headwater.app.environments import require_environment
from headwater.app.graphs import released_graph
from headwater.app.reading import require_served
from headwater.app.workspace import Workspace
from headwater.diagnostics import Invalid
from headwater.graph.classes import columns_of_class, is_personal
from headwater.graph.values import Input, Node
from headwater.run.context import FillBook
from headwater.run.relations import Surroundings
from headwater.run.serving import served_address, served_relation
from headwater.spec.fills import Fill
from headwater.spec.releases import Head, HeadNode, rollup
from headwater.state.heads import read_head
from headwater.state.janitor import missing_rows
from headwater.state.releases import find_release, map_at
from headwater.tasks.values import Relation, fills_of


@dataclass(frozen=True, slots=True)
class Point:
    """What to look at: an environment as it is, or as it was straight after a release."""

    environment: str
    release: str | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One side: what it serves, and of the node only what must be read."""

    point: Point
    head: Head
    around: Surroundings
    node: Node
    relation: Relation
    fills: Mapping[str, Fill]

    @property
    def rows(self) -> int:
        """Rows of the fills; 0 of a view."""
        return sum(fill.rows for fill in self.fills.values())

    @property
    def is_view(self) -> bool:
        """Whether it keeps no rows of its own."""
        return self.relation.kind == "view"


def is_one_view(a: Side, b: Side) -> bool:
    """Whether both sides compute the same view over the same rows."""
    graphs = ((a.around.graph, a.head), (b.around.graph, b.head))
    addresses = {served_address(graph, head, a.node.name) for graph, head in graphs}
    return a.is_view and b.is_view and len(addresses) == 1 and not a.node.volatile


def side_of(workspace: Workspace, point: Point, name: str) -> Side:
    """Look at a node at a point. Raises Invalid if it is not served there, or if its rows are gone (HW0551)."""
    with workspace.db.read():
        head = _head(workspace, point)
        graph = released_graph(workspace.db, point.environment, head.code)
        require_served(graph, head, name)
    relation = served_relation(graph, head, Input(node=name, columns=("*",)))
    fills = FillBook(workspace.db, workspace.store)
    fills.load(fills_of((relation,)))
    around = Surroundings(graph=graph, store=workspace.store, sources={}, inspections={}, fills=fills)
    own = {fill: fills[fill] for fill in relation.fills}
    return Side(Point(point.environment, head.release), head, around, around.node(name), relation, own)


def _head(workspace: Workspace, point: Point) -> Head:
    """The head as it is, or as a release left it. Raises Invalid if its rows are gone (HW0551)."""
    require_environment(workspace, point.environment)
    head = read_head(workspace.db, point.environment)
    if point.release is None:
        return head
    release = find_release(workspace.db, point.release).id
    if missing_rows(workspace.db, release):
        hint = "`keep:` in headwater.yaml says how long rows of old releases stay"
        raise Invalid.of("HW0551", f"rows of release `{release}` have been deleted", hint=hint)
    versions, entries, code = map_at(workspace.db, point.environment, release)
    nodes = {
        name: HeadNode(
            version=version,
            rollup=rollup((key, entry.digest) for key, entry in entries.get(name, {}).items()),
            slots=len(entries.get(name, {})),
        )
        for name, version in versions.items()
    }
    return replace(
        head, release=release, code=code, nodes=nodes, holds={}, entries_of=lambda name: entries.get(name, {})
    )


def without_shared(a: Side, b: Side) -> tuple[int, Side, Side]:
    """Take from both sides the fills that they share: by id, or, where the columns are the same, byte by byte."""
    if a.is_view or b.is_view:
        return 0, a, b
    both = a.fills.keys() & b.fills.keys()
    rest_a = {fill: each for fill, each in a.fills.items() if fill not in both}
    rest_b = {fill: each for fill, each in b.fills.items() if fill not in both}
    twins = Counter(map(_content, rest_a.values())) & Counter(map(_content, rest_b.values()))
    left, right = _less(rest_a, twins), _less(rest_b, twins)
    return len(both) + twins.total(), _reduced(a, left), _reduced(b, right)


def _content(fill: Fill) -> tuple[object, ...]:
    """What decides about a fill's rows without reading them; rows in a shared file have no hash of their own."""
    if fill.pack is not None:
        return (fill.id,)
    return fill.columns, tuple(sorted(file.sha256 for file in fill.files))


def _less(fills: Mapping[str, Fill], twins: Counter[tuple[object, ...]]) -> dict[str, Fill]:
    left, kept = Counter(twins), {}
    for name, fill in fills.items():
        if left[_content(fill)]:
            left[_content(fill)] -= 1
        else:
            kept[name] = fill
    return kept


def _reduced(side: Side, fills: Mapping[str, Fill]) -> Side:
    return replace(side, fills=fills, relation=replace(side.relation, fills=tuple(fills)))


def personal_columns(side: Side) -> frozenset[str]:
    """Give the columns that hold personal data, case-folded."""
    columns = columns_of_class(side.around.graph, is_personal)[side.node.name]
    return frozenset(name.casefold() for name in columns)
