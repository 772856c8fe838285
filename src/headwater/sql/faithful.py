"""The guard of rendered text: read back, it must be the query that it was written from."""

from collections.abc import Callable, Mapping
from typing import Any

from headwater.sql.binding import BindError, Relation
from headwater.sql.canonical import Canonical
from headwater.sql.plain import plain
from headwater.sql.queries import read_query
from headwater.sql.rebuilding import Rebuilding
from headwater.sql.rendering import NameOf, own_name, unquoted
from headwater.sql.tree import Query, Source, Table, Unclear

Parse = Callable[[str], Mapping[str, Any] | BindError]


def is_faithful(
    text: str, query: Query, parse: Parse, relations: Mapping[str, Relation], name_of: NameOf = own_name
) -> bool:
    """Whether a text, parsed and resolved anew over ``relations``, means the same as the query it was rendered from.

    ``name_of`` is the one that it was rendered with; the relations are those that it names, with their columns.
    """
    node = parse(text)
    if isinstance(node, BindError):
        return False
    try:
        found, _ = read_query(node, {name.casefold(): (name, columns) for name, columns in relations.items()})
        return _outline(plain(found), None) == _outline(_Renamed(name_of).query(plain(query)), found)
    except (Unclear, RecursionError):
        return False


def _outline(query: Query, other: Query | None) -> tuple[Any, ...]:
    """What two queries that mean the same have in common; names count where both sides say one."""
    canonical = Canonical()
    columns = [canonical.column(query, at) for at in range(len(query.outputs))]
    names = [each.name for each in query.outputs]
    if other is not None and len(other.outputs) == len(names):
        names = [name or theirs.name for name, theirs in zip(names, other.outputs, strict=True)]
    return canonical.rows(query), columns, names


class _Renamed(Rebuilding):
    """Tables under the names that a text gives to them."""

    def __init__(self, name_of: NameOf) -> None:
        super().__init__()
        self._name_of = name_of

    def table(self, table: Table) -> Source:
        return Table(unquoted(self._name_of(table)), table.columns, table.own)
