"""What is not understood: the columns that are needed of each relation are gathered, and the query runs over them."""

from collections.abc import Mapping

from headwater.placement.moving import Moving
from headwater.placement.rewriting import Rewriter, query_parts, tables
from headwater.placement.values import Occurrence
from headwater.sql.tree import Leaf, Output, Query, Ref, Select, Source, Table


def gathered(query: Query, occurrences: Mapping[Table, Occurrence], moving: Moving) -> Query:
    """Give a query over gathered rows; nothing in it is changed but where it reads. Raises Unclear as writing does."""
    used: dict[Table, dict[int, Ref]] = {table: {} for table in tables(query)}
    for part, _ in query_parts(query):
        if isinstance(part, Ref) and isinstance(part.source, Table):
            used.setdefault(part.source, {})[part.index] = Ref(0, 0, part.source, part.index)
    received: dict[Table, Table] = {}
    for table, refs in used.items():
        spread = moving.distribution.tree(Leaf(0, table)) if table in occurrences else None
        if spread is not None and not (spread.whole and moving.at in spread.sites):
            names = refs or {0: Ref(0, 0, table, 0)}
            outputs = tuple(Output(table.own[at], ref) for at, ref in sorted(names.items()))
            sent = moving.writer.exchange(
                Select(Leaf(0, table), outputs), moving.senders(spread), (moving.at,), "rows, not understood"
            )
            received[table] = Table(sent.node, table.columns, table.own)

    def source(each: Source, _depth: int) -> Source | None:
        return received.get(each, each) if isinstance(each, Table) else None

    return Rewriter(source=source).query(query)
