"""Predicates that imply a rule's `where`: what is said to follow follows, whatever the rows are."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.policy.implication import implies
from tests.policy.laws import canonical

COLUMNS = (
    ("a", "INTEGER"),
    ("b", "DECIMAL(6,2)"),
    ("c", "VARCHAR"),
    ("d", "DOUBLE"),
    ("t", "TIMESTAMP"),
    ("day", "DATE"),
    ("yes", "BOOLEAN"),
)


def follows(given_: str, where: str) -> bool:
    (wanted,) = canonical(where, COLUMNS)
    return implies(canonical(given_, COLUMNS), wanted, dict(COLUMNS))


@pytest.mark.parametrize(
    ("known", "where"),
    [
        ("a = 1", "a = 1"),
        ("a > 5 AND c = 'x'", "a > 5"),
        ("a > 5", "a > 3"),
        ("a > 5", "a >= 5"),
        ("a >= 5", "a > 4"),
        ("5 < a", "a >= 5"),
        ("a = 4", "a BETWEEN 1 AND 9"),
        ("a BETWEEN 2 AND 3", "a BETWEEN 1 AND 9"),
        ("a IN (1, 2)", "a IN (3, 2, 1)"),
        ("a = 1", "a IS NOT NULL"),
        ("a > b", "b IS NOT NULL"),
        ("a IN (1, 2)", "a <> 3"),
        ("a > 5", "a NOT IN (1, 2)"),
        ("b = 1.50", "b > 1"),
        ("a = 7", "a > 6.5"),
        ("c = 'DE'", "c IN ('DE', 'FR')"),
        ("c = 'DE'", "c <> 'FR'"),
        ("c = 'DE'", "c = 'DE' OR c = 'FR'"),
        ("d > 1.5", "d > 1"),
        ("t >= '2024-02-01 00:00:00'", "t >= TIMESTAMP '2024-01-01 00:00:00'"),
        ("day = '2024-02-01'", "day < DATE '2025-01-01'"),
        ("lower(c) = 'x'", "lower(c) = 'x'"),
        ("c LIKE 'a%' AND a = 1", "c LIKE 'a%'"),
        ("yes = true", "yes = true"),
        ("yes", "yes"),
    ],
)
def test_what_follows(known: str, where: str) -> None:
    assert follows(known, where)


@pytest.mark.parametrize(
    ("known", "where"),
    [
        ("a > 3", "a > 5"),
        ("a >= 5", "a > 5"),
        ("a < 5", "a > 3"),
        ("a <> 3", "a = 4"),
        ("a = 1 OR c = 'x'", "a = 1"),
        ("a IN (1, 2, 9)", "a IN (1, 2)"),
        ("b = 1", "a = 1"),
        ("a IS NULL", "a IS NOT NULL"),
        ("c > '5'", "c > '4'"),
        ("c >= 'b'", "c >= 'a'"),
        ("c = '5'", "c = 5"),
        ("c > 5", "c > 4"),
        ("day >= '2024-02-01 12:00:00'", "day >= '2024-02-01 00:00:00'"),
        ("a IS DISTINCT FROM 3", "a IS NOT NULL"),
        ("coalesce(a, 1) = 1", "a IS NOT NULL"),
        ("a = 1", "a = NULL"),
        ("d = 0.1", "d = 0.10000000000000001"),
        ("lower(c) = 'x'", "upper(c) = 'X'"),
        ("a + 1 > 6", "a > 5"),
        ("a = $p", "a = 1"),
    ],
)
def test_what_is_not_said_to_follow(known: str, where: str) -> None:
    assert not follows(known, where)


def test_a_random_condition_is_not_sure_of_anything() -> None:
    assert canonical("random() < a", COLUMNS) == ()
    assert canonical("a IN (SELECT 1)", COLUMNS) == ()


VALUES = {
    "a": ["-3", "0", "1", "2", "3", "5", "2.5"],
    "b": ["-1", "0", "1", "1.5", "1.50", "2.25", "3"],
    "d": ["-1", "0", "0.1", "0.5", "1", "2", "2.50"],
    "c": ["''", "'a'", "'b'", "'5'", "'B'"],
    "day": ["'2024-01-01'", "DATE '2024-01-02'", "'2024-01-03'"],
    "t": ["'2024-01-01 00:00:00'", "TIMESTAMP '2024-01-01 12:00:00'", "'2024-01-02 00:00:00'", "DATE '2024-01-02'"],
    "yes": ["true", "false"],
}


@st.composite
def one_test(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from(sorted(VALUES)))
    value = st.sampled_from([*VALUES[column], "NULL"])
    kind = draw(st.sampled_from(["compare", "compare", "between", "in", "null"]))
    if kind == "compare":
        operator = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]))
        pair = [column, operator, draw(value)]
        return " ".join(pair if draw(st.booleans()) or "IS" in operator else flipped(pair))
    if kind == "between":
        return f"{column} {draw(st.sampled_from(['', 'NOT ']))}BETWEEN {draw(value)} AND {draw(value)}"
    if kind == "in":
        listed = ", ".join(draw(st.lists(value, min_size=1, max_size=4)))
        return f"{column} {draw(st.sampled_from(['', 'NOT ']))}IN ({listed})"
    return f"{column} IS {draw(st.sampled_from(['', 'NOT ']))}NULL"


def flipped(pair: list[str]) -> list[str]:
    column, operator, value = pair
    return [value, operator.translate(str.maketrans("<>", "><")) if operator != "<>" else operator, column]


predicates = st.recursive(
    one_test(),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map(lambda three: f"({''.join(three)})"),
        inner.map(lambda one: f"(NOT {one})"),
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def rows() -> duckdb.DuckDBPyConnection:
    """Every value that predicates are made of, with its neighbours and NULL, in every column."""
    connection = duckdb.connect()
    for name, type_ in COLUMNS:
        odd = {"DOUBLE": ["'nan'", "'-infinity'"], "TIMESTAMP": ["'infinity'"], "DATE": ["'-infinity'"]}.get(type_, [])
        listed = ", ".join(f"(CAST({value} AS {type_}))" for value in [*VALUES[name], *odd, "NULL"])
        connection.execute(f"CREATE TABLE v_{name} AS SELECT * FROM (VALUES {listed}) AS v({name})")
    return connection


@settings(max_examples=400, deadline=None)
@given(known=predicates, where=predicates)
def test_no_row_satisfies_what_is_known_and_not_what_is_said_to_follow(
    rows: duckdb.DuckDBPyConnection, known: str, where: str
) -> None:
    if follows(known, where):
        assert counter_examples(rows, known, where) == 0


@settings(max_examples=400, deadline=None)
@given(data=st.data(), column=st.sampled_from(["a", "b", "d", "t", "day"]))
def test_comparisons_of_one_column(rows: duckdb.DuckDBPyConnection, data: st.DataObject, column: str) -> None:
    value, operator = st.sampled_from(VALUES[column]), st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    known, where = (f"{column} {data.draw(operator)} {data.draw(value)}" for _ in range(2))
    if follows(known, where):
        assert counter_examples(rows, known, where) == 0


def counter_examples(rows: duckdb.DuckDBPyConnection, known: str, where: str) -> int:
    used = [name for name, _ in COLUMNS if name in known or name in where]
    source = ", ".join(f"v_{name}" for name in used) or "(SELECT 1)"
    query = f"SELECT count(*) FROM {source} WHERE ({known}) AND ({where}) IS NOT TRUE"
    return int(rows.execute(query).fetchall()[0][0])
