"""What a query is said not to need can change or go, and its result stays."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.sql.uses import occurrences
from tests import tpch
from tests.sql.forms import RELATIONS, filled
from tests.sql.random_queries import Queries
from tests.sql.trees import Relations, as_bag, needed, over_what_is_needed, rows_of, tree_of


def _check(connection: duckdb.DuckDBPyConnection, sql: str, relations: Relations) -> None:
    expected = as_bag(rows_of(connection, sql))
    for columns, rows in ((True, False), (False, True), (True, True)):
        text = over_what_is_needed(connection, sql, relations, columns=columns, rows=rows)
        assert as_bag(rows_of(connection, text)) == expected, needed(sql, relations)


@pytest.mark.parametrize("number", tpch.QUERIES)
def test_tpch_needs_no_more_than_it_says(number: int) -> None:
    _check(tpch.connect(), tpch.query(number), tpch.TABLES)


@given(st.integers(0, 2**32))
@settings(max_examples=80)
def test_random_queries_need_no_more_than_they_say(seed: int) -> None:
    with filled(seed) as connection:
        _check(connection, Queries(seed).query(), RELATIONS)


NEEDED = {
    "SELECT count(*) FROM t": [("t", "", [])],
    "SELECT a FROM t WHERE 1 < b ORDER BY s": [("t", "a b s", ['("b" > 1)'])],
    "SELECT a FROM t WHERE id BETWEEN 1 AND 3": [("t", "a id", ['("id" >= 1)', '("id" <= 3)'])],
    "SELECT a FROM t WHERE s BETWEEN 1 AND '3' AND NOT (a = 2)": [
        ("t", "a s", ["(\"s\" BETWEEN 1 AND '3')", '("a" <> 2)']),
    ],
    "SELECT k FROM (SELECT id AS k, s, b FROM t WHERE a > 1) WHERE k = 2": [
        ("t", "a id", ['("a" > 1)', '("id" = 2)']),
    ],
    "SELECT t.a FROM t LEFT JOIN u ON t.id = u.id AND t.a > 1 AND u.a > 1 WHERE u.z = 'p'": [
        ("t", "a id", []),
        ("u", "a id z", ['("a" > 1)']),
    ],
    "SELECT t.a FROM t FULL JOIN u ON t.id = u.id AND t.a > 1 WHERE t.b > 1": [
        ("t", "a b id", []),
        ("u", "id", []),
    ],
    "SELECT t.a FROM t ANTI JOIN u ON t.id = u.id AND t.a > 1 AND u.a > 1 WHERE t.b > 1": [
        ("t", "a b id", ['("b" > 1)']),
        ("u", "a id", ['("a" > 1)']),
    ],
    "SELECT * FROM (SELECT s, sum(a) AS n FROM t GROUP BY s) WHERE s = 'p' AND n > 1": [
        ("t", "a s", ["(\"s\" = 'p')"]),
    ],
    "SELECT * FROM (SELECT b, sum(a) AS n FROM t GROUP BY b) WHERE b = 1": [("t", "a b", [])],
    "SELECT s, sum(a) AS n FROM t GROUP BY s HAVING s = 'p' AND sum(a) > 1": [("t", "a s", ["(\"s\" = 'p')"])],
    "SELECT id FROM (SELECT id FROM t WHERE a > 1 ORDER BY id LIMIT 3) WHERE id > 1": [("t", "a id", ['("a" > 1)'])],
    "SELECT id FROM (SELECT id, rank() OVER (ORDER BY a) AS r FROM t) WHERE id > 1": [("t", "id", [])],
    "SELECT id FROM (SELECT DISTINCT ON (s) id, s FROM t ORDER BY s, id) WHERE id > 1": [("t", "id s", [])],
    "SELECT id FROM (SELECT id, a FROM t UNION ALL SELECT id, a FROM u) WHERE a > 1": [
        ("t", "a id", ['("a" > 1)']),
        ("u", "a id", ['("a" > 1)']),
    ],
    "SELECT v FROM (SELECT a AS v FROM t UNION ALL SELECT s AS v FROM t) WHERE v > '1'": [
        ("t", "a", []),
        ("t", "s", []),
    ],
    "WITH c AS (SELECT * FROM t) SELECT x.a FROM c AS x JOIN c AS y ON x.id = y.id WHERE x.b > 1 AND y.b > 1": [
        ("t", "a b id", ['("b" > 1)']),
    ],
    "WITH c AS (SELECT * FROM t) SELECT x.a FROM c AS x JOIN c AS y ON x.id = y.id WHERE x.b > 1": [
        ("t", "a b id", [])
    ],
    "SELECT a FROM t WHERE EXISTS (SELECT * FROM u WHERE u.id = t.id AND u.z = 'p') AND s = 'q'": [
        ("t", "a id s", ["(\"s\" = 'q')"]),
        ("u", "id z", ["(\"z\" = 'p')"]),
    ],
    "SELECT t.a FROM t, u WHERE (t.s = 'p' AND u.a = 1) OR (t.s = 'q' AND u.a = 1)": [
        ("t", "a s", ["((\"s\" = 'p') OR (\"s\" = 'q'))"]),
        ("u", "a", ['("a" = 1)']),
    ],
    "SELECT t FROM t WHERE a > random()": [("t", "a b id s ts", [])],
    "SELECT a FROM t TABLESAMPLE 50% WHERE b > 1": [("t", "a b", [])],
}


@pytest.mark.parametrize("sql", NEEDED)
def test_what_a_query_needs(sql: str) -> None:
    assert needed(sql) == NEEDED[sql]


def test_occurrences_are_told_apart_and_keep_their_order() -> None:
    tree = tree_of(
        "SELECT (SELECT max(a) FROM u) AS m FROM t JOIN t AS o ON t.id = o.id WHERE o.a IN (SELECT a FROM u)"
    )
    found = occurrences(tree)
    assert [each.node for each in found] == ["t", "t", "u", "u"]
    assert len({id(each) for each in found}) == 4
    assert found == occurrences(tree)
