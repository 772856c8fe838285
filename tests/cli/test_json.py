"""Machine output: one document on stdout and nothing else, in the published shapes, exact."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.cli.views.encoding import encode


def ask(project, sql):
    said = project("--json", "query", sql)
    assert said.code == 0, said.out
    return json.loads(said.out, parse_float=Decimal)


def keys(document):
    return set(document)


def test_plan_has_the_published_shape(headwater):
    plan = headwater("plan", "--json").document
    published = {"environment", "base", "steps", "moves", "columns", "sinks_not_reverted", "diagnostics"}
    assert keys(plan) == published | {"beside"}
    assert [(step["node"], step["action"], step["because"]) for step in plan["steps"]] == [
        ("sales", "build", "new"),
        ("dev", "move", "2 nodes become visible at once"),
    ]
    assert keys(plan["steps"][0]) == {"node", "action", "because", "version", "slots"}


def test_apply_adds_the_release_and_what_each_step_did(headwater):
    done = headwater("apply", "--json").document
    assert done["release"] == headwater("history", "--json").document[0]["release"]
    assert {step["action"]: step["rows"] for step in done["steps"]} == {"build": 3, "move": 0}
    assert all({"rows", "bytes", "seconds"} <= keys(step) for step in done["steps"])


def test_status_has_the_published_shape(shop):
    status = shop("status", "--json").document
    assert {"environment", "release", "nodes"} <= keys(status)
    published = {"node", "version", "filled_until", "due", "blocked", "held", "behind_s", "quality", "last_run"}
    assert published <= keys(status["nodes"][0])


def test_history_has_the_published_shape(shop):
    (release,) = shop("history", "--json").document
    assert {"release", "environment", "at", "by", "commit", "kind", "nodes", "message"} <= keys(release)
    assert (release["kind"], release["at"][-1]) == ("apply", "Z")


def test_a_failing_command_prints_its_diagnostics(shop):
    said = shop("--json", "show", "sale")
    (found,) = said.document["diagnostics"]
    assert keys(found) == {"code", "severity", "message", "file", "line", "column", "hint"}
    assert (said.code, found["hint"]) == (1, "did you mean `sales`?")


def test_check_prints_every_mistake_with_its_place(headwater):
    headwater.edit("models/sales.sql", "o.price", "o.prise")
    said = headwater("check", "--json")
    (found,) = said.document["diagnostics"]
    assert (said.code, found["file"], found["line"] > 1, found["column"] > 1) == (1, "models/sales.sql", True, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"], ["plan"], ["status"], ["history"], ["diff"], ["diff", "dev", "prod"], ["query", "SELECT 1 AS one"],
        ["show", "sales"], ["lineage", "sales"], ["lineage", "sales", "revenue"], ["env", "list"],
        ["env", "diff", "dev", "prod"], ["quarantine", "list"], ["quarantine", "show", "orders"],
        ["quarantine", "replay", "orders"], ["janitor", "--dry-run"], ["schema"], ["doctor"], ["completion", "bash"],
        ["run"], ["rollback", "--dry-run"], ["test"], ["wat"], ["show", "nothing"], ["plan", "--env", "nowhere"],
        ["catalog"], ["audit"], ["diff", "--env", "dev", "--env", "prod", "sales"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_stdout_holds_one_document_and_stderr_no_line(shop, arguments):
    said = shop("--json", "--verbose", *arguments)
    json.loads(said.out)
    assert said.err == ""


def test_warnings_stay_inside_the_document(headwater):
    headwater.edit("models/sales.sql", "checks:", "checks:\n  - row_count: {min: 9, on_fail: warn}")
    said = headwater("apply", "--json")
    assert (said.code, said.err) == (0, "")
    assert [each["severity"] for each in said.document["diagnostics"]] == ["warning"]


def test_decimals_and_large_integers_are_exact(shop):
    sql = "SELECT 170141183460469231731687303715884105727::HUGEINT // 2 AS huge, 1.10::DECIMAL(38,20) AS price"
    assert ask(shop, sql) == [
        {"huge": 85070591730234615865843651857942052863, "price": Decimal("1.10000000000000000000")}
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("DATE '2013-01-31'", "2013-01-31"),
        ("TIMESTAMP '2013-01-31 05:06:07.25'", "2013-01-31T05:06:07.250000"),
        ("TIMESTAMPTZ '2013-01-31 05:06:07+02'", "2013-01-31T03:06:07Z"),
        ("TIME '05:06:07'", "05:06:07"),
        ("INTERVAL '14 months 3 days 90.5 seconds'", "P14M3DT90.5S"),
        ("TIMESTAMP_NS '2013-01-31 05:06:07.123456789'", "2013-01-31T05:06:07.123456789"),
        ("'NaN'::DOUBLE", "NaN"),
        ("'-Infinity'::DOUBLE", "-Infinity"),
        ("'\\xFF'::BLOB", "ff"),
        ("MAP {'a': 1, 'b': NULL}", {"a": 1, "b": None}),
        ("{'x': [1, 2], 'y': {'z': DATE '2013-01-31'}}", {"x": [1, 2], "y": {"z": "2013-01-31"}}),
        ("NULL", None),
        ("true", True),
    ],
)
def test_every_type_has_a_form(shop, expression, expected):
    assert ask(shop, f"SELECT {expression} AS value") == [{"value": expected}]


def test_columns_of_one_name_are_all_there(shop):
    assert ask(shop, "SELECT 1 AS n, 2 AS n") == [{"n": 1, "n_1": 2}]


def test_no_rows_are_an_empty_array(shop):
    assert ask(shop, "SELECT 1 AS n WHERE false") == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=VALUES, ascii_only=st.booleans())
def test_what_is_written_is_what_is_read(value, ascii_only):
    written = "".join(encode(value, ascii_only=ascii_only))
    assert json.loads(written) == value
    assert written.isascii() or not ascii_only


@given(value=st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_keeps_all_its_digits(value):
    written = "".join(encode([value]))
    assert json.loads(written, parse_float=Decimal, parse_int=Decimal) == [value]
