"""Every type arrives: exactly in DuckDB and Parquet, exactly as text in CSV and JSON lines."""

import json

import duckdb
import pytest

from headwater.connect.sinks import SinkSlot
from headwater.connectors.sinks import SINKS
from tests.sinks.targets import load, sink

EXCEPT = "hugeint, uhugeint, medium_enum, large_enum"


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        yield connection


def one(connection, root, name, select, **settings):
    columns = tuple((r[0], r[1]) for r in connection.execute(f"DESCRIBE {select}").fetchall())
    target = sink(f"{name}-one" if name != "duckdb" else name, root, **settings)
    target.load(connection, load([SinkSlot(site="hub", slot="all", fill="f", sql=select)], columns=columns))
    return target


def test_duckdb_holds_every_type(tmp_path, connection):
    select = "SELECT * EXCLUDE (medium_enum, large_enum) FROM test_all_types()"
    one(connection, tmp_path, "duckdb", select)
    connection.execute(f"ATTACH '{tmp_path}/out/t.duckdb' AS d (READ_ONLY)")
    seen = "SELECT COLUMNS(*)::VARCHAR, typeof(COLUMNS(*)) FROM"
    assert connection.execute(f"{seen} d.marts.t").fetchall() == connection.execute(f"{seen} ({select})").fetchall()


@pytest.mark.parametrize("name", ["parquet", "csv", "jsonl"])
def test_files_take_every_type(name, tmp_path, connection):
    path = f"out/t.{name}"
    settings = {"path": path} if name == "parquet" else {"path": path, "compression": "none"}
    one(connection, tmp_path, name, f"SELECT * EXCLUDE ({EXCEPT}) FROM test_all_types()", **settings)
    reader = {"parquet": "read_parquet", "csv": "read_csv", "jsonl": "read_json"}[name]
    assert duckdb.sql(f"SELECT count(*) FROM {reader}('{tmp_path}/{path}')").fetchall() == [(3,)]


def test_json_lines_are_json_and_say_what_json_cannot(tmp_path, connection):
    select = (
        "SELECT CAST('nan' AS DOUBLE) AS a, [1.5, CAST('-inf' AS DOUBLE)] AS b, {'x': CAST('inf' AS FLOAT)} AS c, NULL AS d,"
        " 12345678901234567890.123456789::DECIMAL(38, 9) AS e, TIMESTAMPTZ '2020-01-01 00:00:00+09' AS f,"
        ' chr(0) || \'"\' || chr(31) || chr(10) AS "g ""h""", 0.1::DOUBLE AS i, CAST([1.5, NULL] AS DOUBLE[2]) AS j'
    )
    one(connection, tmp_path, "jsonl", select)
    [line] = (tmp_path / "out/t.jsonl").read_text().splitlines()
    assert '"e":12345678901234567890.123456789' in line
    row = json.loads(line, parse_constant=pytest.fail)
    del row["e"]
    assert row == {
        "a": "nan", "b": [1.5, "-inf"], "c": {"x": "inf"}, "d": None, "f": "2019-12-31 15:00:00+00",
        'g "h"': '\0"\x1f\n', "i": 0.1, "j": [1.5, None],
    }  # fmt: skip


def test_csv_tells_null_from_an_empty_text(tmp_path, connection):
    select = "SELECT NULL AS a, '' AS \"b,c\", 'x,\"y\"' AS d, 'l\n' AS e, TIMESTAMPTZ '2020-01-01 00:00:00+09' AS f, [1] AS g"
    one(connection, tmp_path, "csv", select, path="out/t.csv", compression="none")
    assert (tmp_path / "out/t.csv").read_bytes().decode() == (
        'a,"b,c",d,e,f,g\n,"","x,""y""","l\n",2019-12-31 15:00:00+00,[1]\n'
    )


def test_slots_and_sites_of_any_name_lie_side_by_side(tmp_path, connection):
    names = ["all", "a/b", "..", "a b", "ü", "*", "x'y", "a.b"]
    slots = [SinkSlot(site=site, slot=s, fill="f", sql=f"SELECT '{i}' AS i") for i, (site, s) in
             enumerate((site, s) for site in names for s in names)]  # fmt: skip
    sink("csv", tmp_path).load(connection, load(slots, columns=(("i", "VARCHAR"),)))
    found = duckdb.sql(f"SELECT i::INTEGER FROM read_csv('{tmp_path}/out/t/*.csv')").fetchall()
    assert sorted(found) == [(i,) for i in range(len(slots))]


def test_paths_may_be_absolute_or_lead_out_of_the_project(tmp_path, connection):
    project = tmp_path / "it's [a] project"
    project.mkdir()
    for path in (str(tmp_path / "abs.jsonl"), "../out.jsonl", "in.jsonl"):
        one(connection, project, "jsonl", "SELECT 1 AS a", path=path)
    assert sorted(p.name for p in tmp_path.rglob("*.jsonl")) == ["abs.jsonl", "in.jsonl", "out.jsonl"]


@pytest.mark.parametrize("component", SINKS, ids=lambda c: c.name)
def test_every_field_is_described(component):
    assert component.example.startswith("sinks:\n")
    assert f"connector: {component.name}" in component.example
    for name, annotation in component.fields.__annotations__.items():
        assert annotation.__metadata__[0].text, name
