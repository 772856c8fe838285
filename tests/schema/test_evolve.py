"""`on_schema_change: evolve`: files that lack columns or bring new ones, and who gets to see them."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.diagnostics import Invalid
from headwater.sql.widening import widest

ID = {"id": {"type": "bigint", "required": True}, "price": "double"}


@pytest.fixture
def evolving(project):
    project.source("raw", ID, [(1, 2.5)], on_schema_change="evolve")
    project.model("totals", "SELECT sum(price) AS total FROM raw")
    project.model("everything", "SELECT * FROM raw")
    project.apply()
    return project


def version(project, node):
    return project.head().nodes[node].version


def columns(project, node="raw"):
    [found] = [each for each in project.graph().nodes if each.name == node]
    return {column.name: column.type for column in found.columns}


def said(outcome):
    return [(d.code, d.message) for d in outcome.diagnostics if d.code in {"HW0281", "HW0282"}]


def test_a_column_that_a_file_lacks_is_null(evolving):
    evolving.file("raw", "2.csv", ["id"], [(2,)])
    evolving.apply()
    assert evolving.table("everything") == [(1, 2.5), (2, None)]


def test_a_required_column_must_be_there(evolving):
    evolving.file("raw", "2.csv", ["price"], [(2,)])
    with pytest.raises(Invalid) as refused:
        evolving.apply()
    assert refused.value.diagnostics[0].code == "HW0311"


def test_who_reads_all_columns_sees_a_new_one_and_nobody_else_is_rebuilt(evolving):
    before = version(evolving, "totals")
    evolving.file("raw", "2.csv", ["id", "price", "gate"], [(2, None, "A7")])
    assert evolving.plan().rebuilt == ["everything"]
    evolving.apply()
    assert evolving.table("everything") == [(1, 2.5, None), (2, None, "A7")]
    assert version(evolving, "totals") == before


def test_discovery_alone_makes_nothing_due(evolving):
    evolving.file("raw", "2.csv", ["id", "price", "gate"], [(2, 1.5, "A7")])
    evolving.run()
    evolving.events.clear()
    evolving.apply()
    assert evolving.computed() == {"everything": 1}


def test_one_plan_shows_it_and_says_where_to_declare_it(evolving):
    for name in "2.csv", "3.csv", "4.csv":
        evolving.file("raw", name, ["id", "price", "gate"], [(2, 1.5, "A7")])
    [found] = [d for d in evolving.plan().plan.diagnostics if d.code == "HW0281"]
    assert found.message == "source `raw` gained `gate` (text) in 3 files"
    assert found.hint.startswith("declare it in sources/raw.yaml:1: `gate: text`")


def test_what_has_been_applied_is_no_news(evolving):
    evolving.file("raw", "2.csv", ["id", "price", "gate"], [(2, 1.5, "A7")])
    assert [code for code, _ in said(evolving.apply())] == ["HW0281"]
    assert said(evolving.apply()) == []


def test_a_model_may_name_a_discovered_column(evolving):
    evolving.file("raw", "2.csv", ["id", "price", "gate"], [(2, 1.5, "A7")])
    evolving.plan()
    evolving.model("gates", "SELECT gate FROM raw WHERE gate IS NOT NULL")
    assert evolving.mistakes == []
    evolving.apply()
    assert evolving.table("gates") == [("A7",)]


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["1", "-20", "0"], "INTEGER"), (["3000000000", "1"], "BIGINT"), (["1.5", "2"], "DOUBLE"),
        (["3000000000", "1.5"], "VARCHAR"), (["007"], "VARCHAR"), (["1", "x"], "VARCHAR"), (["True", "false"], "BOOLEAN"),
        (["2024-01-31"], "DATE"), (["2024-01-31", "2024-01-31 10:00:00"], "TIMESTAMP"), (["2024-02-31"], "VARCHAR"),
        (["2024-01-31T10:00:00Z"], "TIMESTAMP WITH TIME ZONE"), (["0.12345678901234567"], "VARCHAR"),
        (["99999999999999999999"], "VARCHAR"), ([" 5"], "VARCHAR"), (["1e5"], "DOUBLE"),
    ],
)  # fmt: skip
def test_the_type_is_the_narrowest_that_holds_all_values_exactly(evolving, values, type_):
    evolving.file("raw", "2.csv", ["id", "more"], [(n, value) for n, value in enumerate([*values, None], 2)])
    assert columns(evolving)["more"] == type_


def test_a_column_without_a_value_is_none_yet(evolving):
    evolving.file("raw", "2.csv", ["id", "more"], [(2, None)])
    assert "more" not in columns(evolving)


def test_types_widen_and_never_flip_back(evolving):
    seen = []
    for name, value in (("2.csv", "1"), ("3.csv", "x"), ("4.csv", "2")):
        evolving.file("raw", name, ["id", "more"], [(2, value)])
        seen.append(columns(evolving)["more"])
    evolving.file("raw", "3.csv", ["id", "more"], [(2, "3")])
    assert [*seen, columns(evolving)["more"]] == ["INTEGER", "VARCHAR", "VARCHAR", "VARCHAR"]


def test_a_widened_column_rebuilds_who_reads_it(evolving):
    evolving.file("raw", "2.csv", ["id", "more"], [(2, "1")])
    evolving.apply()
    evolving.file("raw", "3.csv", ["id", "more"], [(3, "x")])
    assert evolving.plan().rebuilt == ["everything"]
    assert [code for code, _ in said(evolving.apply())] == ["HW0282"]
    assert [row[2] for row in evolving.table("everything")] == [None, "1", "x"]


def test_a_run_says_what_it_cannot_read_until_the_next_apply(evolving):
    evolving.file("raw", "2.csv", ["id", "more"], [(2, "1")])
    evolving.apply()
    evolving.file("raw", "3.csv", ["id", "more"], [(3, "x")])
    [(code, message)] = said(evolving.run())
    assert (code, "until the next apply values that are no integer are read as NULL" in message) == ("HW0282", True)
    assert evolving.table("everything")[-1] == (3, None, None)


def test_no_value_of_a_discovered_column_makes_a_row_a_reject(evolving):
    evolving.file("raw", "2.csv", ["id", "more"], [(2, "1")])
    evolving.apply()
    evolving.file("raw", "3.csv", ["id", "more"], [(3, "x")])
    evolving.run()
    assert evolving.query("SELECT count(*) FROM everything") == [(3,)]


def test_a_discovered_column_can_be_declared(evolving):
    evolving.file("raw", "2.csv", ["id", "price", "gate"], [(2, 1.5, "A7")])
    evolving.apply()
    evolving.source("raw", {**ID, "gate": "text"}, on_schema_change="evolve")
    evolving.apply()
    assert columns(evolving) == {"id": "BIGINT", "price": "DOUBLE", "gate": "VARCHAR"}


def test_discovered_columns_come_after_the_declared_ones_whatever_the_order_of_files(evolving):
    evolving.file("raw", "2.csv", ["zone", "id"], [("z", 2)])
    evolving.file("raw", "3.csv", ["area", "price", "id"], [("a", 1, 3)])
    assert list(columns(evolving)) == ["id", "price", "area", "zone"]


def test_a_name_written_twice_is_no_column(evolving):
    evolving.file("raw", "2.csv", ["id", "more", "More"], [(2, 1, 2)])
    assert list(columns(evolving)) == ["id", "price"]


def test_case_does_not_tell_columns_apart(evolving):
    evolving.file("raw", "2.csv", ["id", "Gate"], [(2, "A")])
    evolving.file("raw", "3.csv", ["id", "GATE"], [(3, "B")])
    evolving.apply()
    assert list(columns(evolving)) == ["id", "price", "Gate"]
    assert sorted(evolving.query("SELECT gate FROM everything WHERE gate IS NOT NULL")) == [("A",), ("B",)]


def json_source(project, **settings):
    project.source("raw", ID, on_schema_change="evolve", **settings)
    project.model("everything", "SELECT * FROM raw")
    return project


@pytest.mark.parametrize("format_", ["jsonl", "json"])
def test_json_brings_types_of_its_own(project, format_):
    json_source(project, path="data/raw/*", format=format_)
    rows = [
        {"id": 1, "price": 2.5, "n": 5, "big": 2.5, "flag": True, "tags": ["a", "b"], "zip": "01234", "digits": "5"},
        {"id": 2, "n": None, "day": "2024-01-31"},
    ]
    text = "\n".join(map(json.dumps, rows)) if format_ == "jsonl" else json.dumps(rows)
    project.write(f"data/raw/1.{format_}", text)
    project.apply()
    assert columns(project) == {
        "id": "BIGINT", "price": "DOUBLE", "big": "DOUBLE", "day": "DATE", "digits": "VARCHAR", "flag": "BOOLEAN",
        "n": "INTEGER", "tags": "JSON", "zip": "VARCHAR",
    }  # fmt: skip
    assert project.query("SELECT n, tags, zip FROM everything ORDER BY id") == [
        (5, '["a","b"]', "01234"),
        (None, None, None),
    ]


def test_parquet_brings_types_of_its_own(project):
    import duckdb

    json_source(project, path="data/raw/*.parquet", format="parquet")
    (project.root / "data/raw").mkdir(parents=True, exist_ok=True)
    for name, select in (
        ("1", "1::BIGINT AS id, 2.5::DOUBLE AS price"),
        ("2", "2::BIGINT AS id, 1.25::DECIMAL(9,2) AS fee, [1, 2] AS list"),
        ("3", "3::BIGINT AS id, 7::INTEGER AS fee"),
    ):
        duckdb.sql(f"COPY (SELECT {select}) TO '{project.root}/data/raw/{name}.parquet'")
    project.apply()
    assert columns(project)["fee"] == "DECIMAL(12,2)"
    assert project.query("SELECT id, price, fee::TEXT, list FROM everything ORDER BY id") == [
        (1, 2.5, None, None), (2, None, "1.25", [1, 2]), (3, None, "7.00", None),
    ]  # fmt: skip


def test_compressed_files_evolve_too(evolving):
    evolving.source("raw", ID, path="data/raw/*", on_schema_change="evolve")
    evolving.write("data/raw/2.csv.gz", gzip.compress(b"id,gate\n2,A7\n"))
    assert columns(evolving)["gate"] == "VARCHAR"


def test_quarantine_of_rows_stays_as_it_is(evolving):
    evolving.file("raw", "2.csv", ["id", "price", "gate"], [(2, "much", "A"), (3, 1, "B")])
    evolving.apply()
    assert [row[0] for row in evolving.table("everything")] == [1, 3]


def test_a_broken_value_in_a_new_column_counts_the_same_for_every_reader(evolving):
    evolving.model("prices", "SELECT count(price) AS n FROM raw")
    evolving.write("data/raw/2.csv", b"id,price,gate\n2,1,\xff\n3,1,A\n")
    evolving.apply()
    assert evolving.query("SELECT n FROM prices") == evolving.query("SELECT count(*) FROM everything")


@pytest.mark.parametrize(
    "settings",
    [{"format": "combined", "path": "data/raw/*.log"}, {"header": False}],
)
def test_what_cannot_evolve_says_so(project, settings):
    columns = {"ts": "timestamptz"} if "path" in settings else ID
    project.source("raw", columns, [], on_schema_change="evolve", **settings)
    project.write("data/raw/1.log", "not empty")
    project.model("m", "SELECT * FROM raw")
    with pytest.raises(Invalid) as refused:
        project.apply()
    assert [d.code for d in refused.value.diagnostics] == ["HW0280"]


def test_what_is_landed_cannot_evolve(project):
    body = "{connector: sqlite, path: x.db, table: t, columns: {id: bigint}, on_schema_change: evolve}"
    project.write("sources/db.yaml", f"sources:\n  db: {body}\n")
    assert [each.split()[0] for each in project.mistakes] == ["HW0280"]


def test_values_in_the_place_of_names_are_refused(project):
    json_source(project, path="data/raw/*.jsonl", format="jsonl")
    project.write("data/raw/1.jsonl", json.dumps({"id": 1, **{f"user{n}": n for n in range(501)}}))
    with pytest.raises(Invalid) as refused:
        project.apply()
    assert refused.value.diagnostics[0].code == "HW0283"


TYPES = st.sampled_from(
    ["BOOLEAN", "TINYINT", "UTINYINT", "SMALLINT", "INTEGER", "UINTEGER", "BIGINT", "UBIGINT", "HUGEINT", "FLOAT",
     "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "VARCHAR", "JSON", "DECIMAL(5,2)", "DECIMAL(38,0)",
     "DECIMAL(38,30)"]
)  # fmt: skip


@given(types=st.lists(TYPES, min_size=1, max_size=5), more=st.lists(TYPES, max_size=3))
def test_text_stays_text_whatever_comes(types, more):
    assert widest(types) == widest(reversed(types))
    if widest(types) == "VARCHAR":
        assert widest([*types, *more]) == "VARCHAR"
