"""Unit tests of models: given rows in, expected rows out."""

from decimal import Decimal

import pytest

from headwater.app.unit_tests.checking import problems_of_tests
from headwater.app.unit_tests.running import run_tests
from headwater.diagnostics import Invalid

FLIGHTS = {"flown": "timestamptz", "carrier": "text", "delay": "double", "paid": "decimal(12,2)"}
DAILY = """SELECT CAST(flown AS DATE) AS day, carrier, count(*) AS flights, avg(delay) AS mean, sum(paid) AS paid
FROM flights WHERE flown >= $start AND flown < $end GROUP BY ALL"""
ROWS = [
    {"flown": "2024-01-01T10:00:00Z", "carrier": "UA", "delay": 3, "paid": "0.10"},
    {"flown": "2024-01-01T11:00:00Z", "carrier": "UA", "delay": 5, "paid": "0.20"},
]
SLOT = ["2024-01-01", "2024-01-02"]


@pytest.fixture
def flights(project):
    project.source("flights", FLIGHTS, time="flown", start="2024-01-01")
    project.model("daily", DAILY, kind="incremental", time="day", every="1d")
    project.model("carriers", "SELECT DISTINCT carrier FROM flights")
    return project


def result(project, **settings):
    project.tests(it=settings)
    (only,) = run_tests(project.root).results
    return only


def codes(found):
    return [f"{d.code} {d.where}" for d in found.diagnostics]


def test_a_model_that_returns_what_is_expected_passes(flights):
    expect = [{"carrier": "UA", "flights": 2, "mean": 4, "paid": "0.30"}]
    found = result(flights, model="daily", slot=SLOT, given={"flights": ROWS}, expect=expect)
    assert (found.passed, found.rows, found.diagnostics) == (True, 1, ())


def test_a_difference_is_shown_by_row_and_column(flights):
    expect = [{"carrier": "UA", "flights": 3}, {"carrier": "AA", "flights": 1}]
    found = result(flights, model="daily", slot=SLOT, given={"flights": ROWS}, expect=expect)
    (pair,) = found.differing
    assert not found.passed
    assert (pair.expected, pair.returned["flights"], pair.columns) == ({"carrier": "UA", "flights": 3}, 2, ("flights",))
    assert found.missing == ({"carrier": "AA", "flights": 1},)


def test_a_row_too_many_is_shown_whole(flights):
    found = result(flights, model="carriers", given={"flights": ROWS}, expect=[])
    assert found.unexpected == ({"carrier": "UA"},)


def test_inputs_are_cut_to_the_slot_as_in_a_run(flights):
    flights.model("later", "SELECT count(*) AS n FROM daily")
    outside = [*ROWS, {"flown": "2024-01-02T00:00:00Z", "carrier": "UA"}]
    found = result(flights, model="daily", slot=SLOT, given={"flights": outside}, expect=[{"flights": 2}])
    assert found.passed


def test_several_slots_are_filled_one_by_one_where_a_query_needs_it(flights):
    query = (
        "SELECT CAST(flown AS DATE) AS day, count(*) OVER () AS n FROM flights WHERE flown >= $start AND flown < $end"
    )
    flights.model("numbered", query, kind="incremental", time="day", every="1d")
    rows = [*ROWS, {"flown": "2024-01-02T00:00:00Z"}]
    expect = [{"day": "2024-01-01", "n": 2}, {"day": "2024-01-01", "n": 2}, {"day": "2024-01-02", "n": 1}]
    slot = ["2024-01-01", "2024-01-03"]
    assert result(flights, model="numbered", slot=slot, given={"flights": rows}, expect=expect).passed


def test_an_input_that_is_not_named_is_empty(flights):
    assert result(flights, model="carriers", expect=[]).passed


def test_rows_can_be_given_for_a_view_or_for_what_it_reads(flights):
    flights.model("known", "SELECT upper(carrier) AS carrier FROM flights", kind="inline")
    flights.model("loud", "SELECT carrier || '!' AS carrier FROM known")
    below = result(flights, model="loud", given={"flights": [{"carrier": "ua"}]}, expect=[{"carrier": "UA!"}])
    direct = result(flights, model="loud", given={"known": [{"carrier": "ua"}]}, expect=[{"carrier": "ua!"}])
    assert (below.passed, direct.passed) == (True, True)


def test_a_view_can_be_tested(flights):
    flights.model("shown", "SELECT carrier, flights * 2 AS twice FROM daily", kind="view")
    given = {"daily": [{"carrier": "UA", "flights": 4}]}
    assert result(flights, model="shown", given=given, expect=[{"twice": 8}]).passed


def test_now_and_variables_are_the_tests_own(flights):
    flights.settings(variables={"late": 15})
    flights.model("clock", "SELECT $now AS now, $late AS late FROM (VALUES (1)) AS one(x)")
    found = result(
        flights,
        model="clock",
        now="2024-05-01T00:00:00Z",
        variables={"late": 3},
        expect=[{"now": "2024-05-01T00:00:00Z", "late": 3}],
    )
    assert found.passed, (found.diagnostics, found.differing)


def test_null_equals_null_and_floats_may_differ_a_little(flights):
    flights.model("sums", "SELECT carrier, 0.1::DOUBLE + 0.2::DOUBLE AS x FROM flights")
    given = {"flights": [{"carrier": None}]}
    assert result(flights, model="sums", given=given, expect=[{"carrier": None, "x": 0.3}]).passed
    strict = {"rows": [{"x": 0.3}], "tolerance": 0.0}
    assert not result(flights, model="sums", given=given, expect=strict).passed


def test_order_matters_only_if_asked_for(flights):
    flights.model("sorted", "SELECT carrier FROM flights ORDER BY carrier DESC")
    given = {"flights": [{"carrier": "a"}, {"carrier": "b"}]}
    rows = [{"carrier": "a"}, {"carrier": "b"}]
    assert result(flights, model="sorted", given=given, expect=rows).passed
    assert not result(flights, model="sorted", given=given, expect={"rows": rows, "ordered": True}).passed
    assert result(flights, model="sorted", given=given, expect={"rows": rows[::-1], "ordered": True}).passed


def test_values_are_cast_exactly(project):
    columns = {"a": "decimal(18,3)", "b": "date", "c": "struct(x integer, y text[])", "d": "hugeint", "e": "blob"}
    project.source("raw", columns, format="parquet")
    project.model("same", "SELECT a, b, c, d, e FROM raw")
    row = {"a": "123456789012345.678", "b": "2024-02-29", "c": {"x": 1, "y": ["p", "q'r"]}, "d": 2**100, "e": "\\xAA"}
    project.tests(it={"model": "same", "given": {"raw": [row]}, "expect": [{**row, "a": "1"}]})
    (found,) = run_tests(project.root).results
    (pair,) = found.differing
    assert pair.returned["a"] == Decimal("123456789012345.678")
    assert (pair.columns, pair.returned["c"]) == (("a",), {"x": 1, "y": ["p", "q'r"]})


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("n", 1.5), ("n", "x"), ("n", True), ("n", 300), ("p", "0.123"), ("p", 12345678901234567.5),
        ("d", "2024-01-01T10:00:00"), ("d", "2024-02-30"), ("s", {"z": 1}), ("s", 5), ("l", {"a": 1}), ("t", "noon"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_where_it_stands(project, column, value):
    columns = {"n": "tinyint", "p": "decimal(20,2)", "d": "date", "s": "struct(x integer)", "l": "int[]", "t": "time"}
    project.source("raw", columns, format="parquet")
    project.model("same", "SELECT n, p, d, s, l, t FROM raw")
    project.write(
        "tests/t.yaml",
        f"tests:\n  it:\n    model: same\n    given:\n      raw:\n        - {{n: 1}}\n        - {column}: {_json(value)}\n    expect: []\n",
    )
    (found,) = run_tests(project.root).results
    assert codes(found)[0].startswith("HW0415 tests/t.yaml:7:")


def test_rows_can_stand_in_files(flights):
    flights.write("tests/rows.csv", "flown,carrier,delay\n2024-01-01 10:00:00+00,UA,3\n2024-01-01 11:00:00+00,,\n")
    flights.write("tests/rows.jsonl", '{"carrier": "UA"}\n\n{"carrier": null}\n')
    flights.write("tests/rows.json", '[{"carrier": "UA"}, {"carrier": null}]')
    for file in ("tests/rows.csv", "tests/rows.jsonl", "tests/rows.json"):
        expect = {"file": "tests/rows.jsonl"}
        found = result(flights, model="carriers", given={"flights": {"file": file}}, expect=expect)
        assert found.passed, (file, found)


def test_rows_can_stand_in_a_parquet_file(flights):
    import pyarrow as pa
    from pyarrow import parquet

    flights.write("tests/x", "")
    parquet.write_table(pa.table({"carrier": ["UA"], "paid": [Decimal("1.50")]}), flights.root / "tests/rows.parquet")
    given = {"flights": {"file": "tests/rows.parquet"}}
    assert result(flights, model="carriers", given=given, expect=[{"carrier": "UA"}]).passed


@pytest.mark.parametrize(
    ("name", "content"),
    [("none.csv", None), ("rows.xml", "<a/>"), ("bad.json", "{"), ("bad.jsonl", '{"a": 1}\n['), ("odd.csv", "a,b\n1\n"), ("x.parquet", "no"), ("b.csv", b"\xff\xfe\x00")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_a_diagnostic(flights, name, content):
    if content is not None:
        flights.write(name, content)
    found = result(flights, model="carriers", given={"flights": {"file": name}}, expect=[])
    assert [d.code for d in found.diagnostics] == ["HW0417"]


def test_a_bad_value_in_a_file_is_shown_by_its_line(flights):
    flights.write("rows.csv", "carrier,delay\nUA,1\nUA,late\n")
    found = result(flights, model="carriers", given={"flights": {"file": "rows.csv"}}, expect=[])
    assert codes(found) == ["HW0415 rows.csv:3"]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"model": "dayly", "expect": []}, "HW0411"),
        ({"model": "flights", "expect": []}, "HW0412"),
        ({"model": "carriers", "given": {"flight": []}, "expect": []}, "HW0413"),
        ({"model": "carriers", "given": {"flights": [{"carier": "UA"}]}, "expect": []}, "HW0414"),
        ({"model": "carriers", "expect": [{"carier": "UA"}]}, "HW0414"),
        ({"model": "daily", "expect": []}, "HW0416"),
        ({"model": "daily", "slot": ["2024-01-01T01:00:00Z", "2024-01-02"], "expect": []}, "HW0416"),
        ({"model": "carriers", "slot": SLOT, "expect": []}, "HW0416"),
        ({"model": "carriers", "variables": {"lat": 1}, "expect": []}, "HW0418"),
    ],
)
def test_a_mistake_in_a_test_is_shown_where_it_stands(flights, settings, code):
    (found,) = result(flights, **settings).diagnostics
    assert (found.code, found.where.file, found.where.line) == (code, "tests/tests.yaml", 1)
    assert found.hint
    checked = flights.check()
    assert list(problems_of_tests(checked.project, checked.graph, flights.root)) == [found]


def test_rows_that_a_quarantine_check_refuses_are_not_returned(flights):
    check = {"accepted_values": {"carrier": ["UA"]}, "on_fail": "quarantine"}
    flights.model("good", "SELECT carrier FROM flights", checks=[check])
    given = {"flights": [{"carrier": "UA"}, {"carrier": "??"}]}
    assert result(flights, model="good", given=given, expect=[{"carrier": "UA"}]).passed


def test_a_query_that_fails_is_a_diagnostic(flights):
    flights.model("cast", "SELECT CAST(carrier AS INTEGER) AS n FROM flights")
    found = result(flights, model="cast", given={"flights": [{"carrier": "UA"}]}, expect=[])
    assert [d.code for d in found.diagnostics] == ["HW0507"]


PYTHON = """import headwater as hw
import pyarrow as pa

@hw.model(kind="full", inputs={"flights": "flights"}, columns={"n": "bigint"})
def counted(flights: pa.Table) -> pa.Table:
    if flights.num_rows > 1:
        raise ValueError("too many")
    return pa.table({"n": [flights.num_rows]})
"""


def test_python_models_are_tested_the_same_way(flights):
    flights.write("models/counted.py", PYTHON)
    given = {"flights": [{"carrier": "UA"}]}
    found = result(flights, model="counted", given=given, expect=[{"n": 1}])
    assert found.passed, found.diagnostics


def test_a_python_model_that_raises_is_shown_at_its_line(flights):
    flights.write("models/counted.py", PYTHON)
    found = result(flights, model="counted", given={"flights": ROWS}, expect=[])
    assert codes(found) == ["HW0853 models/counted.py:7"]


def test_tests_need_no_secret(project):
    project.source("raw", {"id": "bigint"}, path="${env:NOBODY_HAS_SET_THIS}/*.csv")
    project.model("ids", "SELECT id FROM raw")
    assert result(project, model="ids", given={"raw": [{"id": 1}]}, expect=[{"id": 1}]).passed


def test_tests_are_selected_by_name_or_model(flights):
    flights.tests(
        named={
            "the first test": {"model": "carriers", "expect": []},
            "b": {"model": "daily", "slot": SLOT, "expect": []},
        }
    )
    names = [[r.name for r in run_tests(flights.root, select=[s]).results] for s in ("the first*", "daily", "flights+")]
    assert names == [["the first test"], ["b"], ["the first test", "b"]]


def test_a_selection_that_finds_nothing_says_so(flights):
    flights.tests(it={"model": "carriers", "expect": []})
    with pytest.raises(Invalid) as caught:
        run_tests(flights.root, select=["carrier"])
    assert [d.code for d in caught.value.diagnostics] == ["HW0410"]


def test_no_state_and_no_lake_is_made(flights):
    result(flights, model="carriers", expect=[])
    assert not (flights.root / ".headwater/state.db").exists()
    assert not (flights.root / ".headwater/lake").exists()


def _json(value):
    import json

    return json.dumps(value)
