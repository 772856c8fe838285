"""A query over relations that are computed, not stored: in their place stand the queries that compute them."""

from collections.abc import Mapping

from headwater.sql.rebuilding import Rebuilding
from headwater.sql.tree import Derived, Query, Source, Table, Unclear


def inlined(query: Query, queries: Mapping[str, Query]) -> Query:
    """Put resolved queries (node → query) in the place of the tables of those nodes, in these queries, too.

    One that is read several times stays one query that is used several times. Raises Unclear where the columns of a
    query are not those of the table, by name and order, and where a query reads itself.
    """
    try:
        return _Inlining(queries).query(query)
    except RecursionError:
        raise Unclear("the query is nested too deeply") from None


class _Inlining(Rebuilding):
    def __init__(self, queries: Mapping[str, Query]) -> None:
        super().__init__()
        self._queries = queries
        self._open: list[str] = []

    def table(self, table: Table) -> Source:
        if table.node not in self._queries:
            return table
        if table.node in self._open:
            raise Unclear(f"{table.node} reads itself")
        query = self._queries[table.node]
        _check_columns(table, query)
        self._open.append(table.node)
        try:
            return Derived(self.query(query), table.columns)
        finally:
            self._open.pop()


def _check_columns(table: Table, query: Query) -> None:
    names = [each.name for each in query.outputs]
    if len(names) != len(table.own):
        raise Unclear(f"{table.node} has another number of columns")
    for own, name in zip(table.own, names, strict=True):
        if name is not None and name.casefold() != own.casefold():
            raise Unclear(f"{table.node} has another column than `{name}`")
