"""What tests of single queries share: three relations, the form of a query over them, its result on random rows."""

import json
import random
from collections import Counter
from typing import Any

import duckdb

from headwater.run.binding import Binder
from headwater.sql.analysis import Analysis, analyse, opaque
from headwater.sql.binding import BindError, Relation
from headwater.sql.macros import expand, read_macro
from headwater.sql.parses import is_newer, translated
from headwater.sql.text import canonical_tokens
from headwater.sql.tree import Unclear

RELATIONS: dict[str, Relation] = {
    "t": (("id", "INTEGER"), ("a", "INTEGER"), ("b", "DOUBLE"), ("s", "VARCHAR"), ("ts", "TIMESTAMP")),
    "u": (("id", "INTEGER"), ("a", "INTEGER"), ("z", "VARCHAR")),
    "lists.l": (("id", "INTEGER"), ("xs", "INTEGER[]"), ("st", 'STRUCT("k" INTEGER, "w" VARCHAR)')),
}
_BINDER = Binder()


def analysis_of(sql: str, macros: tuple[tuple[str, str], ...] = ()) -> Analysis:
    """Analyse a query over the relations; it must bind."""
    columns = _BINDER(sql, RELATIONS, macros=[statement for _, statement in macros])
    assert not isinstance(columns, BindError), f"{sql}: {columns.message}"
    tree = _parsed(sql)
    try:
        read = {name: read_macro(name, statement, _parsed) for name, statement in macros}
        return analyse(expand(tree, read), RELATIONS, columns)
    except Unclear as why:
        return opaque(canonical_tokens(sql), RELATIONS, columns, str(why))


def _parsed(sql: str) -> Any:
    found = _BINDER.parse(sql)
    assert not isinstance(found, BindError), f"{sql}: {found.message}"
    tree = json.loads(found)["statements"][0]["node"]
    return translated(tree) if is_newer(found) else tree


def form(sql: str) -> Analysis:
    """Everything that a version is made of."""
    return analysis_of(sql)


def read_by(sql: str, column: str) -> set[str]:
    """Names of the columns (``node.column``) that an output column depends on, without the row set."""
    found = analysis_of(sql)
    part = found.parts[[name for name, _ in found.columns].index(column)]
    return {f"{node}.{name}" for node, name in found.of(part)}


def deciding(sql: str) -> set[str]:
    """Names of the columns (``node.column``) that decide which rows exist."""
    found = analysis_of(sql)
    return {f"{node}.{name}" for node, name in found.of(found.rows) if name}


def filled(seed: int) -> duckdb.DuckDBPyConnection:
    """A database with random rows in the relations: small values, so that they meet; NULLs among them."""
    rng = random.Random(seed)
    connection = duckdb.connect(config={"threads": "1"})
    connection.execute("CREATE SCHEMA lists")
    for name, columns in RELATIONS.items():
        listed = ", ".join(f"{column} {type_}" for column, type_ in columns)
        connection.execute(f"CREATE TABLE {name} ({listed})")
        for _ in range(rng.randint(0, 14)):
            values = ", ".join(_value(type_, rng) for _, type_ in columns)
            connection.execute(f"INSERT INTO {name} VALUES ({values})")
    return connection


def _value(type_: str, rng: random.Random) -> str:
    if rng.random() < 0.15:
        return "NULL"
    number = rng.randint(0, 4)
    return {
        "INTEGER": f"{number}",
        "DOUBLE": f"{number / 2}",
        "VARCHAR": f"'{'pqrst'[number]}'",
        "TIMESTAMP": f"TIMESTAMP '2024-01-0{number + 1} 0{number}:00:00'",
        "INTEGER[]": f"[{number}, {rng.randint(0, 4)}]",
    }.get(type_, f"{{'k': {number}, 'w': 'x{number}'}}")


def result(connection: duckdb.DuckDBPyConnection, sql: str) -> Counter[str]:
    """Rows as a bag; floats to twelve digits."""
    rows = connection.execute(sql).fetchall()
    return Counter(repr(tuple(f"{v:.12g}" if isinstance(v, float) else v for v in row)) for row in rows)
