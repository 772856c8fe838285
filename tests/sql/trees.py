"""What tests of resolved trees share: the tree of a text, and databases in which each occurrence is a table of its own."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import duckdb

from headwater.graph.resolve_references import parse
from headwater.run.binding import Binder
from headwater.sql.binding import BindError, Relation
from headwater.sql.faithful import is_faithful
from headwater.sql.queries import read_query
from headwater.sql.rendering import own_name, render
from headwater.sql.text import quote_identifier
from headwater.sql.tree import Query
from headwater.sql.uses import Used, uses
from tests.sql.forms import RELATIONS

_BINDER = Binder()
parsed = partial(parse, _BINDER)
Relations = Mapping[str, Relation]


def tree_of(sql: str, relations: Relations = RELATIONS) -> Query:
    """Resolve a query over relations."""
    node = parsed(sql)
    assert not isinstance(node, BindError), f"{sql}: {node.message}"
    return read_query(node, {name.casefold(): (name, columns) for name, columns in relations.items()})[0]


def written(sql: str, relations: Relations = RELATIONS) -> str:
    """Write a query's tree as SQL again; the guard must agree with it."""
    tree = tree_of(sql, relations)
    text = render(tree)
    assert is_faithful(text, tree, parsed, relations), text
    return text


def used(sql: str, relations: Relations = RELATIONS) -> tuple[Used, ...]:
    """Say what a query needs."""
    return uses(tree_of(sql, relations), relations)


def needed(sql: str, relations: Relations = RELATIONS) -> list[tuple[str, str, list[str]]]:
    """Say it for reading: node, columns, conjuncts of each occurrence."""
    return [
        (each.table.node, " ".join(sorted(each.columns)), [part.text for part in each.conjuncts])
        for each in used(sql, relations)
    ]


def over_what_is_needed(
    connection: duckdb.DuckDBPyConnection, sql: str, relations: Relations, *, columns: bool, rows: bool
) -> str:
    """Write the query over copies of its occurrences: without the columns or the rows that it is said not to need."""
    tree = tree_of(sql, relations)
    found = uses(tree, relations)
    for each in found:
        listed = ", ".join(
            quote_identifier(name)
            if not columns or name in each.columns
            else f"CAST(NULL AS {type_}) AS {quote_identifier(name)}"
            for name, type_ in relations[each.table.node]
        )
        kept = " AND ".join(part.text for part in each.conjuncts) if rows and each.conjuncts else "true"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE occurrence_{each.number} AS "
            f"SELECT {listed} FROM (FROM {own_name(each.table)} WHERE {kept})"
        )
    names = {id(each.table): quote_identifier(f"occurrence_{each.number}") for each in found}
    return render(tree, lambda table: names[id(table)])


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    """Rows in their order, floats to twelve digits."""
    rows = connection.execute(sql).fetchall()
    return [tuple(f"{value:.12g}" if isinstance(value, float) else value for value in row) for row in rows]


def as_bag(rows: list[Any]) -> list[str]:
    """Rows without their order."""
    return sorted(json.dumps(row, default=repr) for row in rows)
