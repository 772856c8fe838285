"""Every mistake in a project's code is a diagnostic at its place, with a hint."""

import pytest

from headwater.diagnostics import Where
from tests.graph.conftest import Code


def test_an_unknown_column_names_the_relation_and_the_place(flights: Code) -> None:
    flights.model("m", "SELECT f.day,\n       avg(f.dellay) AS mean\nFROM flights AS f GROUP BY ALL")
    found = flights.only_mistake()
    assert found.code == "HW0213"
    assert found.message == "unknown column `dellay` in `flights`"
    assert found.where == Where("models/m.sql", 2, 12)
    assert found.hint == "did you mean `delay`?"


@pytest.mark.parametrize(
    ("sql", "expected", "line", "column", "hint"),
    [
        ("SELECT day FROM flightz", "HW0201", 1, 17, "did you mean `flights`?"),
        ("SELECT day,\n  origin +\nFROM flights", "HW0203", 3, 1, ""),
        ("SELECT day FROM flights; SELECT 1", "HW0204", 1, 1, "statements"),
        ("INSERT INTO flights VALUES (1)", "HW0204", 1, 1, "statements"),
        ("CREATE TABLE x AS SELECT 1", "HW0204", 1, 1, "statements"),
        ("", "HW0204", 1, 1, "SELECT"),
        ("PIVOT flights ON origin USING sum(delay)", "HW0204", 1, 1, "IN list"),
        ("SELECT * FROM read_csv('a.csv')", "HW0205", 1, 15, "source"),
        ("SELECT * FROM 'a.csv'", "HW0205", 1, 15, "source"),
        ("SELECT * FROM query('SELECT 1')", "HW0205", 1, 15, "source"),
        ("SELECT * FROM sqlite_scan('a.db', 't')", "HW0205", 1, 15, "source"),
        ("SELECT * FROM glob('*')", "HW0205", 1, 15, "source"),
        ("SELECT day FROM flights WHERE delay > $lat", "HW0208", 1, 39, "did you mean `late`?"),
        ("SELECT day FROM flights WHERE day >= $start", "HW0209", 1, 38, "incremental"),
        ("SELECT code FROM airports AS a, airports AS b", "HW0214", 1, 8, "before it"),
        ("SELECT averag(delay) AS x FROM flights", "HW0215", 1, 8, "did you mean"),
        ("SELECT day > 1 AS x FROM flights", "HW0216", 1, 12, ""),
        ("SELECT delay, count(*) AS n FROM flights", "HW0217", 1, 8, ""),
        ("SELECT day, origin AS day FROM flights", "HW0218", 1, 1, "AS"),
        ("SELECT ago(INTERVAL 1 DAY) AS x FROM flights", "HW0211", 1, 8, "$now"),
        ("SELECT 'é', dellay FROM flights", "HW0213", 1, 13, "did you mean `delay`?"),
        ("SELECT $late + dellay FROM flights", "HW0213", 1, 16, "did you mean `delay`?"),
    ],
)
def test_mistakes_in_sql(flights: Code, sql: str, expected: str, line: int, column: int, hint: str) -> None:
    flights.variables = {"late": 15}
    flights.model("m", sql)
    found = flights.only_mistake()
    assert (found.code, found.where, hint in found.hint) == (expected, Where("models/m.sql", line, column), True), found


def test_all_mistakes_are_reported_at_once_and_readers_are_passed_over(flights: Code) -> None:
    flights.model("a", "SELECT x FROM flights")
    flights.model("b", "SELECT y FROM airports")
    flights.model("c", "SELECT x FROM a")
    assert [found.where.file for found in flights.wrong() if found.where] == ["models/a.sql", "models/b.sql"]


def test_a_ring_is_named_with_all_its_places(code: Code) -> None:
    code.model("a", "SELECT * FROM c")
    code.model("b", "SELECT * FROM a")
    code.model("c", "SELECT 1 AS x\nFROM b")
    found = code.only_mistake()
    assert found.code == "HW0202"
    assert all(place in found.message for place in ("models/a.sql:1:15", "models/b.sql:1:15", "models/c.sql:2:6"))


def test_a_model_that_reads_itself(code: Code) -> None:
    code.model("a", "SELECT * FROM a")
    assert code.only_mistake().message == "`a` reads itself"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"kind": "incremental", "every": "1d"}, "HW0221"),
        ({"kind": "incremental", "time": "day"}, "HW0221"),
        ({"kind": "incremental", "time": "dya", "every": "1d"}, "HW0222"),
        ({"kind": "incremental", "time": "origin", "every": "1d"}, "HW0222"),
        ({"kind": "incremental", "time": "day", "every": "1h"}, "HW0223"),
        ({"columns": {"dellay": "double"}}, "HW0224"),
        ({"columns": {"delay": "text"}}, "HW0224"),
        ({"columns": {"delay": "no such type"}}, "HW0220"),
        ({"restate_on": ("airports",)}, "HW0226"),
        ({"kind": "incremental", "time": "day", "every": "1d", "reads": {"flight": "1h"}}, "HW0226"),
        ({"reads": {"flights": "1h"}}, "HW0226"),
        ({"kind": "view"}, "HW0227"),
    ],
)
def test_mistakes_in_settings(flights: Code, settings: dict[str, object], expected: str) -> None:
    flights.model("m", "SELECT day, origin, delay FROM flights", **settings)
    assert flights.only_mistake().code == expected


def test_a_forgotten_time_is_said_although_the_query_uses_it(flights: Code) -> None:
    flights.model("m", "SELECT day FROM flights WHERE day >= $start AND day < $end", kind="incremental", every="1d")
    assert flights.only_mistake().message == "an incremental model needs `time`"


def test_a_start_that_an_inline_model_does_not_pass_on_is_explained(code: Code) -> None:
    code.source("events", "ts timestamptz", time="ts", start="2024-01-01")
    code.model("clean", "SELECT ts FROM events", kind="inline")
    code.model("m", "SELECT ts FROM clean", kind="incremental", time="ts", every="1h")
    assert "or `time:` to `clean`" in code.only_mistake().hint


def test_incremental_models_need_a_start(code: Code) -> None:
    code.source("events", "ts timestamptz", time="ts")
    code.model("m", "SELECT ts FROM events", kind="incremental", time="ts", every="1h")
    assert code.only_mistake().code == "HW0225"


def test_volatile_functions_are_refused_where_slots_are_cut(flights: Code) -> None:
    sql = "SELECT day, now() AS at FROM flights"
    flights.model("m", sql, kind="incremental", time="day", every="1d")
    assert flights.only_mistake().code == "HW0210"
    flights.model("m", sql, kind="incremental", time="day", every="1d", allow=("volatile",))
    assert flights.node("m").volatile


def test_volatile_is_inherited_through_inline_models(flights: Code) -> None:
    flights.model("i", "SELECT day, random() AS r FROM flights", kind="inline")
    flights.model("m", "SELECT r FROM i")
    assert flights.node("m").volatile


def test_a_view_may_not_stand_on_a_source_not_even_through_inline(flights: Code) -> None:
    flights.model("i", "SELECT day FROM flights", kind="inline")
    flights.model("v", "SELECT day FROM i", kind="view")
    assert flights.only_mistake().code == "HW0227"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"from_": "dayly"}, "HW0229"),
        ({"from_": "flights"}, "HW0229"),
        ({"from_": "inlined"}, "HW0228"),
        ({"from_": "daily", "mode": "merge"}, "HW0230"),
        ({"from_": "daily", "mode": "merge", "key": ("dya",)}, "HW0230"),
        ({"from_": "daily", "in_": ("prd",)}, "HW0231"),
        ({"from_": "daily", "in_": ()}, "HW0231"),
        ({"from_": "daily", "targets": {"staging": {}}}, "HW0231"),
    ],
)
def test_mistakes_in_sinks(flights: Code, settings: dict[str, object], expected: str) -> None:
    flights.model("inlined", "SELECT day FROM flights", kind="inline")
    flights.sink("out", **settings)
    assert flights.only_mistake().code == expected


def test_names_that_differ_in_case_only_are_one_name_in_sql(flights: Code) -> None:
    flights.model("Daily", "SELECT 1 AS x")
    assert flights.only_mistake().code == "HW0206"


STRANGE = ['we"ird', "drop'; DROP TABLE x; --", "ünïcödé", "x" * 200, "select", "a b", "$start", "*", "日本"]


@pytest.mark.parametrize("name", STRANGE)
def test_strange_names_of_columns_and_models_are_only_names(code: Code, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    code.source("raw", "id bigint")
    code.model(name, f"SELECT id AS {quoted} FROM raw")
    code.model("below", f"SELECT {quoted} AS x FROM {quoted}")
    node = code.node("below")
    assert node.columns[0].values == ((name, name),)


def test_a_type_cannot_smuggle_sql(code: Code) -> None:
    code.source("raw", "id INT) AS x; DROP TABLE y; --")
    assert code.only_mistake().code == "HW0220"


def test_a_python_model_cannot_be_a_view(flights: Code) -> None:
    flights.python("p", {"d": "daily"}, {"x": "double"}, kind="view")
    assert flights.only_mistake().code == "HW0232"


def test_a_python_model_names_inputs_that_exist(flights: Code) -> None:
    flights.python("p", {"d": "dayly"}, {"x": "double"})
    assert flights.only_mistake().hint == "did you mean `daily`?"


@pytest.mark.parametrize("is_used", [True, False])
def test_a_macro_that_cannot_be_is_reported_once_at_its_place(code: Code, is_used: bool) -> None:
    code.macro("CREATE MACRO tax(x) AS x *\n  nosuch(x)")
    if is_used:
        code.model("a", "SELECT tax(1) AS x")
        code.model("b", "SELECT tax(2) AS x")
    found = code.only_mistake()
    assert (found.code, found.where) == ("HW0212", Where("functions/m.sql", 2, 3))


def test_two_columns_of_a_source_must_differ_in_more_than_case(code: Code) -> None:
    code.source("raw", "id bigint, ID bigint")
    assert code.only_mistake().code == "HW0218"


def test_a_mistake_in_a_checks_sql_is_shown_where_it_stands(flights: Code) -> None:
    from headwater.spec.checks import Expression
    from headwater.spec.origin import Origin

    flights.files = {"models/m.sql": "checks: [{expression: \"day > DATE '2013-01-01' AND dellay > 1\"}]"}
    at = Origin(Where("models/m.sql", 1, 10), {"sql": Where("models/m.sql", 1, 24)})
    flights.model(
        "m", "SELECT day, delay FROM flights", checks=(Expression(sql="day > DATE '2013-01-01' AND dellay > 1", at=at),)
    )
    found = flights.only_mistake()
    assert (found.code, found.where, found.hint) == ("HW0240", Where("models/m.sql", 1, 52), "did you mean `delay`?")


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("SELECT * FROM {{ ref('flights') }}", "write the name itself: flights"),
        ("SELECT * FROM {{ source('raw', 'flights') }} AS f", "write the name itself: flights"),
        ("SELECT day FROM flights WHERE delay > {{ var('late') }}", "write `$late`"),
        ("SELECT day {% if x %}, delay {% endif %} FROM flights", "a query is plain SQL"),
        ("{{ config(materialized='table') }}\nSELECT day FROM flights", "`/* headwater`"),
        ("SELECT at FROM flights", '"at" where it is a name'),
        ("SELECT day at, delay FROM flights", "write AS at"),
        ("SELECT day, desc FROM flights", '"desc" where it is a name'),
        ("SELECT day, group FROM flights", '"group" where it is a name'),
    ],
)
def test_what_does_not_parse_is_answered_with_what_does(flights: Code, query: str, hint: str) -> None:
    flights.model("m", query)
    found = flights.only_mistake()
    assert (found.code, hint in found.hint) == ("HW0203", True), found


def test_braces_in_a_text_are_no_template(flights: Code) -> None:
    flights.model("m", "SELECT '{{ x }}' AS text FRM flights")
    assert "template" not in flights.only_mistake().message


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("SELECT count(*) FROM flights", 8),
        ("SELECT day, sum(delay) FROM flights GROUP BY day", 13),
        ("SELECT delay + 1 FROM flights", 1),
        ("SELECT CASE WHEN delay > 1 THEN day END FROM flights", 1),
        ("WITH a AS (SELECT max(day) FROM flights) SELECT * FROM a", 19),
    ],
)
def test_an_expression_wants_a_name(flights: Code, query: str, place: int) -> None:
    flights.model("m", query)
    found = flights.only_mistake()
    assert (found.code, found.hint, found.where.column) == ("HW0219", "give it a name with AS", place)


def test_what_has_a_name_keeps_it_however_odd(flights: Code) -> None:
    flights.model("a", 'SELECT day, count(*) AS n, max(delay) AS "max(delay)" FROM flights GROUP BY day')
    flights.model("b", "SELECT * FROM a")
    assert flights.wrong() == []
