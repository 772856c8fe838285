"""How the rows of a table differ between two environments, or two releases of one, without reading what they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headwater.app.compared_sides import Point, Side, is_one_view, personal_columns, side_of, without_shared
from headwater.app.workspace import Workspace
from headwater.diagnostics import Invalid, suggest
from headwater.graph.values import Column, Node
from headwater.run.engine import Session, as_headwater_error
from headwater.run.relations import define
from headwater.run.row_differences import Answer, Compared, Question, common_type, compare
from headwater.sql.text import literal, quote_identifier, quote_relation


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


def compare_rows(workspace: Workspace, node: str, a: Point, b: Point, wanted: Wanted) -> RowDifference:
    """Compare the rows of a table or view; raises Invalid for a node, release or key that is not there."""
    left, right = side_of(workspace, a, node), side_of(workspace, b, node)
    columns = _columns(left.node, right.node)
    keyed, is_checked = _key(left.node, right.node, wanted, columns)
    if wanted.tolerance and not keyed:
        hint = "name the columns that identify a row with `--key`"
        raise Invalid.of("HW0686", f"rows of `{node}` have no key to be paired by", hint=hint)
    masked = frozenset() if wanted.shows_personal else personal_columns(left) | personal_columns(right)
    shared, rest_a, rest_b = without_shared(left, right)
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
    is_unread = not left.is_view and not right.is_view and not found.read
    return found if is_unread or is_one_view(left, right) else _answered(workspace, found, rest_a, rest_b, wanted)


def _answered(workspace: Workspace, found: RowDifference, a: Side, b: Side, wanted: Wanted) -> RowDifference:
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


def _rows(session: Session, relation: str, side: Side, known: int) -> int:
    return int(session.rows(f"SELECT count(*) FROM {relation}")[0][0]) if side.is_view else known


def _defined(session: Session, side: Side, now: Mapping[str, str]) -> str:
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
