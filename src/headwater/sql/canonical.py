"""The canonical form of a resolved query: a shape (hash) and the references that fill it, per column and for the rows.

Two queries of one form give the same result on the same data; layout, comments, names of aliases and of common table
expressions, and whatever is not used have no part in it. The form is ours: it says nothing in a parser's words that
we have not chosen, and ``FORM`` is raised whenever it changes.
"""

import re
from dataclasses import dataclass
from typing import Final

from headwater.spec.addresses import address
from headwater.sql.tree import (
    Derived,
    Expr,
    Generated,
    Join,
    Leaf,
    Limits,
    Nested,
    Parameter,
    Query,
    Ref,
    Select,
    SetOperation,
    Source,
    Table,
    Term,
    Tree,
    Unclear,
)

FORM: Final = "1"
"""Version of the canonical form."""

Reference = tuple[str, str]
"""(node, column), (node, ``""``) for the row set of a node, (``$``, name) for a parameter."""

_MARK: Final = re.compile("\x02([^\x02\x03]*)\x03([^\x02\x03]*)\x02")


@dataclass(frozen=True, slots=True)
class Shape:
    """A hash of structure with numbered holes, and the references that stand in them, in order."""

    hash: str
    references: tuple[Reference, ...]


def _mark(node: str, column: str) -> str:
    if "\x02" in node + column or "\x03" in node + column:
        raise Unclear("control characters in a name")
    return f"\x02{node}\x03{column}\x02"


def shape_of(text: str) -> Shape:
    """Take the references out of a canonical text."""
    numbers: dict[Reference, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"\x02{numbers.setdefault((match[1], match[2]), len(numbers))}\x02"

    body = _MARK.sub(number, text)
    return Shape(address("form", FORM, body), tuple(numbers))


class Canonical:
    """Writes canonical texts of one query; queries used twice are written once."""

    def __init__(self) -> None:
        self._rows: dict[int, str] = {}
        self._columns: dict[tuple[int, int], str] = {}
        self._kept: list[Query] = []

    def column(self, query: Query, index: int) -> str:
        """Text of an output column's values, given the row set."""
        key = (id(query), index)
        if key not in self._columns:
            self._kept.append(query)
            self._columns[key] = _folded(self._column(query, index))
        return self._columns[key]

    def rows(self, query: Query, *, ordered: bool = True) -> str:
        """Text of what decides which rows exist; with ``ordered`` also of their order, where a query says it."""
        if not ordered:
            return self._query(query, ordered=False)
        if id(query) not in self._rows:
            self._kept.append(query)
            self._rows[id(query)] = _folded(self._query(query, ordered=True))
        return self._rows[id(query)]

    def _column(self, query: Query, index: int) -> str:
        if isinstance(query, SetOperation):
            return f"(either side {' '.join(self.column(each, index) for each in _sides(query))})"
        return self.expr(query.outputs[index].value)

    def _query(self, query: Query, *, ordered: bool) -> str:
        if isinstance(query, SetOperation):
            return self._set_operation(query, ordered=ordered)
        parts = [
            f"from {self._tree(query.tree)}",
            *self._part("where", query.where),
            *self._group(query),
            *self._part("having", query.having),
            *self._part("qualify", query.qualify),
            *(f"unnest {self.expr(each)}" for each in query.unnests),
            *([f"sample {query.sample}"] if query.sample else []),
            *self._limits(query.limits, query, ordered=ordered),
        ]
        return f"(select {' '.join(parts)})"

    def _group(self, query: Select) -> list[str]:
        if not query.aggregated:
            return []
        return [f"group {' '.join(map(self.expr, query.groups))} sets {query.group_sets}"]

    def _set_operation(self, query: SetOperation, *, ordered: bool) -> str:
        sides = _sides(query)
        parts = [self.rows(each) for each in sides]
        if query.kind != "union all":
            parts += [column for each in sides for column in self._all_columns(each)]
        limits = self._limits(query.limits, query, ordered=ordered)
        return f"({query.kind} {len(sides)} {' '.join(parts + limits)})"

    def _all_columns(self, query: Query) -> list[str]:
        return [self.column(query, index) for index in range(len(query.outputs))]

    def _limits(self, limits: Limits, query: Query, *, ordered: bool) -> list[str]:
        parts: list[str] = []
        if limits.distinct:
            what = [self.expr(each) for each in limits.on] if limits.on else self._all_columns(query)
            parts.append(f"distinct {'on' if limits.on else 'all'} {' '.join(what)}")
        if limits.order and (ordered or limits.limit or limits.on):
            parts.append(f"order {' '.join(map(self.expr, limits.order))}")
        parts += [self.expr(each) for each in limits.limit]
        return parts

    def _part(self, word: str, expr: Expr | None) -> list[str]:
        return [] if expr is None else [f"{word} {self.expr(expr)}"]

    def _tree(self, tree: Tree | None) -> str:
        match tree:
            case None:
                return "nothing"
            case Leaf():
                return f"({tree.position} {self._source(tree.source)} {tree.sample})"
            case Join():
                on = " ".join(self._part("on", tree.condition))
                using = " ".join(f"using {self.expr(a)} {self.expr(b)}" for a, b in tree.using)
                return f"({tree.kind} {self._tree(tree.left)} {self._tree(tree.right)} {on} {using} {tree.sample})"

    def _source(self, source: Source) -> str:
        match source:
            case Table():
                return _mark(source.node, "")
            case Derived():
                table = _only_projects(source.query)
                return self.rows(source.query) if table is None else self._source(table)
            case Generated():
                return self.expr(source.rows)

    def expr(self, expr: Expr) -> str:
        """Text of an expression."""
        match expr:
            case Ref():
                return f"{expr.depth}.{expr.position}.{self._cell(expr.source, expr.index)}"
            case Parameter():
                return _mark("$", expr.name)
            case Term(kind="either"):
                meanings = list(dict.fromkeys(map(self.expr, expr.parts)))
                return meanings[0] if len(meanings) == 1 else f"(either {' '.join(meanings)})"
            case Term():
                return f"({_safe(expr.kind)} {' '.join(map(self.expr, expr.parts))})"
            case Nested():
                exists = expr.kind.endswith("exists")
                columns = "" if exists else " ".join(self._all_columns(expr.query))
                parts = " ".join(map(self.expr, expr.parts))
                return f"({expr.kind} {self.rows(expr.query)} [{columns}] {parts})"

    def _cell(self, source: Source, index: int) -> str:
        match source:
            case Table():
                return _mark(source.node, source.own[index])
            case Derived():
                value = source.query.outputs[index].value
                if isinstance(value, Ref) and _only_projects(source.query) is not None:
                    return self._cell(value.source, value.index)
                return self.column(source.query, index)
            case Generated():
                cells = source.cells
                return f"[{index} {self.expr(cells[index]) if index < len(cells) else self.expr(source.rows)}]"


def _sides(query: SetOperation) -> list[Query]:
    """The sides of a union, however it is nested: engines split long ones as they like."""
    sides: list[Query] = []
    for side in (query.left, query.right):
        same = isinstance(side, SetOperation) and side.kind == query.kind and query.kind.startswith("union")
        plain = isinstance(side, SetOperation) and not side.limits.cuts
        sides += _sides(side) if isinstance(side, SetOperation) and same and plain else [side]
    return sides


def _only_projects(query: Query) -> Table | None:
    """The table of a subquery that has the very rows of it: ``WITH t AS (SELECT a, b FROM raw) …``."""
    if isinstance(query, SetOperation) or not isinstance(query.tree, Leaf) or query.tree.sample or query.sample:
        return None
    decides = (query.where, query.having, query.qualify, query.aggregated, query.unnests, query.limits.order)
    if any(decides) or query.limits.cuts:
        return None
    source = query.tree.source
    return (
        _only_projects(source.query) if isinstance(source, Derived) else source if isinstance(source, Table) else None
    )


def _safe(kind: str) -> str:
    """Kinds may hold the user's own text (constants, field names): nothing in them can look like structure."""
    return kind if kind.isalnum() else repr(kind)


def _folded(text: str) -> str:
    """A text as a call of its shape: never longer than its references, however often it is used."""
    shape = shape_of(text)
    return f"#{shape.hash}({' '.join(_mark(*reference) for reference in shape.references)})"
