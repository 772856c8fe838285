"""SQLite targets: killed at any moment, read meanwhile, held by others, exact where SQLite is not."""

import multiprocessing
import random
import signal
import sqlite3
from contextlib import closing

import duckdb
import pytest

from headwater.connect.sinks import SinkSlot
from headwater.diagnostics import HeadwaterError
from tests.sinks.targets import Oracle, load, rows_of, sink, slot

CONTEXT = multiprocessing.get_context("forkserver")


def slots_of(state):
    return [slot(day, fill, rows) for day, (fill, rows) in state.items()]


def dies(root, state, mode, seconds):
    connection, wanted = duckdb.connect(), load(slots_of(state), mode)
    signal.setitimer(signal.ITIMER_REAL, seconds)  # nobody handles the alarm: it kills, wherever SQLite is
    sink("sqlite", root).load(connection, wanted)


def test_a_load_killed_at_any_moment_leaves_old_or_new_and_is_finished_by_the_next(tmp_path):
    chance, oracle = random.Random(1), Oracle("merge")
    for turn in range(12):
        rows = [(chance.randrange(3000), "x", str(turn)) for _ in range(1500)]
        unique = list({row[0]: row for row in rows}.values())
        state = {day: (f"f{turn}-{day}", unique) for day in range(1, 1 + chance.randrange(1, 4))}
        before = oracle.rows
        process = CONTEXT.Process(target=dies, args=(tmp_path, state, "merge", chance.uniform(0.001, 0.08)))
        process.start()
        process.join()
        oracle.load({("hub", day): known for day, known in state.items()})
        assert rows_of("sqlite", tmp_path) in (before, oracle.rows)
        sink("sqlite", tmp_path).load(duckdb.connect(), load(slots_of(state), "merge"))
        assert rows_of("sqlite", tmp_path) == oracle.rows
        assert sink("sqlite", tmp_path).ledger() == oracle.ledger


def test_a_reader_sees_the_state_before_while_it_is_loaded(tmp_path):
    target = sink("sqlite", tmp_path)
    target.load(duckdb.connect(), load([slot(1, "f1", [(1, "x", "a")])]))
    with closing(sqlite3.connect(tmp_path / "out/t.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (1,)
        target.load(duckdb.connect(), load([slot(1, "f2", [(1, "x", "a"), (2, "x", "b")])]))
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (1,)
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (2,)


def test_values_that_sqlite_cannot_hold_are_text_that_reads_back(tmp_path):
    columns = (
        ("n", "DECIMAL(38,2)"),
        ("h", "HUGEINT"),
        ("d", "DATE"),
        ("f", "DOUBLE"),
        ("b", "BLOB"),
        ("l", "INTEGER[]"),
    )
    value = "1.10::DECIMAL(38,2) AS n, 2::HUGEINT ** 100 AS h, DATE '2024-01-02' AS d, 'nan'::DOUBLE AS f, "
    sql = f"SELECT {value}'\\xFF'::BLOB AS b, [1, 2] AS l"
    wanted = load(
        [SinkSlot(site="hub", slot="all", fill="f", sql=sql.replace("2::HUGEINT ** 100", f"{2**100}::HUGEINT"))],
        columns=columns,
    )
    sink("sqlite", tmp_path).load(duckdb.connect(), wanted)
    with closing(sqlite3.connect(tmp_path / "out/t.db")) as database:
        assert database.execute("SELECT * FROM t").fetchall() == [
            ("1.10", str(2**100), "2024-01-02", "nan", b"\xff", "[1, 2]")
        ]


def test_a_table_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    with closing(sqlite3.connect(tmp_path / "out/t.db")) as database, database:
        database.execute("CREATE TABLE t (x)")
    with pytest.raises(HeadwaterError) as raised:
        sink("sqlite", tmp_path).load(duckdb.connect(), load([slot(1, "f1", [(1, "x", "a")])]))
    assert raised.value.diagnostics[0].code == "HW0705"


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/t.db").write_text("a text of mine, which is no database")
    with pytest.raises(HeadwaterError) as raised:
        sink("sqlite", tmp_path).load(duckdb.connect(), load([slot(1, "f1", [(1, "x", "a")])]))
    assert raised.value.diagnostics[0].code == "HW0705"
    assert (tmp_path / "out/t.db").read_text().startswith("a text")


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_columns_come_and_types_may_not_change(tmp_path, mode):
    target = sink("sqlite", tmp_path)
    target.load(duckdb.connect(), load([slot(1, "f1", [(1, "x", "a")])], mode))
    columns = (("id", "INTEGER"), ("part", "VARCHAR"), ("note", "VARCHAR"), ("more", "DOUBLE"))
    more = [slot(2, "f2", [(2, "x", "b", 1.5)], columns=columns)]
    target.load(
        duckdb.connect(), load([slot(1, "f1", [(1, "x", "a", 1.0)], columns=columns), *more], mode, columns=columns)
    )
    with closing(sqlite3.connect(tmp_path / "out/t.db")) as database:
        assert sorted(database.execute("SELECT id, more FROM t"), key=str) == [(1, None), (2, 1.5)]
    other = (("id", "INTEGER"), ("part", "VARCHAR"), ("note", "BLOB"))
    with pytest.raises(HeadwaterError) as raised:
        target.load(duckdb.connect(), load([slot(3, "f3", [(3, "x", "b")], columns=other)], mode, columns=other))
    assert raised.value.diagnostics[0].code == "HW0706"
