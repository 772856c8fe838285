"""Names that are odd, long, or meant to harm: refused with a reason, or taken as they are."""

import json

import pytest

ODD = [
    "it's",
    'a"b',
    "größe",
    "日本",
    "x; DROP TABLE sales",
    "x' OR 1=1 --",
    "a.b.c",
    "a b",
    "select",
    "x" * 200,
    "%s",
    "{0}",
    "$now",
]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("name", ["it's", 'a"b', "a b", "a.b", "x; DROP TABLE sales", "x' OR 1=1 --", "-", "x" * 200])
def test_models_are_not_called_like_that(shop, name):
    shop.write(f"models/{name}.sql", "SELECT 1 AS x\n")
    assert shop.refuses_files() == [f"HW0114 models/{name}.sql:1:1"]


@pytest.mark.parametrize("name", ["größe", "日本", "select", "x" * 100])
def test_models_may_be_called_like_that(shop, name):
    shop.write(f"models/{name}.sql", "SELECT 1 AS x\n")
    assert shop("apply").code == 0
    assert shop("--json", "query", f"FROM {quoted(name)}").document == [{"x": 1}]


def test_columns_may_be_called_anything(shop):
    columns = [name for name in ODD if name != "$now"]
    shop.write("models/wide.sql", "SELECT " + ", ".join(f"1 AS {quoted(name)}" for name in columns))
    named = ", ".join(f"w.{quoted(name)}" for name in columns)
    checks = json.dumps(
        [{"not_null": columns}, {"unique": columns}, {"accepted_range": {"column": columns[0], "min": 1}}]
    )
    shop.write("models/reader.sql", f"/* headwater\nchecks: {checks}\n*/\nSELECT {named} FROM wide AS w")
    assert shop("apply").code == 0
    assert shop("--json", "query", "FROM reader").document == [dict.fromkeys(columns, 1)]


def test_values_are_never_sql(shop):
    shop.edit("headwater.yaml", "timezone: UTC", 'timezone: UTC\nvariables: {who: "\'; DROP TABLE sales; --"}')
    shop.write("models/a.sql", "SELECT $who AS who\n")
    assert shop("apply").code == 0
    assert shop("--json", "query", "FROM a").document == [{"who": "'; DROP TABLE sales; --"}]


@pytest.mark.parametrize("name", ["it's", 'a"b', "x; DROP TABLE sales", "x' OR 1=1 --", "x" * 200])
@pytest.mark.parametrize(
    "command",
    [
        ["plan", "--env"], ["apply", "--env"], ["env", "create"], ["env", "delete", "--yes"], ["show"], ["lineage"], ["test"],
        ["rollback", "--yes", "--to"], ["run", "--select"], ["quarantine", "show"], ["diff", "dev"],
        ["catalog", "--env"], ["catalog", "--node"], ["diff", "--env", "dev", "--env", "dev"], ["diff", "sales", "--release"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_arguments_are_never_sql(shop, command, name):
    for found in shop.refuses(*command, name, code=2 if command == ["run", "--select"] else 1):
        assert found["code"] == "HW0901" or name[:10] in found["message"]


@pytest.mark.parametrize(
    "text",
    [
        "COPY (SELECT 1) TO 'x.csv'",
        "ATTACH 'x.db'",
        "SELECT 1; DROP VIEW sales",
        "SET threads = 1",
        "INSERT INTO sales VALUES (1)",
        "",
    ],
)
def test_a_query_only_reads(shop, text, monkeypatch):
    monkeypatch.chdir(shop.root)
    assert shop.fails("query", text)["code"] in {"HW0561", "HW0507"}
    assert not list(shop.root.glob("x.*"))
