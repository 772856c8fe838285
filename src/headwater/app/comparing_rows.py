"""How the rows of a table differ between two environments, or two releases of one, without reading what they share."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headwater.app.environments import require_environment
from headwater.app.graphs import released_graph
from headwater.app.reading import require_served
from headwater.app.workspace import Workspace
from headwater.diagnostics import Invalid, suggest
from headwater.graph.classes import columns_of_class, is_personal
from headwater.graph.values import Column, Input, Node
from headwater.run.context import FillBook
from headwater.run.engine import Session, as_headwater_error
from headwater.run.python.models import fills_of
from headwater.run.relations import Surroundings, define
from headwater.run.row_differences import Answer, Compared, Question, common_type, compare
from headwater.run.serving import served_address, served_relation
from headwater.spec.fills import Fill
from headwater.spec.releases import Head, HeadNode, rollup
from headwater.sql.text import literal, quote_identifier, quote_relation
from headwater.state.heads import read_head
from headwater.state.janitor import missing_rows
from headwater.state.releases import find_release, map_at
from headwater.tasks.values import Relation


@dataclass(frozen=True, slots=True)
class Point:
    """What to look at: an environment as it is, or as it was straight after a release."""

    environment: str
    release: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How to compare."""

    key: tuple[str, ...] = ()
    """Columns that identify a row; empty: the model's grain or key, else rows are compared whole."""
    sample: int = 10
    tolerance: float = 0.0
    shows_personal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChange:
    """A column that only one side has (the other type is empty), or that has another type."""

    name: str
    type_a: str = ""
    type_b: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """How the rows of a node differ. ``answer`` is None where nothing had to be read, or no column is common."""

    node: str
    a: Point
    b: Point
    version_a: str
    version_b: str
    schema: tuple[ColumnChange, ...]
    rows_a: int
    rows_b: int
    slots_a: int
    slots_b: int
    shared: int
    """Slots that both sides hold with the same rows, by fill or by content: not read."""
    shared_rows: int
    read: int
    """Slots that were read, of both sides together."""
    columns: tuple[Compared, ...]
    is_key_checked: bool = False
    """Blocking checks of both sides say that the key identifies rows: what is said of keys holds for whole tables."""
    answer: Answer | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that rows are paired by."""
        return tuple(column.name for column in self.columns if column.is_key)

    @property
    def is_same(self) -> bool:
        """Whether schema and rows are the same."""
        found = self.answer
        has_same_rows = found is None or not (found.only_a or found.only_b or found.differing)
        return has_same_rows and not self.schema and self.rows_a == self.rows_b

    @property
    def in_both(self) -> int:
        """Rows of A that have a partner in B, equal or not."""
        return self.rows_a - (self.answer.only_a if self.answer else 0)


@dataclass(frozen=True, slots=True)
class _Side:
    """One side: what it serves, and of the node only what must be read."""

    point: Point
    head: Head
    around: Surroundings
    node: Node
    relation: Relation
    fills: Mapping[str, Fill]

    @property
    def rows(self) -> int:
        return sum(fill.rows for fill in self.fills.values())


def compare_rows(workspace: Workspace, node: str, a: Point, b: Point, wanted: Wanted) -> RowDifference:
    """Compare the rows of a table or view; raises Invalid for a node, release or key that is not there."""
    left, right = _side(workspace, a, node), _side(workspace, b, node)
    columns = _columns(left.node, right.node)
    keyed, is_checked = _key(left.node, right.node, wanted, columns)
    if wanted.tolerance and not keyed:
        hint = "name the columns that identify a row with `--key`"
        raise Invalid.of("HW0686", f"rows of `{node}` have no key to be paired by", hint=hint)
    masked = frozenset() if wanted.shows_personal else _personal(left) | _personal(right)
    shared, rest_a, rest_b = _without_shared(left, right)
    found = RowDifference(
        node=node,
        a=left.point,
        b=right.point,
        version_a=left.relation.version,
        version_b=right.relation.version,
        schema=_schema(left.node, right.node),
        rows_a=left.rows,
        rows_b=right.rows,
        slots_a=len(left.fills),
        slots_b=len(right.fills),
        shared=shared,
        shared_rows=left.rows - rest_a.rows,
        read=len(rest_a.fills) + len(rest_b.fills),
        columns=tuple(
            replace(c, is_key=c.name.casefold() in keyed, is_masked=c.name.casefold() in masked) for c in columns
        ),
        is_key_checked=is_checked,
    )
    is_unread = not _is_view(left) and not _is_view(right) and not found.read
    return found if is_unread or _is_one_view(left, right) else _answered(workspace, found, rest_a, rest_b, wanted)


def _is_view(side: _Side) -> bool:
    return side.relation.kind == "view"


def _is_one_view(a: _Side, b: _Side) -> bool:
    """Whether both sides compute the same view over the same rows."""
    graphs = ((a.around.graph, a.head), (b.around.graph, b.head))
    addresses = {served_address(graph, head, a.node.name) for graph, head in graphs}
    return _is_view(a) and _is_view(b) and len(addresses) == 1 and not a.node.volatile


def _side(workspace: Workspace, point: Point, name: str) -> _Side:
    with workspace.db.read():
        head = _head(workspace, point)
        graph = released_graph(workspace.db, point.environment, head.code)
        require_served(graph, head, name)
    relation = served_relation(graph, head, Input(node=name, columns=("*",)))
    fills = FillBook(workspace.db, workspace.store)
    fills.load(fills_of((relation,)))
    around = Surroundings(graph=graph, store=workspace.store, sources={}, inspections={}, fills=fills)
    own = {fill: fills[fill] for fill in relation.fills}
    return _Side(Point(point.environment, head.release), head, around, around.node(name), relation, own)


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


def _without_shared(a: _Side, b: _Side) -> tuple[int, _Side, _Side]:
    """Take from both sides the fills that they share: by id, or, where the columns are the same, byte by byte."""
    if _is_view(a) or _is_view(b):
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


def _reduced(side: _Side, fills: Mapping[str, Fill]) -> _Side:
    return replace(side, fills=fills, relation=replace(side.relation, fills=tuple(fills)))


def _answered(workspace: Workspace, found: RowDifference, a: _Side, b: _Side, wanted: Wanted) -> RowDifference:
    workspace.temporary.mkdir(parents=True, exist_ok=True)
    now = {"now": literal(workspace.effects.clock())}
    with workspace.engine.session() as session:
        try:
            relations = [_defined(session, side, now) for side in (a, b)]
            counted = replace(
                found,
                rows_a=_rows(session, relations[0], a, found.rows_a),
                rows_b=_rows(session, relations[1], b, found.rows_b),
                columns=tuple(_comparable(session, column) for column in found.columns),
            )
            if not counted.columns:
                only = Answer(only_a=counted.rows_a - found.shared_rows, only_b=counted.rows_b - found.shared_rows)
                return replace(counted, answer=only)
            question = Question(
                a=relations[0],
                b=relations[1],
                columns=counted.columns,
                tolerance=wanted.tolerance,
                sample=wanted.sample,
                is_unique=found.is_key_checked,
            )
            return replace(counted, answer=compare(session, question))
        except Exception as problem:
            raise as_headwater_error(problem, "the comparison", store=workspace.store) from problem


def _rows(session: Session, relation: str, side: _Side, known: int) -> int:
    return int(session.rows(f"SELECT count(*) FROM {relation}")[0][0]) if _is_view(side) else known


def _defined(session: Session, side: _Side, now: Mapping[str, str]) -> str:
    """Define one side's relation in a scope of its own: both go by the same name."""
    scope = session.attach()
    session.use(scope)
    inside = Session(session.connection, scope)
    define(inside, [side.relation], side.around, now)
    session.attached += inside.attached
    session.use(session.name)
    schema = "" if "." in side.node.name else "main."
    return f"{quote_identifier(scope)}.{schema}{quote_relation(side.node.name)}"


def _comparable(session: Session, column: Compared) -> Compared:
    """A column of two types is compared in one that holds both."""
    one, _, other = column.type.partition("\0")
    return replace(column, type=common_type(session, one, other or one), is_cast=bool(other))


def _columns(a: Node, b: Node) -> list[Compared]:
    """Columns that both have, whatever the case of their letters; two types stand in ``type`` until they are one."""
    theirs = {column.name.casefold(): column for column in b.columns}
    return [
        Compared(each.name, other.name, each.type if each.type == other.type else f"{each.type}\0{other.type}")
        for each in a.columns
        if (other := theirs.get(each.name.casefold()))
    ]


def _schema(a: Node, b: Node) -> tuple[ColumnChange, ...]:
    left, right = _types(a.columns), _types(b.columns)
    names = {**left, **right}
    return tuple(
        ColumnChange(name=(left.get(key) or right[key])[0], type_a=one, type_b=other)
        for key in names
        if (one := left.get(key, ("", ""))[1]) != (other := right.get(key, ("", ""))[1])
    )


def _types(columns: Sequence[Column]) -> dict[str, tuple[str, str]]:
    return {column.name.casefold(): (column.name, column.type) for column in columns}


def _key(a: Node, b: Node, wanted: Wanted, columns: Sequence[Compared]) -> tuple[frozenset[str], bool]:
    """Give the key (case-folded), and whether checks of both sides say that it identifies rows."""
    common = {column.name.casefold() for column in columns}
    for name in wanted.key:
        if name.casefold() not in common:
            hint = suggest(name, [column.name for column in columns])
            raise Invalid.of("HW0685", f"`{a.name}` has no column `{name}` on both sides", hint=hint)
    known_a, known_b = _unique(a), _unique(b)
    both = [key for key in known_a if key in known_b and key <= common]
    key = frozenset(name.casefold() for name in wanted.key) or next(iter(both), frozenset())
    return key, any(unique <= key for unique in known_a) and any(unique <= key for unique in known_b)


def _unique(node: Node) -> list[frozenset[str]]:
    """Sets of columns that identify a row of the node: blocking checks see to it, or how it is made."""
    keys = [check.unique for check in node.checks if check.on_fail == "block" and check.unique]
    if node.chain is not None and node.chain.role == "fold" and node.chain.kind == "merge":
        keys.insert(0, node.chain.key)
    return [frozenset(name.casefold() for name in key) for key in keys]


def _personal(side: _Side) -> frozenset[str]:
    columns = columns_of_class(side.around.graph, is_personal)[side.node.name]
    return frozenset(name.casefold() for name in columns)
