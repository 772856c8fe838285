"""Whoever chooses the predicate of a query tries to be let through by one that does not imply the rule's.

DuckDB is the judge: a rule's ``where`` that is said to be implied is true of every row for which the query's is.
"""

from contextlib import closing

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.policy.implication import implies
from headwater.policy.predicates import read_predicate
from headwater.run.binding import Binder

COLUMNS = (
    ("i", "INTEGER"),
    ("b", "BIGINT"),
    ("d", "DECIMAL(9,2)"),
    ("x", "DOUBLE"),
    ("s", "VARCHAR"),
    ("t", "DATE"),
    ("ts", "TIMESTAMP"),
    ("f", "BOOLEAN"),
)
VALUES = {
    "i": ("-1", "0", "1", "2", "3", "500", "1.5", "2.0", "1e0", "'2'", "NULL", "1 + 1", "true"),
    "b": ("0", "1", "9007199254740992", "9007199254740993", "9007199254740993.0", "9.007199254740993e15", "NULL"),
    "d": ("0", "1", "1.00", "1.001", "0.999", "1.5", "1e0", "'1.50'", "NULL"),
    "x": ("0", "1", "0.1", "0.10000000000000001", "1e-1", "-0.0", "'NaN'", "'inf'", "0.3", "NULL"),
    "s": ("''", "'a'", "'A'", "'b'", "'a '", "'10'", "'9'", "'é'", "NULL", "'a' || ''"),
    "t": (
        "'2024-01-01'",
        "DATE '2024-01-02'",
        "'2024-1-2'",
        "'2024-01-01 12:00:00'",
        "TIMESTAMP '2024-01-01 12:00:00'",
    ),
    "ts": (
        "'2024-01-01 00:00:00'",
        "'2024-01-01'",
        "TIMESTAMP '2024-01-02 00:00:00'",
        "DATE '2024-01-02'",
        "'2024-01-01 00:00:00+02'",
        "'infinity'",
    ),
    "f": ("true", "false", "'t'", "NULL"),
}
ROWS = {
    "i": ("-1", "0", "1", "2", "3", "500", "NULL"),
    "b": ("0", "1", "9007199254740992", "9007199254740993", "NULL"),
    "d": ("0", "1", "1.5", "0.99", "NULL"),
    "x": ("0", "-0.0", "0.1", "0.3", "0.30000000000000004", "'NaN'::DOUBLE", "'inf'::DOUBLE", "NULL"),
    "s": ("''", "'a'", "'A'", "'b'", "'a '", "'10'", "'9'", "'é'", "NULL"),
    "t": ("DATE '2024-01-01'", "DATE '2024-01-02'", "NULL"),
    "ts": (
        "TIMESTAMP '2023-12-31 22:00:00'",
        "TIMESTAMP '2024-01-01 00:00:00'",
        "TIMESTAMP '2024-01-02 00:00:00'",
        "TIMESTAMP 'infinity'",
        "NULL",
    ),
    "f": ("true", "false", "NULL"),
}
BIND = Binder()
names = st.sampled_from([name for name, _ in COLUMNS])


@st.composite
def atoms(draw, name=None):
    column = name or draw(names)
    value = st.sampled_from(VALUES[column])
    form = draw(
        st.sampled_from(["compare", "compare", "compare", "flipped", "in", "not in", "between", "null", "distinct"])
    )
    operator = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
    match form:
        case "compare":
            return f"{column} {operator} {draw(value)}"
        case "flipped":
            return f"{draw(value)} {operator} {column}"
        case "in" | "not in":
            return f"{column} {form} ({draw(value)}, {draw(value)})"
        case "between":
            return f"{column} BETWEEN {draw(value)} AND {draw(value)}"
        case "null":
            return f"{column} IS {draw(st.sampled_from(['', 'NOT ']))}NULL"
        case _:
            return f"{column} IS DISTINCT FROM {draw(value)}"


def predicates(name):
    return st.recursive(
        atoms(name),
        lambda inner: st.builds(
            lambda one, other, word: f"NOT ({one})" if word == "not" else f"({one}) {word} ({other})",
            inner,
            inner,
            st.sampled_from(["AND", "OR", "not"]),
        ),
        max_leaves=3,
    )


@st.composite
def questions(draw):
    """A column, predicates of a query about it, and that of a rule."""
    name = draw(names)
    return name, draw(st.lists(predicates(name), min_size=1, max_size=2)), draw(predicates(name))


@pytest.fixture(scope="module")
def engine():
    with closing(duckdb.connect(config={"threads": 1})) as connection:
        for name, type_ in COLUMNS:
            rows = ", ".join(f"({value})" for value in ROWS[name])
            connection.execute(f"CREATE TABLE only_{name} AS SELECT v::{type_} AS {name} FROM (VALUES {rows}) r(v)")
        yield connection


@settings(max_examples=400)
@given(question=questions())
def test_what_is_implied_is_true_of_every_row(engine, question):
    name, conjuncts, where = question
    known = [read_predicate(each, "t", COLUMNS, BIND) for each in conjuncts]
    wanted = read_predicate(where, "t", COLUMNS, BIND)
    if wanted is None or None in known or not implies(known, wanted, dict(COLUMNS)):
        return
    told = " AND ".join(f"({each})" for each in conjuncts)
    try:
        breach = engine.sql(f"SELECT * FROM only_{name} WHERE ({told}) AND ({where}) IS NOT TRUE").fetchall()
    except (duckdb.BinderException, duckdb.ConversionException):
        return
    assert breach == []
