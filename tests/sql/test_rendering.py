"""What is written from a resolved tree gives what the query gives that the tree was read from."""

from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.app.checking import check
from headwater.app.initialise import templates
from headwater.graph.query_trees import query_tree, relation_of
from headwater.run.binding import Binder
from headwater.sql.faithful import is_faithful
from headwater.sql.inlined import inlined
from headwater.sql.rendering import render
from headwater.sql.tree import Unclear
from tests import tpch
from tests.sql.forms import RELATIONS, filled
from tests.sql.near_misses import FAMILIES, members
from tests.sql.random_queries import Queries
from tests.sql.trees import as_bag, parsed, rows_of, tree_of, written

TEMPLATES = Path(__file__).parents[2] / "src/headwater/app/templates"


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    return filled(7)


@pytest.mark.parametrize("number", tpch.QUERIES)
def test_tpch_gives_the_same_rows_in_the_same_order(number: int) -> None:
    connection = tpch.connect()
    text = written(tpch.query(number), tpch.TABLES)
    assert rows_of(connection, text) == rows_of(connection, tpch.query(number))


@pytest.mark.parametrize("template", templates())
def test_queries_of_the_templates_are_written_faithfully(template: str) -> None:
    graph = check(TEMPLATES / template).graph
    assert graph is not None
    binder, relations = Binder(), {node.name: relation_of(node) for node in graph.nodes}
    trees = {node.name: query_tree(graph, node, binder) for node in graph.nodes if node.query}
    assert trees
    assert [name for name, tree in trees.items() if not is_faithful(render(tree), tree, parsed, relations)] == []


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_random_queries_give_the_same_rows(seed: int) -> None:
    sql = Queries(seed).query()
    with filled(seed) as connection:
        assert as_bag(rows_of(connection, written(sql))) == as_bag(rows_of(connection, sql))


def test_near_misses_are_written_faithfully_or_not_at_all(database: duckdb.DuckDBPyConnection) -> None:
    pool = [sql for family in FAMILIES for _, sql in members(family)[::5]]
    unclear = []
    for sql in pool:
        try:
            text = written(sql)
        except Unclear:
            unclear.append(sql)
            continue
        assert as_bag(rows_of(database, text)) == as_bag(rows_of(database, sql)), text
    assert len(unclear) <= len(pool) // 100, unclear


WRITTEN = [
    "SELECT -a AS a, b FROM t ORDER BY a, id, b LIMIT 3",
    "SELECT -a AS a, b FROM t ORDER BY a + 0, id, b LIMIT 3",
    "SELECT abs(a - 2) AS a, count(*) AS n FROM t GROUP BY a",
    "SELECT DISTINCT ON (a) abs(a - 2) AS a, b FROM t ORDER BY a, b",
    "SELECT abs(a - 2) AS a, count(*) AS n FROM t GROUP BY s, t.a HAVING a > 2",
    "SELECT sum(b) AS b, s FROM t GROUP BY s HAVING b > 2",
    "SELECT -a AS a, row_number() OVER (ORDER BY id, b, a, ts) AS r FROM t QUALIFY a > 2",
    "SELECT * FROM t FULL JOIN u USING (id, a)",
    "SELECT id, count(*) FROM t RIGHT JOIN u USING (id) GROUP BY id HAVING id > 1",
    "SELECT s, a, sum(b), grouping(s) FROM t GROUP BY ROLLUP (s, a)",
    "SELECT count(*) FROM t WHERE a > 9 GROUP BY ()",
    "SELECT s, sum(a) FROM t GROUP BY ALL ORDER BY ALL DESC NULLS LAST",
    "SELECT 'x' AS k, count(*) AS n FROM t GROUP BY k",
    "SELECT v.x FROM (VALUES (1, 'a'), (2, 'b')) AS v(x, y) JOIN t ON t.id = v.x",
    "VALUES (1, 2), (3, 4) ORDER BY 1 DESC LIMIT 1",
    "SELECT t.id FROM range(3) AS r(i), t WHERE t.id = r.i",
    "SELECT l.id, x FROM lists.l, unnest(xs) AS u(x)",
    "SELECT l.st.k FROM lists.l WHERE st.k > 1",
    "SELECT to_json(l) AS j FROM lists.l",
    "SELECT list_transform([a], lambda x: x + id) AS y FROM t",
    "SELECT t.id, x.n FROM t, LATERAL (SELECT count(*) AS n FROM u WHERE u.id = t.id) AS x",
    "SELECT id, (SELECT max(a) FROM u WHERE u.id = t.id) AS m FROM t ORDER BY m, id",
    "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id AND u.a IN (SELECT a FROM t AS i WHERE i.s = t.s))",
    "SELECT q FROM u AS u(p, q, r)",
    "SELECT sum(a) FILTER (b > 1), string_agg(DISTINCT s, ',' ORDER BY s DESC) FROM t",
    "SELECT sum(a) OVER (PARTITION BY s ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES) FROM t",
    "SELECT lag(a, 1, 0) OVER (ORDER BY id, a, b, s, ts), first_value(a IGNORE NULLS) OVER (ORDER BY id, a, b) FROM t",
    "SELECT ts + INTERVAL 3 MONTH, date_trunc('day', ts), CAST(a AS DECIMAL(15, 2)), TRY_CAST(s AS INTEGER) FROM t",
    "SELECT 0.05, .05, 12.0, 1e3, -5, 9999999999, 170141183460469231731687303715884105727, NULL, true, 'it''s' FROM t",
    "SELECT [1, 2][1], [1, 2, 3][2:], {'k': a}, MAP {'k': a}, a IS NOT DISTINCT FROM id, NOT s LIKE 'p%' FROM t",
    "SELECT CASE a WHEN 1 THEN 'one' END, coalesce(s, 'x'), nullif(a, 1), a // 2, s || 'y', 'a' COLLATE NOCASE FROM t",
    "SELECT t.id, d.id AS last FROM t ASOF LEFT JOIN (SELECT DISTINCT id FROM u) AS d ON t.id >= d.id",
]


@pytest.mark.parametrize("sql", WRITTEN)
def test_forms_that_are_easily_written_wrong(sql: str, database: duckdb.DuckDBPyConnection) -> None:
    text = written(sql)
    assert as_bag(rows_of(database, text)) == as_bag(rows_of(database, sql))
    assert database.sql(text).types == database.sql(sql).types


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t TABLESAMPLE 10%",
        "SELECT a FROM t USING SAMPLE 3 ROWS",
        "SELECT random() AS r FROM t",
        "SELECT id FROM t ASOF JOIN u USING (id, a)",
    ],
)
def test_what_a_tree_does_not_hold_is_not_written(sql: str) -> None:
    with pytest.raises(Unclear):
        render(tree_of(sql))


@pytest.mark.parametrize(
    "wrong",
    [
        'SELECT "t0"."a" AS "a" FROM "t" AS "t0" WHERE ("t0"."b" >= 1)',
        'SELECT "t0"."a" AS "x" FROM "t" AS "t0" WHERE ("t0"."b" > 1)',
        'SELECT "t0"."a" AS "a" FROM "t" AS "t0"',
        'SELECT DISTINCT "t0"."a" AS "a" FROM "t" AS "t0" WHERE ("t0"."b" > 1)',
        'SELECT "t0"."a" AS "a" FROM "u" AS "t0" WHERE ("t0"."id" > 1)',
        "SELECT FROM",
    ],
)
def test_the_guard_refuses_a_text_that_says_something_else(wrong: str) -> None:
    assert not is_faithful(wrong, tree_of("SELECT a FROM t WHERE b > 1"), parsed, RELATIONS)


def test_a_query_that_is_used_twice_is_written_once() -> None:
    text = written("WITH c AS (SELECT * FROM t LIMIT 3) SELECT count(*) FROM c AS x JOIN c AS y USING (id)")
    assert text.count('"t"') == 1


def test_tables_can_be_read_under_other_names() -> None:
    tree = tree_of("SELECT t.a FROM t JOIN t AS other ON t.id = other.id AND other.b > 1")
    granted = {"granted.g1": RELATIONS["t"]}
    text = render(tree, lambda _: '"granted"."g1"')
    assert text.count('"granted"."g1"') == 2
    assert is_faithful(text, tree, parsed, granted, lambda _: '"granted"."g1"')


def test_views_are_put_in_their_place(database: duckdb.DuckDBPyConnection) -> None:
    relations = {**RELATIONS, "v": (("k", "INTEGER"), ("n", "BIGINT")), "w": (("k", "INTEGER"), ("m", "BIGINT"))}
    v = "SELECT id AS k, count(*) AS n FROM t GROUP BY id"
    w = "SELECT k, n * 2 AS m FROM v WHERE n > 0"
    queries = {"v": tree_of(v, relations), "w": tree_of(w, relations)}
    tree = inlined(tree_of("SELECT w.k, x.n, w.m FROM w JOIN v AS x ON w.k = x.k", relations), queries)
    expected = f"WITH v AS ({v}), w AS ({w}) SELECT w.k, x.n, w.m FROM w JOIN v AS x ON w.k = x.k"
    assert as_bag(rows_of(database, render(tree))) == as_bag(rows_of(database, expected))


def test_a_view_of_other_columns_is_not_put_anywhere() -> None:
    relations = {**RELATIONS, "v": (("k", "INTEGER"),)}
    with pytest.raises(Unclear):
        inlined(tree_of("SELECT k FROM v", relations), {"v": tree_of("SELECT id FROM t")})
