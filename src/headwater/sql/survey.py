"""What a query is made of: its tables, all names in it, and the queries that stand in FROM more than once."""

from collections import Counter

from headwater.sql.traversal import expressions
from headwater.sql.tree import Derived, Expr, Generated, Nested, Query, SetOperation, Source, Table, leaves, walk


class Survey:
    """Everything in a query, met once."""

    def __init__(self, query: Query) -> None:
        self.tables: list[Table] = []
        self.names: set[str] = set()
        """Folded names of columns and outputs."""
        self._uses: Counter[int] = Counter()
        self._seen: set[int] = set()
        self._query(query)
        self.shared = {identity for identity, uses in self._uses.items() if uses > 1}
        """Identities of queries that stand in FROM more than once."""

    def _query(self, query: Query) -> None:
        if id(query) in self._seen:
            return
        self._seen.add(id(query))
        self.names |= {each.name.casefold() for each in query.outputs if each.name}
        if isinstance(query, SetOperation):
            self._query(query.left)
            self._query(query.right)
            exprs: list[Expr] = [*query.limits.order, *query.limits.limit]
        else:
            for leaf in leaves(query.tree):
                self._source(leaf.source)
            exprs = [*expressions(query)]
        for expr in exprs:
            self._expr(expr)

    def _source(self, source: Source) -> None:
        if id(source) in self._seen:
            return
        self._seen.add(id(source))
        self.names |= {name.casefold() for name in source.columns}
        match source:
            case Table():
                self.names |= {name.casefold() for name in source.own}
                self.tables.append(source)
            case Derived():
                self._uses[id(source.query)] += 1
                self._query(source.query)
            case Generated():
                self._expr(source.rows)

    def _expr(self, expr: Expr) -> None:
        for part in walk(expr):
            if isinstance(part, Nested):
                self._query(part.query)
