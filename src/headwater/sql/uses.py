"""What a query needs of each relation it reads: columns, and predicates that are sure of every row that matters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.sql.binding import Relation
from headwater.sql.canonical import Canonical
from headwater.sql.plain import plain
from headwater.sql.predicates import Conjunct, conjunct, is_steady, normal, over, refs, substituted
from headwater.sql.traversal import expressions
from headwater.sql.tree import (
    Derived,
    Expr,
    Generated,
    Join,
    Nested,
    Query,
    Ref,
    Select,
    SetOperation,
    Source,
    Table,
    Term,
    Tree,
    Unclear,
    leaves,
    walk,
)

_FILTERS_LEFT: Final = frozenset({"inner", "right", "semi"})
"""Join types where a row of the left side that the condition refuses never matters."""
_FILTERS_RIGHT: Final = frozenset({"inner", "left", "semi", "anti"})
_KEEPS_LEFT: Final = frozenset({"inner", "left", "semi", "anti"})
"""Join types whose rows hold the left side's columns as they are, never NULL for want of a partner."""
_KEEPS_RIGHT: Final = frozenset({"inner", "right"})
_PLAIN_JOINS: Final = frozenset({"regular", "cross"})
_SHARP_TYPES: Final = frozenset(
    {"VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DECIMAL", "UUID"}
    | {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
"""Types whose equal values are the same in every way; of others (0.0 and -0.0) a group may hold several."""
_CLEAR_VALUES: Final = ("field:", "cast:", "function:")


@dataclass(frozen=True, slots=True, eq=False)
class Used:
    """One occurrence of a relation."""

    number: int
    table: Table
    """The leaf of the query's tree: it is told from others by identity."""
    columns: frozenset[str]
    """Own names of those used as a value or to decide anything."""
    conjuncts: tuple[Conjunct, ...] = ()
    """Rows that fail any of them could be deleted, and the result would be the same."""


def occurrences(query: Query) -> tuple[Table, ...]:
    """Give the tables that a query reads, each leaf once: first FROM, from left to right and inwards, then the clauses.

    A common table expression (or an inlined view) that is used several times is one query, and its tables count once:
    they are read once, for all its uses.
    """
    return _tables(plain(query))


def _tables(clear: Query) -> tuple[Table, ...]:
    return tuple(source for each in _ordered(clear) for source in _sources(each) if isinstance(source, Table))


def uses(query: Query, relations: Mapping[str, Relation]) -> tuple[Used, ...]:
    """Say what is needed of each of the query's ``occurrences``, in order; ``relations`` (by node) tells the types.

    Raises Unclear if it is nested too deeply.
    """
    try:
        clear = plain(query)
        known = _Uses(clear, relations)
    except RecursionError:
        raise Unclear("the query is nested too deeply") from None
    return tuple(
        Used(number, table, frozenset(known.columns[id(table)]), known.conjuncts_of(table))
        for number, table in enumerate(_tables(clear))
    )


def _ordered(query: Query) -> list[Query]:
    """All queries inside a query and itself, each once, in the order in which they are met."""
    found: dict[int, Query] = {}
    pending = [query]
    while pending:
        each = pending.pop()
        if id(each) not in found:
            found[id(each)] = each
            pending += reversed(list(_inside(each)))
    return list(found.values())


def _inside(query: Query) -> Iterator[Query]:
    """The queries that stand directly in a query."""
    if isinstance(query, SetOperation):
        yield from (query.left, query.right)
    for source in _sources(query):
        if isinstance(source, Derived):
            yield source.query
    for expr in _all_expressions(query):
        yield from (part.query for part in walk(expr) if isinstance(part, Nested))


def _sources(query: Query) -> list[Source]:
    return [] if isinstance(query, SetOperation) else [leaf.source for leaf in leaves(query.tree)]


def _all_expressions(query: Query) -> Iterator[Expr]:
    if isinstance(query, SetOperation):
        yield from (*query.limits.on, *query.limits.order, *query.limits.limit)
        return
    for source in _sources(query):
        if isinstance(source, Generated):
            yield source.rows
    yield from expressions(query)


def _deciding(select: Select) -> Iterator[Expr]:
    """All expressions that decide which rows there are and in which order: all but the outputs that make none."""
    yield from (source.rows for source in _sources(select) if isinstance(source, Generated))
    yield from select.unnests
    yield from list(expressions(select))[len(select.outputs) :]


def _from_outside(query: Query) -> list[Query]:
    """Queries so that each comes before those inside it, also where one is used at several places."""
    done: dict[int, Query] = {}

    def visit(each: Query) -> None:
        if id(each) not in done:
            for inner in _inside(each):
                visit(inner)
            done[id(each)] = each

    visit(query)
    return list(reversed(done.values()))


class _Uses:
    """Goes through a query from outside; what is known of an inner query is complete when it is met."""

    def __init__(self, query: Query, relations: Mapping[str, Relation]) -> None:
        self.columns: dict[int, set[str]] = {}
        self._types = {(node, name): type_ for node, columns in relations.items() for name, type_ in columns}
        self._wanted: dict[int, set[int]] = {}
        self._demands: dict[int, list[list[Expr]]] = {}
        """Query (by identity) → for each of its uses, predicates over its outputs that rows must satisfy to matter."""
        self._kept: dict[int, list[Expr]] = {}
        self._canonical = Canonical()
        everything = _from_outside(query)
        for each in everything:
            self.columns |= {id(source): set() for source in _sources(each)}
            self._wanted[id(each)] = set()
        self._want_all(query)
        self._demands[id(query)] = [[]]
        for each in everything:
            self._visit(each)

    def conjuncts_of(self, table: Table) -> tuple[Conjunct, ...]:
        """Give the predicates over a table, each once."""
        found = (conjunct(expr, table) for expr in self._kept.get(id(table), ()))
        return tuple({each.text: each for each in found if each is not None}.values())

    def _visit(self, query: Query) -> None:
        if isinstance(query, SetOperation):
            self._visit_set_operation(query)
        else:
            self._visit_select(query)

    def _want_all(self, query: Query) -> None:
        self._wanted[id(query)] |= set(range(len(query.outputs)))

    def _visit_set_operation(self, query: SetOperation) -> None:
        if query.kind != "union all" or query.limits.distinct or query.limits.order:
            self._want_all(query)
        for expr in _all_expressions(query):
            self._need(expr)
        demand = [each for each in self._demand(query) if self._is_pushed(query, each)]
        for side in (query.left, query.right):
            self._wanted[id(side)] |= self._wanted[id(query)]
            self._demands.setdefault(id(side), []).append(demand)

    def _is_pushed(self, query: SetOperation, demand: Expr) -> bool:
        """Values of the sides must have one sharp type: else the engine converts before it compares."""
        if query.limits.limit or query.limits.on:
            return False
        for ref in refs(demand):
            left, right = (self._type(side, ref.index) for side in (query.left, query.right))
            if left != right or not _is_sharp(left):
                return False
        return True

    def _visit_select(self, select: Select) -> None:
        if select.limits.distinct and not select.limits.on:
            self._want_all(select)
        for expr in _deciding(select):
            self._need(expr)
        for at in self._wanted[id(select)]:
            self._need(select.outputs[at].value)
        for output in select.outputs:
            self._meet(output.value)
        self._push(select.tree, [] if select.sample else self._conditions(select))

    def _need(self, expr: Expr) -> None:
        """Everything that an expression reads is needed, in both meanings where it may have two."""
        for part in walk(expr):
            if isinstance(part, Ref):
                self._need_column(part)
            elif isinstance(part, Nested):
                self._demands.setdefault(id(part.query), []).append([])
                if not part.kind.endswith("exists"):
                    self._want_all(part.query)

    def _meet(self, expr: Expr) -> None:
        """A subquery whose value nobody reads is still read: it may fail."""
        for part in walk(expr):
            if isinstance(part, Nested):
                self._demands.setdefault(id(part.query), []).append([])

    def _need_column(self, ref: Ref) -> None:
        match ref.source:
            case Table():
                self.columns[id(ref.source)].add(ref.source.own[ref.index])
            case Derived():
                self._wanted[id(ref.source.query)].add(ref.index)
            case Generated():
                pass

    def _demand(self, query: Query) -> list[Expr]:
        """Predicates over the outputs that hold for all uses of a query (each ``Ref`` by the output's index)."""
        first, *others = self._demands.get(id(query), [[]])
        common = [{self._by_index(each) for each in other} for other in others]
        return [each for each in first if all(self._by_index(each) in other for other in common)]

    def _by_index(self, expr: Expr) -> str:
        names = {ref.index: Term(f"output:{ref.index}") for ref in refs(expr)}
        return self._canonical.expr(substituted(expr, names))

    def _conditions(self, select: Select) -> list[Expr]:
        """What must be true of a row of FROM, so that it matters."""
        found = list(normal(select.where))
        keys = self._keys(select)
        found += [each for each in normal(select.having) if self._is_of_keys(each, keys)]
        for each in self._demand(select):
            found += self._moved(select, each, keys)
        return [each for each in found if is_steady(each)]

    def _is_of_keys(self, expr: Expr, keys: set[str]) -> bool:
        return bool(refs(expr)) and is_steady(expr) and all(self._canonical.expr(ref) in keys for ref in refs(expr))

    def _keys(self, select: Select) -> set[str]:
        """Canonical texts of group keys: all rows of a group have the very same value there."""
        if not select.groups or select.group_sets != str([list(range(len(select.groups)))]):
            return set()
        return {self._canonical.expr(each) for each in select.groups if _is_sharp(self._type_of(each))}

    def _moved(self, select: Select, demand: Expr, keys: set[str]) -> list[Expr]:
        """A predicate over the outputs as one over the sources, where it may be moved there."""
        values = {ref.index: select.outputs[ref.index].value for ref in refs(demand)}
        if not all(map(_is_clear, values.values())) or not _lets_through(select):
            return []
        if select.aggregated and not all(self._canonical.expr(each) in keys for each in values.values()):
            return []
        if select.limits.distinct and not all(_is_sharp(self._type_of(each)) for each in values.values()):
            return []
        return list(normal(substituted(demand, values)))

    def _type(self, query: Query, index: int) -> str:
        if isinstance(query, SetOperation):
            left, right = (self._type(side, index) for side in (query.left, query.right))
            return left if left == right else ""
        return self._type_of(query.outputs[index].value)

    def _type_of(self, expr: Expr) -> str:
        """The type, where we know it; else nothing."""
        match expr:
            case Ref(source=Table() as table, index=index):
                return self._types.get((table.node, table.own[index]), "")
            case Ref(source=Derived() as derived, index=index):
                return self._type(derived.query, index)
            case _:
                return ""

    def _push(self, tree: Tree | None, conditions: list[Expr]) -> None:
        """Give each source the predicates over it alone."""
        if tree is None:
            return
        if isinstance(tree, Join):
            self._push_join(tree, [] if tree.sample else conditions)
            return
        mine = [] if tree.sample else [part for each in conditions for part in over(each, tree.source)]
        match tree.source:
            case Table():
                self._kept[id(tree.source)] = mine
            case Derived():
                self._demands.setdefault(id(tree.source.query), []).append(mine)
            case Generated():
                pass

    def _push_join(self, join: Join, conditions: list[Expr]) -> None:
        kind, _, form = join.kind.partition(" ")
        on = [each for each in normal(join.condition) if is_steady(each)] if form in _PLAIN_JOINS else []
        above = conditions if form in _PLAIN_JOINS else []
        left = [*(above if kind in _KEEPS_LEFT else []), *(on if kind in _FILTERS_LEFT else [])]
        right = [*(above if kind in _KEEPS_RIGHT else []), *(on if kind in _FILTERS_RIGHT else [])]
        self._push(join.left, left)
        self._push(join.right, right)


def _lets_through(select: Select) -> bool:
    """Whether rows could as well be left out before it as behind it."""
    limits = select.limits
    if limits.limit or limits.on or select.sample or select.unnests or select.qualify is not None:
        return False
    return not any(_is_window(part) for expr in expressions(select) for part in walk(expr))


def _is_window(part: Expr) -> bool:
    return isinstance(part, Term) and part.kind.startswith("window:")


def _is_clear(value: Expr) -> bool:
    """Whether it has the same type inside a predicate as it has as an output (a constant may not)."""
    return isinstance(value, Ref) or (
        isinstance(value, Term) and value.kind.startswith(_CLEAR_VALUES) and is_steady(value)
    )


def _is_sharp(type_: str) -> bool:
    return type_.partition("(")[0] in _SHARP_TYPES
