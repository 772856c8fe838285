"""Queries that mean the same have one form; queries that may not have different ones."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sql.forms import analysis_of, deciding, filled, form, read_by, result
from tests.sql.near_misses import FAMILIES, members, near_misses

SAME = [
    ("SELECT a, b FROM t", "select  A , b\nfrom   T -- a comment"),
    ("SELECT a FROM t WHERE b > 1", "SELECT a /* why */ FROM t AS x WHERE x.b > 1"),
    ("WITH c AS (SELECT a FROM t) SELECT a FROM c", "WITH other AS (SELECT a FROM t) SELECT other.a FROM other"),
    ("WITH c AS (SELECT a FROM t) SELECT a FROM c", "SELECT a FROM (SELECT a FROM t)"),
    (
        "WITH c AS (SELECT a FROM t), d AS (SELECT id FROM u) SELECT c.a, d.id FROM c, d",
        "WITH d AS (SELECT id FROM u), c AS (SELECT a FROM t) SELECT c.a, d.id FROM c, d",
    ),
    ("WITH c AS (SELECT 1 AS one) SELECT a FROM t", "SELECT a FROM t"),
    ("SELECT a FROM (SELECT a, b FROM t)", "SELECT a FROM (SELECT a, s FROM t)"),
    ("SELECT a, count(*) AS n FROM t GROUP BY a", "SELECT a, count(*) AS n FROM t GROUP BY 1"),
    ("SELECT a FROM t", "FROM t SELECT a"),
    ("SELECT a + 1 AS x FROM t WHERE b > 1", "WITH c AS (SELECT * FROM t) SELECT a + 1 AS x FROM c WHERE b > 1"),
    ("SELECT * FROM u", "SELECT id, a, z FROM u"),
    ("SELECT CAST(a AS BIGINT) AS x FROM t", "SELECT a::int8 AS x FROM t"),
    ("SELECT a FROM t WHERE a <> 1", "SELECT a FROM t WHERE a != 1"),
    ("SELECT a FROM t ORDER BY b", "SELECT a FROM t"),
    (
        "SELECT list_transform([a], lambda x: x + 1) AS y FROM t",
        "SELECT list_transform([a], lambda el: el + 1) AS y FROM t",
    ),
    ("SELECT id FROM t JOIN u USING (id)", "SELECT id FROM t AS p JOIN u AS q USING (id)"),
    (
        "SELECT sum(a) OVER w AS x FROM t WINDOW w AS (PARTITION BY s)",
        "SELECT sum(a) OVER (PARTITION BY s) AS x FROM t",
    ),
    ("SELECT s, a FROM t AS r(q, a, c, s)", "SELECT b2 AS s, a2 AS a FROM t AS r(q, a2, c, b2)"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_means_the_same_has_one_form(one: str, other: str) -> None:
    first, second = form(one), form(other)
    assert (first.columns, first.parts, first.rows, first.references) == (
        tuple((name.lower(), type_) for name, type_ in second.columns) if "A ," in other else second.columns,
        second.parts,
        second.rows,
        second.references,
    )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family[0][:60])
def test_near_misses_never_share_a_form(family: tuple[str, dict[str, list[str]]]) -> None:
    forms: dict[object, str] = {}
    for _, sql in members(family):
        found = form(sql)
        key = (found.columns, found.parts, found.rows, found.references, found.stars)
        assert key not in forms, f"{sql}\nhas the form of\n{forms[key]}"
        forms[key] = sql


def test_the_pool_of_near_misses_is_large() -> None:
    assert sum(1 for family in FAMILIES for _ in near_misses(family)) >= 500


def test_most_near_misses_are_understood() -> None:
    pool = [sql for family in FAMILIES for _, sql in members(family)[::7]]
    opaque = [sql for sql in pool if analysis_of(sql).opaque]
    assert len(opaque) <= len(pool) // 50, opaque


WHOLE = {
    "SELECT t FROM t": {"t.id", "t.a", "t.b", "t.s", "t.ts"},
    "SELECT to_json(u) AS j FROM u": {"u.id", "u.a", "u.z"},
    "SELECT count(u) AS n FROM u": {"u.id", "u.a", "u.z"},
    "SELECT hash(u) AS h FROM u": {"u.id", "u.a", "u.z"},
}


@pytest.mark.parametrize("sql", WHOLE)
def test_a_whole_row_depends_on_all_columns(sql: str) -> None:
    assert read_by(sql, analysis_of(sql).columns[0][0]) >= WHOLE[sql]


NINE_FORMS = [
    "SELECT u FROM u",
    "SELECT unnest(u) FROM u",
    "SELECT to_json(u) AS j FROM u",
    "SELECT COLUMNS('[az]') FROM u",
    "SELECT * LIKE 'a%' FROM u",
    "SELECT #1 FROM u",
    "SUMMARIZE u",
    "SELECT q FROM u AS u(p, q, r)",
    "SELECT * FROM u",
]


@pytest.mark.parametrize("sql", NINE_FORMS)
def test_forms_that_hide_columns_depend_on_them(sql: str) -> None:
    found = analysis_of(sql)
    used = {name for node, name in found.references if node == "u"}
    assert found.opaque or "u" in found.stars or {"id", "a", "z"} <= used or sql.endswith("(p, q, r)")
    if sql.endswith("(p, q, r)"):
        assert "a" in used, "the second column, whatever it is called"


OPAQUE = [
    "SELECT * FROM t NATURAL JOIN u",
    "SELECT id FROM t UNION BY NAME SELECT id FROM u",
    "SELECT * FROM u PIVOT (count(*) FOR a IN (1, 2))",
    "SELECT COLUMNS(*) FROM u",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r, u",
    "SELECT current_setting('TimeZone') AS x FROM u",
    "SELECT rowid FROM u",
]


@pytest.mark.parametrize("sql", OPAQUE)
def test_what_is_not_on_the_list_depends_on_everything(sql: str) -> None:
    found = analysis_of(sql)
    assert found.opaque
    assert ("u", "z") in found.of(found.rows)
    assert all(("u", "z") in found.of(part) for part in found.parts)


def test_a_column_depends_on_what_its_expression_reads() -> None:
    sql = "WITH c AS (SELECT a + id AS v, b FROM t WHERE s = 'p') SELECT v * 2 AS x FROM c"
    assert read_by(sql, "x") == {"t.a", "t.id"}
    assert deciding(sql) == {"t.s"}


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT a FROM t WHERE b > 1", {"t.b"}),
        ("SELECT t.a FROM t JOIN u ON t.id = u.id", {"t.id", "u.id"}),
        ("SELECT t.a FROM t JOIN u USING (id)", {"t.id", "u.id"}),
        ("SELECT a, sum(b) AS x FROM t GROUP BY a", {"t.a"}),
        ("SELECT a, sum(b) AS x FROM t GROUP BY ALL", {"t.a"}),
        ("SELECT a FROM t GROUP BY a HAVING sum(b) > 1", {"t.a", "t.b"}),
        ("SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY s ORDER BY id) = 1", {"t.s", "t.id"}),
        ("SELECT DISTINCT a, b FROM t", {"t.a", "t.b"}),
        ("SELECT DISTINCT a FROM t SEMI JOIN u ON t.id = u.id", {"t.a", "t.id", "u.id"}),
        ("SELECT a FROM t ORDER BY b LIMIT 3", {"t.b"}),
        ("SELECT a FROM t ORDER BY b", set()),
        ("SELECT a FROM t UNION SELECT id FROM u", {"t.a", "u.id"}),
        ("SELECT a FROM t UNION ALL SELECT id FROM u", set()),
        ("SELECT unnest(xs) AS x, id FROM lists.l", {"lists.l.xs"}),
        ("SELECT a FROM t WHERE EXISTS (SELECT * FROM u WHERE u.id = t.id)", {"t.id", "u.id"}),
        ("SELECT a FROM t WHERE id IN (SELECT a FROM u WHERE z = 'p')", {"t.id", "u.a", "u.z"}),
    ],
)
def test_control_columns_decide_about_rows(sql: str, columns: set[str]) -> None:
    assert deciding(sql) == columns


MACROS = (
    ("twice", "CREATE MACRO twice(x) AS x * 2"),
    ("four_times", "CREATE MACRO four_times(x, y := 2) AS twice(x) * y"),
    ("big", "CREATE MACRO big(least) AS TABLE SELECT id, a FROM t WHERE b > least"),
)


@pytest.mark.parametrize(
    ("with_macro", "without"),
    [
        ("SELECT twice(a + 1) AS x FROM t", "SELECT (a + 1) * 2 AS x FROM t"),
        ("SELECT four_times(a) AS x FROM t", "SELECT a * 2 * 2 AS x FROM t"),
        ("SELECT four_times(a, y := 3) AS x FROM t", "SELECT a * 2 * 3 AS x FROM t"),
        ("SELECT a FROM big(1)", "SELECT a FROM (SELECT id, a FROM t WHERE b > 1)"),
    ],
)
def test_macros_are_taken_for_what_they_say(with_macro: str, without: str) -> None:
    expanded, plain = analysis_of(with_macro, MACROS), form(without)
    assert (expanded.parts, expanded.rows, expanded.references) == (plain.parts, plain.rows, plain.references)


def _random_query(rng: random.Random) -> str:
    expr = rng.choice(["a", "a + 0", "id", "coalesce(a, 0)", "b"])
    inner = f"SELECT id, {expr} AS v, s FROM t {rng.choice(['', 'WHERE a > 1', 'WHERE id > 1', 'WHERE v > 1'])}"
    name = rng.choice(["c", "d", "kept"])
    outer = rng.choice(["v", "v AS w", "max(v) AS w", "s, count(*) AS n", "DISTINCT v", "v, s"])
    rest = " GROUP BY s" if "count" in outer else ""
    rest += rng.choice(["", " ORDER BY 1 LIMIT 2"]) if "count" not in outer and "max" not in outer else ""
    return f"WITH {name} AS ({inner}) SELECT {outer} FROM {name}{rng.choice(['', ' AS q'])}{rest}"


@given(st.integers(0, 2**32))
def test_one_form_means_one_result(seed: int) -> None:
    rng = random.Random(seed)
    groups: dict[object, set[str]] = {}
    for _ in range(25):
        sql = _random_query(rng)
        found = form(sql)
        groups.setdefault((found.parts, found.rows, found.references, len(found.columns)), set()).add(sql)
    connection = filled(seed)
    for queries in groups.values():
        ordered = [result(connection, sql) for sql in queries if "LIMIT" not in sql]
        assert all(each == ordered[0] for each in ordered), queries
    connection.close()
