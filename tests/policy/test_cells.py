"""Aggregates as a table of cells, and queries over them: as one machine computes them that has the cells."""

from typing import Any

import duckdb
import pytest

from headwater.diagnostics import Diagnostic
from headwater.graph.borders import PolicyNode
from headwater.policy.cell_queries import rewritten
from headwater.policy.cells import Cells, Slots, cells_of
from headwater.policy.predicates import statement_of
from headwater.run.binding import Binder
from headwater.spec.policies import Form
from headwater.sql.plain import plain
from headwater.sql.queries import read_query
from headwater.sql.rendering import render
from headwater.sql.traversal import selects
from headwater.sql.tree import Table, leaves

COLUMNS = (
    ("ts", "TIMESTAMP"),
    ("path", "VARCHAR"),
    ("status", "INTEGER"),
    ("bytes", "BIGINT"),
    ("price", "DECIMAL(9,2)"),
    ("seconds", "DOUBLE"),
    ("client_ip", "VARCHAR"),
)
BY = {"hour": "date_trunc('hour', ts)", "path": "path", "status": "status"}
SMALLEST = 8
FUNCTIONS = ("sum", "count", "avg", "variance")
ROWS = """
    SELECT TIMESTAMP '2024-05-04 00:00:00' + to_minutes(CAST(hash(i, 1) % 300 AS BIGINT)) AS ts,
           ['/', '/a', '/b', '/rare'][CAST(least(hash(i, 2) % 25, 3) AS BIGINT) + 1] AS path,
           CAST([200, 404, 500][CAST(hash(i, 3) % 3 AS BIGINT) + 1] AS INTEGER) AS status,
           CASE WHEN hash(i, 4) % 5 > 0 THEN CAST(hash(i, 5) % 100000 AS BIGINT) END AS bytes,
           CAST(hash(i, 6) % 10000 / 100 AS DECIMAL(9,2)) AS price,
           CAST(hash(i, 7) % 1000 AS DOUBLE) / 8 AS seconds,
           '10.0.0.' || CAST(hash(i, 8) % 40 AS VARCHAR) AS client_ip
    FROM range({first}, {last}) AS t(i)
"""


def rule(**form: Any) -> PolicyNode:
    settings: dict[str, Any] = {"aggregates": FUNCTIONS, "by": BY, "unit": "client_ip", "min_group": SMALLEST} | form
    predicate = settings.pop("where", "")
    ship = settings.pop("ship", ("bytes", "price", "seconds"))
    return PolicyNode(
        name="traffic", relation="log", ship=ship, predicate=predicate, form=Form(**settings), file="p.yaml"
    )


def cells(**form: Any) -> Cells:
    made = cells_of(rule(**form), "log", COLUMNS, Binder())
    assert isinstance(made, Cells), made
    return made


@pytest.fixture(scope="module")
def sites() -> duckdb.DuckDBPyConnection:
    """Two sites: their rows, the cells they release, and the rows that stand behind released cells."""
    connection = duckdb.connect()
    made = cells()
    for site, (first, last) in {"east": (0, 4000), "west": (4000, 6000)}.items():
        connection.execute(f"CREATE TABLE log_{site} AS {ROWS.format(first=first, last=last)}")
        connection.execute(f"CREATE TEMP VIEW log AS FROM log_{site}")
        connection.execute(f"CREATE TABLE cells_{site} AS {made.query}")
        connection.execute("DROP VIEW log")
        few = f"count(DISTINCT client_ip) FILTER (bytes IS NOT NULL) OVER cell < {SMALLEST}"
        connection.execute(
            f"CREATE TABLE kept_{site} AS SELECT * REPLACE (CASE WHEN {few} THEN NULL ELSE bytes END AS bytes)"
            f" FROM log_{site} WINDOW cell AS (PARTITION BY date_trunc('hour', ts), path, status)"
            f" QUALIFY count(DISTINCT client_ip) OVER cell >= {SMALLEST}"
        )
    connection.execute("CREATE TABLE cells AS FROM cells_east UNION ALL FROM cells_west")
    connection.execute("CREATE TABLE kept AS FROM kept_east UNION ALL FROM kept_west")
    return connection


def rewrite(text: str, through: Cells) -> str | Diagnostic:
    node = statement_of(Binder().parse(text))
    assert node
    query = plain(read_query(node, {"log": ("log", COLUMNS)})[0])
    tables = [leaf.source for each in selects(query) for leaf in leaves(each.tree) if isinstance(leaf.source, Table)]
    made = rewritten(query, tables[0], through)
    return made if isinstance(made, Diagnostic) else render(made)


def answer(sites: duckdb.DuckDBPyConnection, text: str, table: str) -> tuple[list[Any], list[str]]:
    cursor = sites.cursor()
    cursor.execute(f"CREATE OR REPLACE TEMP VIEW log AS FROM {table}")
    cursor.execute(text)
    rows = [[pytest.approx(each) if isinstance(each, float) else each for each in row] for row in cursor.fetchall()]
    return sorted(rows, key=str), [str(each[1]) for each in cursor.description]


ANSWERED = [
    "SELECT date_trunc('hour', ts) AS hour, path, status, sum(bytes) AS bytes FROM log GROUP BY ALL",
    "SELECT status, sum(bytes), sum(price), sum(seconds), count(*), count(bytes) FROM log GROUP BY status",
    "SELECT path, avg(bytes), avg(price), avg(seconds) FROM log GROUP BY 1",
    "SELECT path, var_samp(bytes), var_pop(seconds), stddev(price), stddev_pop(seconds) FROM log GROUP BY path",
    "SELECT count(*), sum(bytes) FROM log",
    "SELECT count(*), sum(bytes), avg(bytes) FROM log WHERE path = '/nowhere'",
    "SELECT path, count(*) FROM log WHERE status >= 400 AND path <> '/' GROUP BY path",
    "SELECT path, count(*) FILTER (status >= 400) AS bad, count(*) AS n FROM log GROUP BY path",
    "SELECT path, sum(CASE WHEN status >= 500 THEN 1 ELSE 0 END) AS bad FROM log GROUP BY path",
    "SELECT path, sum(CASE WHEN status = 200 THEN bytes ELSE 0 END), count_if(status = 404) FROM log GROUP BY path",
    "SELECT path, count(CASE WHEN status = 404 THEN 1 END), avg(CASE WHEN status = 200 THEN bytes END) FROM log GROUP BY ALL",
    "SELECT date_trunc('day', ts) AS day, sum(bytes) AS b FROM log GROUP BY day HAVING count(*) > 100 ORDER BY b DESC LIMIT 3",
    "SELECT CAST(ts AS DATE) AS day, status // 100 AS kind, count(*) AS n FROM log GROUP BY day, kind",
    "SELECT CASE WHEN status >= 400 THEN 'bad' ELSE 'good' END AS kind, sum(price) / count(*) FROM log GROUP BY kind",
    "SELECT path, min(status), max(date_trunc('hour', ts)), count(DISTINCT status) FROM log GROUP BY path",
    "SELECT DISTINCT path, status FROM log",
    "SELECT path, status, sum(bytes) FROM log GROUP BY ROLLUP (path, status)",
    "WITH bad AS (SELECT ts, path AS p, bytes FROM log WHERE status >= 400) SELECT p, sum(bytes) FROM bad WHERE p <> '/' GROUP BY p",
    "WITH hourly AS (SELECT path, sum(bytes) AS b FROM log GROUP BY path) SELECT max(b), (SELECT count(*) FROM hourly) FROM hourly",
    "SELECT path, sum(sum(bytes)) OVER (ORDER BY path) AS running FROM log GROUP BY path",
    "SELECT l.path, sum(l.bytes) AS s FROM log AS l WHERE l.status IN (200, 404) GROUP BY l.path",
]


@pytest.mark.parametrize("text", ANSWERED)
def test_a_query_over_cells_is_what_one_machine_would_compute(sites: duckdb.DuckDBPyConnection, text: str) -> None:
    over_cells = rewrite(text, cells())
    assert isinstance(over_cells, str), over_cells
    assert answer(sites, over_cells, "cells") == answer(sites, text, "kept")


def test_some_cells_are_too_small(sites: duckdb.DuckDBPyConnection) -> None:
    [(rows, kept, parts)] = sites.execute(
        "SELECT (SELECT count(*) FROM log_east), (SELECT count(*) FROM kept_east), (SELECT count(*) FROM cells_east)"
    ).fetchall()
    assert 0 < kept < rows
    assert parts > 20


REFUSED = {
    "HW1275": [
        "SELECT path, status FROM log",
        "SELECT a.path, count(*) FROM log AS a JOIN log AS b ON a.path = b.path GROUP BY 1",
        "SELECT path, count(*) FROM log CROSS JOIN range(10) GROUP BY 1",
        "SELECT count(*) FROM (SELECT path FROM log LIMIT 5)",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM log WHERE status = 500)",
        "SELECT count(*) FROM log TABLESAMPLE 10%",
        "SELECT path FROM log UNION ALL SELECT 'x'",
        "SELECT path, count(*) FROM log AS l GROUP BY path HAVING EXISTS (SELECT 1 WHERE l.path = 'x')",
        "SELECT sum(bytes) OVER (ORDER BY ts) FROM log",
        "WITH RECURSIVE x AS (SELECT 1) SELECT path, row_number() OVER () FROM log",
    ],
    "HW1276": [
        "SELECT client_ip, count(*) FROM log GROUP BY client_ip",
        "SELECT path, count(*) FROM log WHERE client_ip = '10.0.0.1' GROUP BY path",
        "SELECT path, count(*) FROM log WHERE bytes = 777 GROUP BY path",
        "SELECT date_trunc('minute', ts), count(*) FROM log GROUP BY 1",
        "SELECT path, sum(CASE WHEN bytes = 777 THEN bytes END) FROM log GROUP BY path",
        "SELECT path, sum(bytes) FILTER (client_ip LIKE '10.%') FROM log GROUP BY path",
        "SELECT path, count(*) FROM log GROUP BY path HAVING path || client_ip <> ''",
        "SELECT path, count(*) FROM log WHERE ts >= $start AND ts < $end GROUP BY path",
    ],
    "HW1277": [
        "SELECT path, max(bytes) FROM log GROUP BY path",
        "SELECT path, list(bytes) FROM log GROUP BY path",
        "SELECT path, any_value(client_ip) FROM log GROUP BY path",
        "SELECT path, median(bytes), mode(status) FROM log GROUP BY path",
        "SELECT path, sum(bytes * 2) FROM log GROUP BY path",
        "SELECT path, sum(DISTINCT bytes) FROM log GROUP BY path",
        "SELECT path, sum(bytes ORDER BY ts) FROM log GROUP BY path",
        "SELECT path, arg_max(path, bytes) FROM log GROUP BY path",
        "SELECT path, sum(status) FROM log GROUP BY path",
        "SELECT path, count(DISTINCT client_ip) FROM log GROUP BY path",
        "SELECT path, approx_count_distinct(client_ip) FROM log GROUP BY path",
    ],
}


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in REFUSED.items() for text in texts])
def test_what_cells_cannot_tell_is_refused(code: str, text: str) -> None:
    refused = rewrite(text, cells())
    assert isinstance(refused, Diagnostic), refused
    assert (refused.code, bool(refused.hint)) == (code, True)


def test_cells_have_plain_columns_of_exact_types() -> None:
    assert cells(ship=("bytes", "price")).columns == (
        ("hour", "TIMESTAMP"),
        ("path", "VARCHAR"),
        ("status", "INTEGER"),
        ("count", "BIGINT"),
        ("count_bytes", "BIGINT"),
        ("sum_bytes", "HUGEINT"),
        ("squares_bytes", "DOUBLE"),
        ("count_price", "BIGINT"),
        ("sum_price", "DECIMAL(38,2)"),
        ("squares_price", "DOUBLE"),
    )


def made_over(through: Cells, rows: str) -> list[Any]:
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE log AS SELECT NULL::TIMESTAMP AS ts, NULL::INTEGER AS status, * FROM ({rows})")
    return list(connection.execute(through.query).fetchall())


def test_units_are_counted_not_rows() -> None:
    many_rows = "SELECT '/' AS path, 1 AS bytes, '10.0.0.' || i % 7 AS client_ip FROM range(100) AS t(i)"
    through = cells(by={"path": "path"}, aggregates=("sum",), ship=("bytes",))
    assert made_over(through, many_rows) == []
    assert made_over(through, many_rows.replace("% 7", "% 8")) == [("/", 100, 100, 100)]


def test_a_global_aggregate_of_few_units_is_absent_as_if_there_were_none() -> None:
    through = cells(by={}, aggregates=("count",), ship=())
    row = "SELECT '/' AS path, 1 AS bytes, 'a' AS client_ip"
    assert made_over(through, row) == made_over(through, f"{row} LIMIT 0") == []


def test_a_column_that_few_units_have_is_not_told() -> None:
    one_has = (
        "SELECT '/' AS path, CASE WHEN i = 3 THEN 777 END AS bytes, CAST(i AS VARCHAR) AS client_ip FROM range(50) t(i)"
    )
    assert made_over(cells(by={"path": "path"}, ship=("bytes",)), one_has) == [("/", 50, None, None, None)]


def test_different_values_are_counted_over_tokens_and_not_put_together() -> None:
    through = cells(aggregates=("approx_distinct",), ship=("client_ip",), key="crm")
    assert through.keys == ("crm",)
    assert "$key_crm_inner" in through.query
    whole = "SELECT date_trunc('hour', ts), path, status, approx_count_distinct(client_ip) AS n FROM log GROUP BY ALL"
    assert "distinct_client_ip" in str(rewrite(whole, through))
    part = rewrite("SELECT path, approx_count_distinct(client_ip) AS n FROM log GROUP BY ALL", through)
    assert isinstance(part, Diagnostic)
    assert part.code == "HW1277"


def test_the_slot_is_a_group_that_the_readers_cut_of_time_takes_whole() -> None:
    slots = Slots(time="ts", expression="date_trunc('day', ts)")
    made = cells_of(rule(by={"path": "path"}), "log", COLUMNS, Binder(), slots=slots)
    assert isinstance(made, Cells)
    assert made.columns[:2] == (("path", "VARCHAR"), ("slot", "TIMESTAMP"))
    text = rewrite("SELECT path, count(*) AS n FROM log WHERE ts >= $start AND $end > ts GROUP BY path", made)
    assert '."slot" >= $start' in str(text)
    assert '."slot" < $end' in str(text)
    refused = rewrite("SELECT path, count(*) AS n FROM log WHERE ts >= TIMESTAMP '2024-01-01' GROUP BY path", made)
    assert isinstance(refused, Diagnostic)


@pytest.mark.parametrize(
    "form",
    [
        {"by": {"n": "random()"}},
        {"by": {"n": "now()"}},
        {"by": {"n": "$now"}},
        {"by": {"n": "(SELECT max(path) FROM log)"}},
        {"by": {"n": "count(*)"}},
        {"by": {"n": "path) AS a, (client_ip"}},
        {"by": {"n": "path FROM log --"}},
        {"by": {"n": "no_such_column"}},
        {"by": {"count": "path"}},
        {"by": {"Count_Bytes": "path"}},
        {"ship": ("path",)},
        {"ship": ("nothing",)},
        {"unit": "nobody"},
        {"min_group": 1},
        {"aggregates": ("approx_distinct",)},
        {"where": "no_such_column > 1"},
    ],
)
def test_rules_that_cannot_be_say_so(form: dict[str, Any]) -> None:
    refused = cells_of(rule(**form), "log", COLUMNS, Binder())
    assert isinstance(refused, Diagnostic)
    assert refused.code == "HW1274"
    assert str(refused.where) == "p.yaml"
