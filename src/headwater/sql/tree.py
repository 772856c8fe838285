"""A query as a value: every name resolved to the source and column it stands for, macros and stars expanded."""

from collections.abc import Iterator
from dataclasses import dataclass, field


class Unclear(Exception):
    """Something whose meaning we do not know for sure: what it belongs to depends on everything it reads.

    Never reaches a user: the query is then analysed as a whole.
    """


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A node that a query reads: the visible names of its columns and the node's own."""

    node: str
    columns: tuple[str, ...]
    own: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """A subquery or common table expression in FROM."""

    query: "Query"
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Generated:
    """Rows made of expressions: VALUES, ``range``, ``unnest``; one expression per column, and one for the rows."""

    rows: "Expr"
    cells: tuple["Expr", ...]
    columns: tuple[str, ...]


Source = Table | Derived | Generated


@dataclass(frozen=True, slots=True, eq=False)
class Ref:
    """A column of a source of the query ``depth`` levels further out."""

    depth: int
    position: int
    source: Source
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """``$name``."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """Anything else: a kind in our own stable words, and its parts."""

    kind: str
    parts: tuple["Expr", ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Nested:
    """A query inside an expression: scalar, EXISTS, IN, ANY."""

    kind: str
    query: "Query"
    parts: tuple["Expr", ...] = ()


Expr = Ref | Parameter | Term | Nested


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One source in the FROM tree; ``sample`` describes a TABLESAMPLE."""

    position: int
    source: Source
    sample: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Join:
    """Two parts of the FROM tree; ``kind`` says type and form (``inner regular``, ``left asof`` …)."""

    kind: str
    left: "Tree"
    right: "Tree"
    condition: Expr | None
    using: tuple[tuple[Expr, Expr], ...] = ()
    sample: str = ""


Tree = Leaf | Join


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """An output column: its name where the query says it, else None."""

    name: str | None
    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """What stands behind a query: DISTINCT (``on`` empty: all columns), ORDER BY, LIMIT and OFFSET."""

    distinct: bool = False
    on: tuple[Expr, ...] = ()
    order: tuple[Term, ...] = ()
    limit: tuple[Term, ...] = ()

    @property
    def cuts(self) -> bool:
        """Whether it decides which rows exist (an order alone does not)."""
        return self.distinct or bool(self.limit)


@dataclass(frozen=True, slots=True, eq=False)
class Select:
    """SELECT … FROM … WHERE … GROUP BY … HAVING … QUALIFY …."""

    tree: Tree | None
    outputs: tuple[Output, ...]
    where: Expr | None = None
    groups: tuple[Expr, ...] = ()
    group_sets: str = ""
    having: Expr | None = None
    qualify: Expr | None = None
    aggregated: bool = False
    unnests: tuple[Expr, ...] = ()
    """Output expressions that make rows."""
    sample: str = ""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, eq=False)
class SetOperation:
    """UNION, EXCEPT or INTERSECT of two queries, by position."""

    kind: str
    left: "Query"
    right: "Query"
    limits: Limits = field(default_factory=Limits)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Names are those of the left side."""
        pairs = zip(self.left.outputs, self.right.outputs, strict=True)
        return tuple(Output(a.name, Term("either side", (a.value, b.value))) for a, b in pairs)


Query = Select | SetOperation


def leaves(tree: Tree | None) -> Iterator[Leaf]:
    """All sources of a FROM tree, from left to right."""
    if isinstance(tree, Leaf):
        yield tree
    elif tree is not None:
        yield from leaves(tree.left)
        yield from leaves(tree.right)


def walk(expr: Expr) -> Iterator[Expr]:
    """An expression and all its parts, without the inside of nested queries."""
    yield expr
    if isinstance(expr, Term | Nested):
        for part in expr.parts:
            yield from walk(part)
