"""The same worlds on one machine without any law: what a query would show to somebody who may see everything."""

from functools import lru_cache
from typing import Any

from tests.policy.adversarial.cases import Case
from tests.policy.adversarial.values import Relation, Rows, World
from tests.policy.adversarial.worlds import WORLDS

Outcome = tuple[str, object]


def answer(case: Case, *, twin: bool) -> Outcome:
    """Run a case's query over all rows: its rows in their order, or the kind of error (which is an answer, too)."""
    import duckdb

    engine = _engine(case.world, twin=twin)
    engine.execute("BEGIN")
    try:
        for statement in filter(None, map(str.strip, case.macros.split(";\n"))):
            engine.execute(statement)
        for name, query in case.models.items():
            engine.execute(f"CREATE VIEW {name} AS {query if isinstance(query, str) else query[0]}")
        return "rows", repr(engine.sql(case.query).fetchall())
    except duckdb.Error as error:
        return "error", type(error).__name__
    finally:
        engine.execute("ROLLBACK")


@lru_cache
def _engine(world: str, *, twin: bool) -> Any:
    import duckdb

    engine = duckdb.connect(config={"threads": 1})
    for name, definition in world_tables(WORLDS[world], twin=twin).items():
        engine.execute(f"CREATE TABLE {name} AS {definition}")
    return engine


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
        found[name] = values_of(source, tuple(rows))
    return found


def values_of(source: Relation, rows: Rows) -> str:
    """Give a SELECT of these rows, in this order, with the types of a source; also of none."""
    typed = ", ".join(f"{column}::{type_} AS {column}" for column, (type_, _) in source.columns.items())
    nothing = f"({', '.join('NULL' for _ in source.columns)})"
    listed = _values(list(rows)) if rows else nothing
    where = "" if rows else " WHERE false"
    return f"SELECT {typed} FROM (VALUES {listed}) v({', '.join(source.columns)}){where}"


def _values(rows: list[tuple[Any, ...]]) -> str:
    return ", ".join("(" + ", ".join(_literal(value) for value in row) + ")" for row in rows)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)
