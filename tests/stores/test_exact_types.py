"""Whatever DuckDB can hold comes back from the lake as it was: type, value and name."""

import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.connectors.stores import Lake
from headwater.diagnostics import Invalid
from headwater.sql.text import quote_identifier, quote_literal
from headwater.sql.type_names import parse_type
from tests.stores.filling import columns_of, rows_of, stage

LARGE = {"hugeint", "uhugeint"}


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        yield connection


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return Lake(tmp_path_factory.mktemp("it's [a] *lake?") / "lake")


def every_type():
    with duckdb.connect() as connection:
        return columns_of(connection, "SELECT * FROM test_all_types(use_large_enum = false)")


def there_and_back(lake, connection, select, fill="f1"):
    """Types and texts of all values, before and after."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE before_it AS\n{select}")
    select = "SELECT * FROM before_it"
    staged = stage(lake, select, connection=connection, fill=fill)
    names = [quote_identifier(column.name) for column in staged.columns]
    seen = ", ".join(f"typeof({n}), CAST({n} AS VARCHAR)" for n in names)
    relation = lake.relation(staged.columns, lake.paths(staged))
    before = connection.execute(f"SELECT {seen} FROM ({select})").fetchall()
    after = connection.execute(f"SELECT {seen} FROM ({relation})").fetchall()
    assert [c.name for c in staged.columns] == [name for name, _ in columns_of(connection, relation)]
    return before, after


@pytest.mark.parametrize(("name", "type_"), every_type(), ids=lambda v: str(v)[:20])
def test_every_type_comes_back(lake, connection, name, type_):
    shrink = " // 10" if name in LARGE else ""
    before, after = there_and_back(lake, connection, f'SELECT "{name}"{shrink} AS "{name}" FROM test_all_types()')
    assert before == after


@pytest.mark.parametrize(("name", "type_"), every_type(), ids=lambda v: str(v)[:20])
def test_the_file_holds_what_the_schema_says(lake, connection, name, type_):
    staged = stage(lake, f'SELECT "{name}" FROM test_all_types() LIMIT 0', connection=connection)
    held = connection.execute(f"DESCRIBE FROM read_parquet({quote_literal(lake.paths(staged)[0])})").fetchone()[1]
    assert parse_type(held) == parse_type(staged.columns[0].stored)


@pytest.mark.parametrize(("name", "type_"), every_type(), ids=lambda v: str(v)[:20])
def test_no_file_is_an_empty_relation_of_the_same_types(lake, connection, name, type_):
    columns = lake.stored_columns([(name, type_), ("other", "STRUCT(a INTEGER)")])
    assert [t for _, t in columns_of(connection, lake.relation(columns, []))] == [type_, "STRUCT(a INTEGER)"]
    assert connection.execute(lake.relation(columns, [])).fetchall() == []


@pytest.mark.parametrize(
    "value",
    [
        "CAST('nan' AS DOUBLE)", "CAST('-inf' AS FLOAT)", "CAST(-0.0 AS DOUBLE)", "5e-324", "CAST([] AS HUGEINT[])",
        "CAST('infinity' AS TIMESTAMP_S)", "CAST('-infinity' AS TIMESTAMP_MS)", "CAST('infinity' AS DATE)",
        "CAST('12:00:00-00:00:01' AS TIMETZ)", "CAST('12:00:00+01:00:03' AS TIMETZ)", "CAST('24:00:00' AS TIME)",
        "INTERVAL '-1 month 3 days -00:00:00.000001'", "chr(0) || 'x'", "''", "NULL", "[NULL]", "'\\x00\\xFF'::BLOB",
        "{'a \"b\"': 1, 'select': 2::HUGEINT, 'É': 'é'}",
        "MAP {1::HUGEINT: '00:00:01+00:00:02'::TIMETZ}", "CAST(MAP {} AS MAP(HUGEINT, TIMETZ))",
        "CAST(NULL AS MAP(HUGEINT, TIMETZ))", "CAST(NULL AS UNION(a HUGEINT, b TEXT))",
        "CAST(union_value(a := NULL::HUGEINT) AS UNION(a HUGEINT, _tag TEXT))",
        "[CAST(union_value(b := 'x') AS UNION(a HUGEINT[], b TEXT)), NULL]", "CAST([NULL, 2] AS HUGEINT[2])",
        "CAST([['a'], NULL] AS ENUM('a', 'it''s \"b\"', '')[][2])", "CAST(NULL AS STRUCT(a HUGEINT))",
        "CAST('{\"a\":  1}' AS JSON)", "CAST(99999999999999999999999999999999999999 AS UHUGEINT)", "'POINT (1 2)'::GEOMETRY",
        "1.10::DECIMAL(38, 20)", "CAST(repeat('9', 400) AS BIGNUM)", "'0101'::BIT",
    ],
)  # fmt: skip
def test_a_rare_value_comes_back(lake, connection, value):
    before, after = there_and_back(lake, connection, f"SELECT {value} AS x UNION ALL SELECT NULL")
    assert sorted(before, key=str) == sorted(after, key=str)


def test_a_struct_without_field_names_comes_back(lake, connection):
    fill = stage(lake, "SELECT row(1, 'a') AS x, [row(1::HUGEINT, row([2::HUGEINT]))] AS y", connection=connection)
    assert rows_of(lake, fill, connection) == [((1, "a"), [(1, ([2],))])]
    assert [t for _, t in columns_of(connection, lake.relation(fill.columns, []))] == [c.type for c in fill.columns]


LEAVES = st.sampled_from(
    [
        ("HUGEINT", ["0", "-1", "9" * 38]), ("DOUBLE", ["'nan'", "1.5", "'-inf'"]), ("VARCHAR", ["''", "'it''s'", "'É\n'"]),
        ("TIME WITH TIME ZONE", ["'10:00:00-00:00:07'", "'10:00:00.5+15:59:59'"]), ("BIT", ["'01'"]),
        ("TIMESTAMP_S", ["'infinity'", "'2020-02-29 23:59:59'"]), ("INTERVAL", ["'1 month -2 days'", "'30 days'"]),
        ("TIMESTAMP_NS", ["'2020-01-01 00:00:00.123456789'"]), ("ENUM('a', 'b,(')", ["'a'", "'b,('"]),
        ("DECIMAL(4,1)", ["-999.9"]), ("UUID", ["'00000000-0000-0000-0000-000000000001'"]), ("BLOB", ["'\\x00\\xAA'"]),
        ("TIMESTAMP WITH TIME ZONE", ["'2020-01-01 00:00:00+02'", "'-infinity'"]), ("BIGNUM", [f"'{'7' * 60}'"]),
    ]
)  # fmt: skip
NAMES = st.lists(
    st.sampled_from(["a", "B c", "select", 'q"q', "it's", "é", "_tag", "k"]), min_size=1, max_size=3, unique=True
)


@st.composite
def typed_values(draw, depth=3):
    """(type, SQL of a value of it), nested up to some depth."""
    kind = draw(st.sampled_from(["leaf", "list", "array", "struct", "map", "union"])) if depth else "leaf"
    null = draw(st.integers(0, 5)) == 0
    if kind == "leaf":
        type_, values = draw(LEAVES)
        value = draw(st.sampled_from(values))
    elif kind in {"list", "array"}:
        part, first = draw(typed_values(depth - 1))
        type_ = f"{part}[]" if kind == "list" else f"{part}[2]"
        value = draw(st.sampled_from(["[]", f"[{first}, NULL]"])) if kind == "list" else f"[{first}, NULL]"
    elif kind == "map":
        (key, first), (part, item) = draw(typed_values(0)), draw(typed_values(depth - 1))
        type_, value = f"MAP({key}, {part})", f"MAP {{{first}: {item}}}"
        null = null or first.startswith("CAST(NULL")
    else:
        names = draw(NAMES)
        parts = [draw(typed_values(depth - 1)) for _ in names]
        fields = ", ".join(f"{quote_identifier(n)} {t}" for n, (t, _) in zip(names, parts, strict=True))
        type_ = f"{kind.upper()}({fields})"
        packed = ", ".join(f"{quote_identifier(n)} := {v}" for n, (_, v) in zip(names, parts, strict=True))
        value = (
            f"struct_pack({packed})"
            if kind == "struct"
            else f"union_value({quote_identifier(names[0])} := {parts[0][1]})"
        )
    return type_, f"CAST({'NULL' if null else value} AS {type_})"


@settings(max_examples=150)
@given(typed_values())
def test_any_nesting_comes_back(lake, connection, typed):
    type_, value = typed
    before, after = there_and_back(lake, connection, f"SELECT {value} AS x UNION ALL SELECT CAST(NULL AS {type_})")
    assert sorted(before, key=str) == sorted(after, key=str)


# DuckDB's Parquet dictionary takes -0.0 for 0.0: whichever stands first in a file stands for both.
FLOATS = st.floats().map(lambda value: 0.0 if value == 0 else value)


@settings(max_examples=100)
@given(st.lists(FLOATS | st.none(), min_size=1), st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_float_and_text_comes_back_bit_by_bit(lake, connection, floats, texts):
    connection.execute("CREATE OR REPLACE TABLE given_rows (i INTEGER, f DOUBLE, t VARCHAR)")
    rows = [(i, f, None) for i, f in enumerate(floats)] + [(-i, None, t) for i, t in enumerate(texts)]
    connection.executemany("INSERT INTO given_rows VALUES (?, ?, ?)", rows)
    before, after = there_and_back(lake, connection, "SELECT * FROM given_rows")
    assert before == after


@pytest.mark.parametrize("value", [10**38, -(10**38), 2**127 - 1])
def test_a_whole_number_beyond_38_digits_is_an_error_with_a_hint(lake, connection, value):
    with pytest.raises(duckdb.Error) as failure:
        stage(lake, f"SELECT CAST({value} AS HUGEINT) AS total", connection=connection)
    found = lake.explain(failure.value)
    assert (found.code, found.message) == ("HW0651", "`total` holds a whole number of more than 38 digits")
    assert "cast" in found.hint


def test_a_nested_whole_number_beyond_38_digits_is_an_error_too(lake, connection):
    with pytest.raises(duckdb.Error) as failure:
        stage(lake, f"SELECT [CAST({10**38} AS UHUGEINT)] AS totals", connection=connection)
    assert lake.explain(failure.value).code == "HW0651"


def test_a_variant_is_refused(lake):
    with pytest.raises(Invalid) as refusal:
        lake.stored_columns([("v", "VARIANT[]")])
    assert refusal.value.diagnostics[0].code == "HW0656"


@pytest.mark.parametrize(
    "name",
    ['"', "a b", "select", "É", "filename", "file_row_number", "*", "'; DROP TABLE x --", "x" * 200, "_hw_rows", "_e0"],
)
def test_any_column_name_comes_back(lake, connection, name):
    select = f"SELECT 1::HUGEINT AS {quote_identifier(name)}, [{{'k': 2::HUGEINT}}] AS other"
    before, after = there_and_back(lake, connection, select)
    assert before == after


def test_a_thousand_columns_come_back(lake, connection):
    columns = ", ".join(f"{i}::{'HUGEINT' if i % 2 else 'INTEGER'} AS c{i}" for i in range(1000))
    before, after = there_and_back(lake, connection, f"SELECT {columns}")
    assert before == after


def test_a_query_may_end_in_a_comment(lake, connection):
    assert rows_of(lake, stage(lake, "SELECT 1 AS a -- one", connection=connection)) == [(1,)]


@pytest.mark.parametrize(
    "text", ["", "(", "STRUCT(", "STRUCT(a", "INTEGER[", "INTEGER[x]", "MAP(", "'", "my type", "ENUM('a'"]
)
def test_a_text_that_is_no_type_is_taken_as_it_is(text):
    assert parse_type(text).text == text.strip()
    assert not re.search(r"\s$", str(parse_type(text)))


def test_many_files_are_read_as_one_list(lake, connection):
    staged = [stage(lake, f"SELECT {n} AS id", fill=f"m{n}", connection=connection) for n in range(60)]
    relation = lake.relation(staged[0].columns, [path for fill in staged for path in lake.paths(fill)])
    assert relation.count("/lake/clean/flights/") == 1
    assert connection.execute(f"SELECT sum(id), count(*) FROM ({relation})").fetchall() == [(1770, 60)]
