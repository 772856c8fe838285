"""Places that misbehave: cursors without an end, logs that come and go, comments, values of other libraries."""

import signal
import sqlite3
import tracemalloc

import pytest

from headwater.app.quarantine import list_rejects
from headwater.diagnostics import HeadwaterError
from headwater.events import SourceLanded

COLUMNS = {"id": "bigint", "name": "text"}


def orders(shop, *rows, columns=COLUMNS, **settings):
    shop.sql(f"CREATE TABLE orders ({', '.join(columns)})")
    more(shop, *rows)
    shop.source("orders", columns, **{"table": "orders", "cursor": next(iter(columns)), **settings})
    shop.project.model("names", f"SELECT {', '.join(columns)} FROM orders")
    return shop.project


def more(shop, *rows):
    shop.sql(f"INSERT INTO orders VALUES ({', '.join('?' * len(rows[0]))})", *rows)


def landed(project):
    return [event.rows for event in project.events if isinstance(event, SourceLanded)]


def function(project, *values, type_="bigint"):
    """Write a source that yields these values (as Python text), and a model of it."""
    yields = "".join(f"    yield {{'n': {n}, 'v': {value}}}\n" for n, value in enumerate(values))
    head = f"import headwater as hw\n\n@hw.source(columns={{'n': 'bigint', 'v': {type_!r}}})\ndef rows():\n"
    project.write("models/rows.py", f"{head}    import numpy as np, pyarrow as pa\n{yields}")
    project.model("kept", "SELECT n, CAST(v AS VARCHAR) AS v FROM rows")
    project.apply()
    return project.table("kept")


def test_a_row_of_the_future_hides_no_row_that_comes_before_it(shop):
    columns = {"seen": "timestamptz", "name": "text"}
    rows = ("2024-01-01T00:00:00Z", "a"), ("2999-01-01T00:00:00Z", "typo")
    project = orders(shop, *rows, columns=columns, time="seen", start="2023-01-01")
    project.apply()
    more(shop, ("2024-01-02T00:00:00Z", "b"))
    assert project.run().diagnostics == ()
    assert project.query("SELECT name FROM names ORDER BY name") == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("type_", "one", "endless", "two"),
    [("double", 1.0, float("inf"), 2.0), ("timestamptz", "2024-01-01", "infinity", "2024-01-02")],
)
def test_a_cursor_without_an_end_is_set_aside_and_hides_no_row(shop, type_, one, endless, two):
    project = orders(shop, (one, "a"), (endless, "x"), columns={"seen": type_, "name": "text"})
    assert [found.code for found in project.apply().diagnostics] == ["HW0316"]
    more(shop, (two, "b"))
    project.run()
    assert project.query("SELECT name FROM names ORDER BY name") == [("a",), ("b",)]


@pytest.mark.parametrize(
    "settings", [{"where": "id > 1 -- no tests"}, {"table": None, "query": "SELECT * FROM orders -- all"}]
)
def test_sql_may_end_in_a_comment(shop, settings):
    project = orders(shop, (2, "a"), **settings)
    project.apply()
    more(shop, (3, "b"))
    project.run()
    assert project.table("names") == [(2, "a"), (3, "b")]


def test_reading_a_database_with_a_log_is_no_change_of_it(shop):
    sqlite3.connect(shop.path).execute("PRAGMA journal_mode = WAL").connection.close()
    project = orders(shop, (1, "a"))
    project.apply()
    assert project.plan().actions == []


def test_rows_that_another_program_has_not_committed_are_not_landed(shop):
    project = orders(shop, (1, "a"))
    other = sqlite3.connect(shop.path, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN")
    other.execute("INSERT INTO orders VALUES (2, 'b')")
    project.apply()
    other.execute("ROLLBACK")
    other.execute("INSERT INTO orders VALUES (2, 'c')")
    other.close()
    project.run()
    assert project.table("names") == [(1, "a"), (2, "c")]


def test_rows_that_were_mended_in_a_whole_table_are_no_longer_set_aside(shop):
    project = orders(shop, (1, "a"), ("x", "b"), cursor=None)
    project.apply()
    shop.sql("DELETE FROM orders WHERE id = 'x'")
    project.run()
    assert list(list_rejects(project.workspace, "dev")) == []
    assert project.table("names") == [(1, "a")]


def test_numbers_and_times_of_numpy_are_numbers_and_times(project):
    assert function(project, "np.int64(5)", "np.bool_(True)") == [(0, "5"), (1, "1")]
    times = "np.datetime64('2024-01-01T00:00:00.5', 'ns')", "np.datetime64('NaT')"
    assert function(project, *times, type_="timestamp") == [(0, "2024-01-01 00:00:00.5"), (1, None)]


def test_a_list_with_a_value_that_does_not_fit_is_set_aside_whole(project):
    assert function(project, "[1, 2]", "[1, 'many']", type_="integer[]") == [(0, "[1, 2]")]


def test_times_that_no_column_can_hold_are_not_bent(project):
    late = "pa.scalar(10**16, pa.timestamp('s', 'UTC'))"
    project.write(
        "models/rows.py",
        "import headwater as hw\n\n@hw.source(columns={'v': 'timestamptz'})\ndef rows():\n    import pyarrow as pa\n"
        f"    yield pa.table({{'v': pa.array([{late}])}})\n",
    )
    project.model("kept", "SELECT v FROM rows")
    with pytest.raises(HeadwaterError):
        project.apply()


@pytest.mark.parametrize(
    "settings",
    [
        {"path": "${env:SHOP_SECRET}/shop.db"},
        {"table": "${env:SHOP_SECRET}"},
        {"where": "id > ${env:SHOP_SECRET}"},
        {"table": None, "query": "SELECT * FROM ${env:SHOP_SECRET}"},
    ],
)
def test_mistakes_show_the_reference_and_not_the_secret(shop, monkeypatch, settings):
    monkeypatch.setenv("SHOP_SECRET", "hunter2")
    project = orders(shop, (1, "a"), **settings)
    with pytest.raises(HeadwaterError) as raised:
        project.apply()
    said = str(raised.value.diagnostics)
    assert "${env:SHOP_SECRET}" in said
    assert "hunter2" not in said


def test_a_secret_is_nowhere_in_state_and_lake(shop, monkeypatch):
    shop.path = shop.path.with_name("hunter2.db")
    monkeypatch.setenv("SHOP_SECRET", "hunter2")
    project = orders(shop, (1, "a"), ("x", "b"), path="${env:SHOP_SECRET}.db", where="name <> '${env:SHOP_SECRET}'")
    project.apply()
    project.reopen()
    written = [path for path in (project.root / ".headwater").rglob("*") if path.is_file()]
    assert [path.name for path in written if b"hunter2" in path.read_bytes()] == []


def test_large_values_are_taken_in_small_pieces(shop):
    shop.sql("CREATE TABLE orders (id INTEGER, name BLOB)")
    more(shop, *[(n, bytes(1_000_000)) for n in range(60)])
    shop.source("orders", {"id": "bigint", "name": "blob"}, table="orders", cursor="id")
    shop.project.model("sizes", "SELECT id, octet_length(name) AS size FROM orders")
    tracemalloc.start()
    try:
        shop.project.apply()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert shop.project.query("SELECT count(*), sum(size) FROM sizes") == [(60, 60_000_000)]
    assert most < 30_000_000


def test_a_query_without_an_end_can_be_interrupted(shop):
    def interrupt(number, frame):
        raise KeyboardInterrupt

    counting = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT max(id) AS id FROM n"
    shop.sql("CREATE TABLE orders (id)")
    shop.source("orders", {"id": "bigint"}, query=counting)
    shop.project.model("names", "SELECT id FROM orders")
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises(KeyboardInterrupt):
            shop.project.apply()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_number_that_a_cursor_would_bend_is_set_aside(shop):
    project = orders(shop, (1, "a"), (2**53 + 3, "b"), columns={"id": "double", "name": "text"})
    project.apply()
    more(shop, (2.0, "c"))
    project.run()
    assert project.table("names") == [(1.0, "a"), (2.0, "c")]
