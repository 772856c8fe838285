"""Resolved trees as SQL again: every column is qualified, every source has an alias of its own, every output a name."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Final

from headwater.sql.plain import plain
from headwater.sql.survey import Survey
from headwater.sql.text import quote_identifier, quote_relation, visible_tokens
from headwater.sql.traversal import looks_out
from headwater.sql.tree import (
    Derived,
    Expr,
    Generated,
    Join,
    Leaf,
    Limits,
    Query,
    Ref,
    Select,
    SetOperation,
    Table,
    Term,
    Tree,
    Unclear,
    leaves,
)
from headwater.sql.wording import Wording, direction

NameOf = Callable[[Table], str]

_JOINS: Final = {
    "inner regular": "JOIN",
    "left regular": "LEFT JOIN",
    "right regular": "RIGHT JOIN",
    "full regular": "FULL JOIN",
    "semi regular": "SEMI JOIN",
    "anti regular": "ANTI JOIN",
    "inner cross": "CROSS JOIN",
    "inner positional": "POSITIONAL JOIN",
    "inner asof": "ASOF JOIN",
    "left asof": "ASOF LEFT JOIN",
}
_UNCONDITIONAL: Final = frozenset({"inner cross", "inner positional"})
_SET_OPERATIONS: Final = frozenset({"union", "union all", "except", "except all", "intersect", "intersect all"})
Frame = Mapping[int, str]
"""Aliases of the sources of one SELECT, by position."""


def own_name(table: Table) -> str:
    """Give the quoted name of the node that a table is."""
    return quote_relation(table.node)


def render(query: Query, name_of: NameOf = own_name) -> str:
    """Give a query as SQL text that parses and resolves to the same tree.

    ``name_of`` gives the (quoted) name under which the text reads a table; its columns keep their own names.
    A query that is used several times is written once, in front. Raises Unclear where the tree does not hold enough.
    """
    try:
        return _Rendering(plain(query), name_of).text()
    except RecursionError:
        raise Unclear("the query is nested too deeply") from None


def unquoted(name: str) -> str:
    """Give the name that a quoted name says.

    >>> unquoted('"granted"."g1"')
    'granted.g1'
    """
    parts = [token.text for token in visible_tokens(name) if token.text != "."]
    return ".".join(part[1:-1].replace('""', '"') if part.startswith('"') else part for part in parts)


class _Rendering:
    """One text: its aliases, the queries that are written in front, and what stands around the place being written."""

    def __init__(self, query: Query, name_of: NameOf) -> None:
        self._query = query
        self._name_of = name_of
        self._frames: list[Frame] = []
        parts = Survey(query)
        self._shared = parts.shared
        self._front: dict[int, tuple[str, tuple[str, ...], str]] = {}
        """Shared query (by identity) → its name, the names of its columns, its text."""
        taken = parts.names | {unquoted(name_of(table)).casefold() for table in parts.tables}
        self._aliases = (name for name in (f"t{at}" for at in count()) if name not in taken)
        self._fronts = (name for name in (f"c{at}" for at in count()) if name not in taken)
        self._outputs = (name for name in (f"x{at}" for at in count()) if name not in taken)
        self._alias_of: dict[int, str] = {}

    def text(self) -> str:
        """Give the whole text."""
        body = self._write(self._query, [each.name for each in self._query.outputs])
        front = ", ".join(f"{quote_identifier(name)} AS ({text})" for name, _, text in self._front.values())
        return f"WITH {front} {body}" if front else body

    def _write(self, query: Query, names: Sequence[str | None]) -> str:
        if isinstance(query, Select):
            return self._select(query, names)
        return self._set_operation(query, names)

    def _set_operation(self, query: SetOperation, names: Sequence[str | None]) -> str:
        if query.kind not in _SET_OPERATIONS:
            raise Unclear(f"the set operation {query.kind}")
        left, right = self._write(query.left, names), self._write(query.right, names)
        self._frames.append({})
        try:
            tail = self._tail(query.limits, query)
        finally:
            self._frames.pop()
        if query.limits.distinct:
            raise Unclear("DISTINCT of a set operation")
        return f"({left}) {query.kind.upper()} ({right}){tail}"

    def _select(self, query: Select, names: Sequence[str | None]) -> str:
        if query.sample:
            raise Unclear("a sample")
        self._frames.append({leaf.position: self._alias(leaf) for leaf in leaves(query.tree)})
        try:
            rows = _only_values(query)
            body = self._values(rows) if rows is not None else self._body(query, names)
            return body + self._tail(query.limits, query)
        finally:
            self._frames.pop()

    def _body(self, query: Select, names: Sequence[str | None]) -> str:
        limits = query.limits
        on = f" ON ({', '.join(self._place(each, query) for each in limits.on)})" if limits.on else ""
        outputs = [
            f"{self._expr(each.value)} AS {quote_identifier(name or next(self._outputs))}"
            for each, name in zip(query.outputs, names, strict=True)
        ]
        clauses = [
            f"SELECT{' DISTINCT' + on if limits.distinct else ''} {', '.join(outputs)}",
            *([f"FROM {self._tree(query.tree)}"] if query.tree is not None else []),
            *self._clause("WHERE", query.where),
            *self._groups(query),
            *self._clause("HAVING", query.having),
            *self._clause("QUALIFY", query.qualify),
        ]
        return " ".join(clauses)

    def _clause(self, word: str, expr: Expr | None) -> list[str]:
        return [] if expr is None else [f"{word} {self._expr(expr)}"]

    def _groups(self, query: Select) -> list[str]:
        if not query.group_sets:
            return []
        sets = json.loads(query.group_sets)
        if sets == [list(range(len(query.groups)))] and query.groups:
            return [f"GROUP BY {', '.join(self._place(each, query) for each in query.groups)}"]
        groups = [self._expr(each) for each in query.groups]
        written = ", ".join(f"({', '.join(groups[at] for at in each)})" for each in sets)
        return [f"GROUP BY GROUPING SETS ({written})"]

    def _tail(self, limits: Limits, query: Query) -> str:
        items = [text for item in limits.order for text in self._items(item, query)]
        order = f" ORDER BY {', '.join(items)}" if items else ""
        return order + "".join(f" {self._limit(each)}" for each in limits.limit)

    def _items(self, item: Term, query: Query) -> Iterator[str]:
        values = [each.value for each in query.outputs]
        if item.kind.startswith("all "):
            if len(item.parts) != len(values) or not all(map(_same, item.parts, values)):
                raise Unclear("ORDER BY ALL of other columns")
            yield f"ALL{direction(item.kind.removeprefix('all '))}"
            return
        for part in item.parts:
            yield f"{self._place(part, query)}{direction(item.kind)}"

    def _limit(self, term: Term) -> str:
        word = term.kind.removesuffix("%").upper()
        if len(term.parts) != 1 or word not in ("LIMIT", "OFFSET"):
            raise Unclear(f"the limit {term.kind}")
        percent = "%" if term.kind == "limit%" else ""
        return f"{word} {self._expr(term.parts[0])}{percent}"

    def _place(self, expr: Expr, query: Query) -> str:
        """An output's place if it is one, else the expression: a bare constant would be a place."""
        for at, output in enumerate(query.outputs, start=1):
            if _same(expr, output.value):
                return str(at)
        if isinstance(query, SetOperation):
            raise Unclear("an order of something else than the outputs")
        if isinstance(expr, Term) and expr.kind.startswith("constant:"):
            raise Unclear("a constant as a group or an order")
        return self._expr(expr)

    def _values(self, rows: Term) -> str:
        cells = [part.parts for part in rows.parts if isinstance(part, Term)]
        lines = (f"({', '.join(map(self._expr, line))})" for line in zip(*cells, strict=True))
        return f"VALUES {', '.join(lines)}"

    def _tree(self, tree: Tree | None) -> str:
        match tree:
            case None:
                raise Unclear("nothing in FROM")
            case Leaf():
                return self._leaf(tree)
            case Join():
                return self._join(tree)

    def _join(self, join: Join) -> str:
        if join.sample or join.using or join.kind not in _JOINS:
            raise Unclear(f"the join {join.kind}")
        if (join.condition is None) != (join.kind in _UNCONDITIONAL):
            raise Unclear("a join without a condition")
        left, right = self._tree(join.left), self._tree(join.right)
        on = "" if join.condition is None else f" ON {self._expr(join.condition)}"
        return f"({left} {_JOINS[join.kind]} {right}{on})"

    def _leaf(self, leaf: Leaf) -> str:
        if leaf.sample:
            raise Unclear("a sample")
        alias = quote_identifier(self._frames[-1][leaf.position])
        match leaf.source:
            case Table():
                return f"{self._name_of(leaf.source)} AS {alias}"
            case Derived():
                return self._derived(leaf.source, alias)
            case Generated():
                head, _, name = _term(leaf.source.rows).kind.partition(":")
                if head != "rows" or name not in ("range", "generate_series", "unnest"):
                    raise Unclear("rows of another kind")
                arguments = ", ".join(map(self._expr, _term(leaf.source.rows).parts))
                return f"{name}({arguments}) AS {alias}({_names(leaf.source.columns)})"

    def _derived(self, source: Derived, alias: str) -> str:
        query, columns = source.query, _visible(source.columns)
        if id(query) in self._shared and not looks_out(query):
            name, given = self._in_front(query, columns)
            renamed = "" if given == columns else f"({_names(columns)})"
            return f"{quote_identifier(name)} AS {alias}{renamed}"
        renamed = f"({_names(columns)})" if isinstance(query, Select) and _only_values(query) is not None else ""
        return f"({self._write(query, columns)}) AS {alias}{renamed}"

    def _in_front(self, query: Query, columns: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """A query in front sees nothing of what stands around the place where it is used."""
        if id(query) not in self._front:
            around, self._frames = self._frames, []
            try:
                text = self._write(query, columns)
            finally:
                self._frames = around
            renamed = isinstance(query, Select) and _only_values(query) is not None
            given = () if renamed else columns
            self._front[id(query)] = (next(self._fronts), given, text)
        name, given, _ = self._front[id(query)]
        return name, given

    def _alias(self, leaf: Leaf) -> str:
        if id(leaf) not in self._alias_of:
            self._alias_of[id(leaf)] = next(self._aliases)
        return self._alias_of[id(leaf)]

    def _expr(self, expr: Expr) -> str:
        return Wording(self._ref, self._nested, self._row).expr(expr)

    def _row(self, row: Term) -> str:
        """A source's alias stands for its whole row, if the row is whole and its columns are called as they are."""
        first = row.parts[0] if row.parts else None
        if not isinstance(first, Ref) or first.depth >= len(self._frames):
            raise Unclear("a row of something else")
        source = first.source
        columns = source.own if isinstance(source, Table) else source.columns
        places = [(part.source, part.depth, part.index) for part in row.parts if isinstance(part, Ref)]
        if row.kind != "row:" + ",".join(columns) or any(name.startswith("\0") for name in columns):
            raise Unclear("a row under other names")
        if places != [(source, first.depth, at) for at in range(len(columns))]:
            raise Unclear("a part of a row")
        return quote_identifier(self._frames[-1 - first.depth][first.position])

    def _ref(self, ref: Ref) -> str:
        if ref.depth >= len(self._frames):
            raise Unclear("a column of a query that is not there")
        alias = self._frames[-1 - ref.depth][ref.position]
        columns = ref.source.own if isinstance(ref.source, Table) else _visible(ref.source.columns)
        return f"{quote_identifier(alias)}.{quote_identifier(columns[ref.index])}"

    def _nested(self, query: Query) -> str:
        return self._write(query, [each.name for each in query.outputs])


def _same(one: Expr, other: Expr) -> bool:
    """The very same expression; outputs of set operations are made anew each time they are asked for."""
    if isinstance(one, Term) and isinstance(other, Term) and one.kind == other.kind == "either side":
        return all(map(_same, one.parts, other.parts))
    return one is other


def _only_values(query: Select) -> Term | None:
    """The rows of ``VALUES …``, if the query is nothing else (it may be ordered and cut)."""
    if not isinstance(query.tree, Leaf) or not isinstance(query.tree.source, Generated):
        return None
    rows = query.tree.source.rows
    if not isinstance(rows, Term) or not rows.kind.startswith("values:"):
        return None
    places = [
        each.value.index if isinstance(each.value, Ref) and not each.value.depth else -1 for each in query.outputs
    ]
    decides = query.where, query.aggregated, query.having, query.qualify, query.unnests, query.limits.distinct
    if any(decides) or places != list(range(len(query.tree.source.columns))):
        raise Unclear("VALUES with something else in one SELECT")
    return rows


def _term(expr: Expr) -> Term:
    if not isinstance(expr, Term):
        raise Unclear("rows of another kind")
    return expr


def _visible(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Columns that cannot be addressed get a name, too: one that nobody says."""
    return tuple(f"{name[1:]} unnamed" if name.startswith("\0") else name for name in columns)


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(map(quote_identifier, columns))
