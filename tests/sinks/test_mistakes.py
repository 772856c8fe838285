"""What cannot be loaded is a diagnostic with a hint, and the target stays as it was."""

import json
import subprocess
import sys

import duckdb
import pytest

from headwater.diagnostics import CATALOGUE, HeadwaterError, Invalid, Retryable, Where
from tests.sinks.targets import COLUMNS, COMPONENTS, KINDS, load, rows_of, sink, slot

ONE = slot(1, "f1", [(1, "x", "a")])
TWO = slot(1, "f2", [(2, "y", "b")])


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


def refusal(work, *arguments):
    with pytest.raises(HeadwaterError) as refused:
        work(*arguments)
    assert all(d.code in CATALOGUE for d in refused.value.diagnostics)
    return [d.code for d in refused.value.diagnostics]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("rows", "code"),
    [([(None, "x", "a")], "HW0702"), ([(1, "x", "a"), (1, "y", "b")], "HW0703")],
    ids=["null", "twice"],
)
def test_a_merge_needs_one_row_for_each_key(kind, rows, code, tmp_path, connection):
    sink(kind, tmp_path).load(connection, load([ONE], "merge"))
    assert refusal(sink(kind, tmp_path).load, connection, load([slot(2, "f2", rows)], "merge")) == [code]
    assert rows_of(kind, tmp_path) == [(1, "x", "a")]
    sink(kind, tmp_path).load(connection, load([slot(2, "f2", [(2, "y", "b")])], "merge"))
    assert rows_of(kind, tmp_path) == [(1, "x", "a"), (2, "y", "b")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_slot_that_cannot_be_read_changes_nothing(kind, tmp_path, connection):
    sink(kind, tmp_path).load(connection, load([ONE]))
    broken = slot(2, "f2", [("'no number'", "x", "a")])
    assert refusal(sink(kind, tmp_path).load, connection, load([TWO, broken])) == ["HW0704"]
    assert rows_of(kind, tmp_path) == [(1, "x", "a")]
    assert sink(kind, tmp_path).load(connection, load([TWO])).slots == 1


@pytest.mark.parametrize("kind", ["parquet-parts", "csv-parts", "jsonl-parts"])
@pytest.mark.parametrize("names", [["nothing"], ["id", "PART", "note"]])
def test_partitions_are_columns_and_leave_some(kind, names, tmp_path, connection):
    target = sink(kind, tmp_path, partition_by=names)
    assert refusal(target.load, connection, load([ONE])) == ["HW0701"]


@pytest.mark.parametrize("key", [(), ("nothing",)])
def test_a_merge_key_is_a_column(key, tmp_path, connection):
    assert refusal(sink("duckdb", tmp_path).load, connection, load([ONE], "merge", key=key)) == ["HW0701"]


@pytest.mark.parametrize("settings", [{"partition_by": ["part"]}, {"compression": "gz"}])
def test_settings_that_contradict_each_other_are_refused_where_they_stand(settings, tmp_path):
    with pytest.raises(Invalid) as refused:
        COMPONENTS["csv"].make({"path": "out/t.csv", **settings}, str(tmp_path), Where("sinks.yaml", 3, 5))
    assert str(refused.value.diagnostics[0].where) == "sinks.yaml:3:5"


def test_a_column_with_the_name_of_a_stamp_is_refused(tmp_path, connection):
    columns = (*COLUMNS, ("_HEADWATER_slot", "VARCHAR"))
    stamped = slot(1, "f1", [(1, "x", "a", "b")], columns=columns)
    assert refusal(sink("duckdb", tmp_path).load, connection, load([stamped], "append", columns=columns)) == ["HW0709"]


@pytest.mark.parametrize("kind", ["parquet", "parquet-parts", "csv-one", "jsonl"])
def test_files_of_somebody_else_are_not_mixed_with_ours(kind, tmp_path, connection):
    sink(kind, tmp_path).load(connection, load([ONE]))
    for ledger in [*tmp_path.rglob("_headwater.json"), *tmp_path.rglob(".hw-*ledger.json")]:
        ledger.unlink()
    assert refusal(sink(kind, tmp_path).load, connection, load([TWO])) == ["HW0705"]
    assert rows_of(kind, tmp_path) == [(1, "x", "a")]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": 99}', '{"format": "x"}', '{"format": 1, "slots": 3}']
)
def test_a_damaged_or_newer_ledger_is_refused(text, tmp_path, connection):
    sink("parquet", tmp_path).load(connection, load([ONE]))
    (tmp_path / "out/t/_headwater.json").write_text(text)
    assert refusal(sink("parquet", tmp_path).ledger) == ["HW0707"]
    assert refusal(sink("parquet", tmp_path).load, connection, load([TWO])) == ["HW0707"]


def test_a_swap_that_points_elsewhere_is_not_followed(tmp_path, connection):
    target = sink("parquet", tmp_path)
    target.load(connection, load([ONE]))
    (tmp_path / "precious").write_text("")
    ledger = json.loads((tmp_path / "out/t/_headwater.json").read_text())
    swap = {"format": 1, "renames": [], "deletes": ["../../precious"], "ledger": ledger}
    (tmp_path / "out/t/.hw-swap.json").write_text(json.dumps(swap))
    assert refusal(target.ledger) == ["HW0707"]
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_somebody_deleted_are_loaded_again(kind, tmp_path, connection):
    sink(kind, tmp_path).load(connection, load([ONE]))
    for path in (p for p in tmp_path.rglob("*") if p.is_file() and not p.name.startswith((".hw", "_head"))):
        path.unlink()
    assert sink(kind, tmp_path).ledger() == {}
    sink(kind, tmp_path).load(connection, load([ONE]))
    assert rows_of(kind, tmp_path) == [(1, "x", "a")]


def test_new_settings_write_all_files_again(tmp_path, connection):
    sink("csv", tmp_path).load(connection, load([ONE], "append"))
    again = sink("csv", tmp_path, compression="gz", partition_by=("part",))
    assert again.ledger() == {}
    again.load(connection, load([ONE], "append"))
    assert [p.name for p in tmp_path.rglob("*.csv*")] == ["hub.2013-01-01T000000Z.csv.gz"]


def test_a_table_of_somebody_else_is_left_alone(tmp_path, connection):
    (tmp_path / "out").mkdir()
    with duckdb.connect(str(tmp_path / "out/t.duckdb")) as other:
        other.execute("CREATE SCHEMA marts; CREATE VIEW marts.T AS SELECT 1 AS precious")
    assert refusal(sink("duckdb", tmp_path).load, connection, load([ONE])) == ["HW0705"]
    assert sink("duckdb", tmp_path, table="other").load(connection, load([ONE])).rows == 1
    with duckdb.connect(str(tmp_path / "out/t.duckdb")) as other:
        assert other.sql("SELECT * FROM marts.T").fetchall() == [(1,)]


def test_two_sinks_share_a_file(tmp_path, connection):
    sink("duckdb", tmp_path).load(connection, load([ONE]))
    sink("duckdb", tmp_path, table='o\'ther "t"').load(connection, load([TWO], "append"))
    sink("duckdb", tmp_path).load(connection, load([]))
    assert sink("duckdb", tmp_path).ledger() == {}
    assert sink("duckdb", tmp_path, table='O\'THER "t"').ledger() == {("hub", TWO.slot): "f2"}


@pytest.mark.parametrize("content", [b"hello, this is a text" * 1000, b"x"])
def test_a_file_that_is_no_database_is_refused(content, tmp_path, connection):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/t.duckdb").write_bytes(content)
    assert refusal(sink("duckdb", tmp_path).load, connection, load([ONE]))[0] in {"HW0704", "HW0705"}
    assert (tmp_path / "out/t.duckdb").read_bytes() == content


WRITER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE mine AS SELECT 1 AS a")
print("open", flush=True)
sys.stdin.readline()
"""


def test_a_file_that_another_program_writes_is_tried_again_later(tmp_path, connection):
    target = sink("duckdb", tmp_path)
    target.load(connection, load([ONE]))
    command = [sys.executable, "-c", WRITER, str(tmp_path / "out/t.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(Retryable):
            target.load(connection, load([TWO]))
        with pytest.raises(Retryable):
            target.ledger()
        writer.communicate("\n")
    target.load(connection, load([TWO]))
    with duckdb.connect(str(tmp_path / "out/t.duckdb")) as reader:
        assert reader.sql("SELECT * FROM mine").fetchall() == [(1,)]


@pytest.mark.parametrize("kind", ["parquet", "duckdb", "csv-one"])
def test_a_target_that_cannot_be_written_is_a_diagnostic(kind, tmp_path, connection):
    (tmp_path / "out").write_text("a file, not a directory")
    assert refusal(sink(kind, tmp_path).load, connection, load([ONE])) == ["HW0704"]


WIDER = (("ID", "BIGINT"), ("part", "VARCHAR"), ("extra", "HUGEINT"), ("note", "VARCHAR"))


@pytest.mark.parametrize("kind", ["parquet", "csv-one", "jsonl-one", "duckdb"])
def test_a_table_that_keeps_rows_grows_with_its_node(kind, tmp_path, connection):
    sink(kind, tmp_path).load(connection, load([ONE], "merge"))
    wider = slot(2, "f2", [(2, "y", 7, "b")], columns=WIDER)
    sink(kind, tmp_path).load(connection, load([ONE, wider], "merge", columns=WIDER, key=("id",)))
    sink(kind, tmp_path).load(connection, load([slot(3, "f3", [(3, "z", "c")])], "merge"))
    assert rows_of(kind, tmp_path) == [(1, "x", "a"), (2, "y", "b"), (3, "z", "c")]


@pytest.mark.parametrize("kind", ["parquet", "csv-one", "duckdb"])
def test_a_column_whose_new_type_does_not_hold_the_old_values_is_refused(kind, tmp_path, connection):
    other = (("id", "INTEGER"), ("part", "DATE"), ("note", "VARCHAR"))
    sink(kind, tmp_path).load(connection, load([ONE], "merge"))
    changed = slot(2, "f2", [(2, "2020-01-01", "b")], columns=other)
    assert refusal(sink(kind, tmp_path).load, connection, load([changed], "merge", columns=other)) == ["HW0706"]
    assert rows_of(kind, tmp_path) == [(1, "x", "a")]


def test_a_whole_number_that_parquet_cannot_hold_is_refused_and_text_holds_it(tmp_path, connection):
    columns = (("total", "HUGEINT"),)
    large = slot(1, "f1", [(2**127 - 1,)], columns=columns)
    assert refusal(sink("parquet", tmp_path).load, connection, load([large], columns=columns)) == ["HW0651"]
    for kind in ("csv-one", "jsonl-one"):
        sink(kind, tmp_path, path=f"out/x.{kind[:-4]}", compression="none").load(
            connection, load([large], columns=columns)
        )
    assert (tmp_path / "out/x.csv").read_text() == "total\n170141183460469231731687303715884105727\n"
    assert (tmp_path / "out/x.jsonl").read_text() == '{"total":170141183460469231731687303715884105727}\n'
