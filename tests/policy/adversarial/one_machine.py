"""The same worlds on one machine without any law: what a query would show to somebody who may see everything."""

from contextlib import closing
from typing import Any

from tests.policy.adversarial.cases import Case
from tests.policy.adversarial.values import World
from tests.policy.adversarial.worlds import WORLDS

Outcome = tuple[str, object]


def answer(case: Case, *, twin: bool) -> Outcome:
    """Run a case's query over all rows: its rows in their order, or the kind of error (which is an answer, too)."""
    import duckdb

    with closing(duckdb.connect(config={"threads": 1})) as connection:
        for name, definition in world_tables(world_of(case), twin=twin).items():
            connection.execute(f"CREATE TABLE {name} AS {definition}")
        for statement in filter(None, map(str.strip, case.macros.split(";\n"))):
            connection.execute(statement)
        for name, query in case.models.items():
            connection.execute(f"CREATE VIEW {name} AS {query if isinstance(query, str) else query[0]}")
        try:
            return "rows", repr(connection.sql(case.query).fetchall())
        except duckdb.Error as error:
            return "error", type(error).__name__


def world_of(case: Case) -> World:
    """The world of a case."""
    return WORLDS[case.world]


def world_tables(world: World, *, twin: bool) -> dict[str, str]:
    """Source → a SELECT that gives all its rows."""
    found = {}
    for name, source in world.sources.items():
        sites = list(source.rows)[:1] if source.replicated else list(source.rows)
        rows = [
            row for site in sites for row in (source.twin.get(site, source.rows[site]) if twin else source.rows[site])
        ]
        typed = ", ".join(f"{column}::{type_} AS {column}" for column, (type_, _) in source.columns.items())
        found[name] = f"SELECT {typed} FROM (VALUES {_values(rows)}) v({', '.join(source.columns)})"
    return found


def _values(rows: list[tuple[Any, ...]]) -> str:
    return ", ".join("(" + ", ".join(_literal(value) for value in row) + ")" for row in rows)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)
