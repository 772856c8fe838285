"""Catalogs: what readers outside are told, and that it is what the environment serves, after every move."""

import tempfile
import threading
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.app.catalogs import served, write_catalog
from headwater.app.compacting import compact_all
from headwater.diagnostics import HeadwaterError
from tests.harness import Project

ORDERS = {"day": "date", "sku": "text", "price": "double"}
DAILY = "SELECT day, sku, sum(price) AS revenue FROM raw WHERE day >= $start AND day < $end GROUP BY day, sku"


@pytest.fixture
def shop(project):
    return declared(project)


def declared(project):
    project.source(
        "raw", ORDERS, [("2024-01-01", "T", 2.5), ("2024-01-02", "C", 3.5)],
        time="day", start="2024-01-01", end="2024-01-04",
    )  # fmt: skip
    project.model("sales.daily", DAILY, kind="incremental", time="day", every="1d")
    project.model("totals", "SELECT sum(revenue) AS total FROM sales.daily", description="It's all")
    project.settings(environments={"dev": {}, "prod": {}}, catalogs={"dev": {"duckdb": "out/dev.duckdb"}})
    return project


def ask(file, sql):
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_catalog_shows_what_is_served_after_each_move(shop):
    file = shop.root / "out/dev.duckdb"
    shop.apply()
    assert ask(file, "SELECT total FROM totals") == [(6.0,)]
    shop.file("raw", "2.csv", ORDERS, [("2024-01-03", "T", 4.0)])
    shop.run()
    assert ask(file, "SELECT total FROM totals") == [(10.0,)]
    shop.rollback(data=True)
    assert ask(file, "SELECT total FROM totals") == [(6.0,)]
    assert ask(file, "SELECT DISTINCT release FROM _headwater.nodes") == [(shop.head().release,)]


def test_a_catalog_says_where_its_views_come_from(shop):
    shop.apply()
    rows = ask(
        shop.root / "out/dev.duckdb",
        "SELECT node, kind, slots, rows, strftime(filled_until AT TIME ZONE 'UTC', '%d %H') FROM _headwater.nodes",
    )
    assert rows == [("sales.daily", "incremental", 3, 2, "04 00"), ("totals", "full", 1, 1, None)]
    assert ask(shop.root / "out/dev.duckdb", "SELECT comment FROM duckdb_views() WHERE view_name = 'totals'") == [
        ("It's all",)
    ]


def test_views_find_what_they_stand_on(shop):
    shop.write("functions/times.sql", "CREATE MACRO times(x, n) AS x * n;")
    shop.settings(variables={"factor": 2})
    shop.model("orders", "SELECT 'main' AS place, revenue FROM sales.daily", kind="inline")
    shop.model("sales.orders", "SELECT 'sales' AS place FROM totals", kind="view")
    shop.model(
        "sales.best", "SELECT place, times(max(revenue), $factor) AS most FROM orders GROUP BY place", kind="view"
    )
    shop.model("best", "SELECT most, $now > TIMESTAMPTZ '2024-01-01' AS late FROM sales.best", kind="view")
    shop.apply()
    assert shop.query("SELECT most, late FROM best") == [(7.0, True)]
    file = shop.root / "out/dev.duckdb"
    assert ask(file, "SELECT place, most FROM sales.best") == [("main", 7.0)]
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS other (READ_ONLY)")
        assert connection.execute("SELECT most, late FROM other.best").fetchall() == [(7.0, True)]


def test_types_that_parquet_lacks_come_back(shop):
    shop.model("wide", "SELECT 2::HUGEINT ** 0 AS none, sum(1) AS huge, 'a'::ENUM('a', 'b') AS kind FROM totals")
    shop.apply()
    types = ask(shop.root / "out/dev.duckdb", "SELECT typeof(huge), typeof(kind) FROM wide")
    assert types == [("HUGEINT", "ENUM('a', 'b')")]


def test_a_reader_keeps_what_it_has_open(shop):
    shop.apply()
    file = shop.root / "out/dev.duckdb"
    with duckdb.connect(str(file), read_only=True) as reader:
        shop.file("raw", "2.csv", ORDERS, [("2024-01-03", "T", 4.0)])
        shop.run()
        assert reader.execute("SELECT total FROM totals").fetchall() == [(6.0,)]
    assert ask(file, "SELECT total FROM totals") == [(10.0,)]


def test_nothing_is_written_where_nothing_moved(shop):
    shop.apply()
    before = (shop.root / "out/dev.duckdb").stat()
    shop.run()
    assert (shop.root / "out/dev.duckdb").stat() == before


def test_a_catalog_that_cannot_be_written_undoes_nothing_and_is_made_good(shop):
    shop.write("out/dev.duckdb", "mine")
    outcome = shop.apply()
    assert [(d.code, d.severity.value) for d in outcome.diagnostics] == [("HW0683", "warning")]
    assert shop.query("SELECT total FROM totals") == [(6.0,)]
    shop.remove("out/dev.duckdb")
    assert shop.run().diagnostics == ()
    assert ask(shop.root / "out/dev.duckdb", "SELECT total FROM totals") == [(6.0,)]


@pytest.mark.parametrize("catalogs", [{"dev": {"duckdb": "a\0b"}}, {"dev": {"duckdb": "data"}}, {"dev": 1}, [1], None])
def test_whatever_stands_under_catalogs_a_run_is_done(shop, catalogs):
    shop.apply()
    shop.settings(catalogs=catalogs)
    shop.file("raw", "2.csv", ORDERS, [("2024-01-03", "T", 4.0)])
    outcome = shop.run()
    assert [d.code for d in outcome.diagnostics] == ["HW0683"]
    assert shop.query("SELECT total FROM totals") == [(10.0,)]


def test_a_file_that_is_no_catalog_is_never_replaced(shop):
    shop.apply()
    mine = shop.root / "mine.duckdb"
    with duckdb.connect(str(mine)) as connection:
        connection.execute("CREATE TABLE precious AS SELECT 1 AS x")
    with pytest.raises(HeadwaterError, match="is no catalog"):
        write_catalog(shop.workspace, "dev", mine)
    assert ask(mine, "FROM precious") == [(1,)]


def test_a_catalog_made_elsewhere_may_be_replaced(shop, tmp_path):
    shop.apply()
    write_catalog(shop.workspace, "dev", shop.root / "a.duckdb")
    (shop.root / "a.duckdb").rename(shop.root / "b.duckdb")
    write_catalog(shop.workspace, "dev", shop.root / "b.duckdb")
    assert ask(shop.root / "b.duckdb", "SELECT total FROM totals") == [(6.0,)]


def test_a_file_changed_by_a_reader_is_replaced_with_its_log(shop):
    shop.apply()
    file = shop.root / "out/dev.duckdb"
    writer = duckdb.connect(str(file))
    writer.execute("CREATE TABLE note AS SELECT 1 AS x")
    shop.file("raw", "2.csv", ORDERS, [("2024-01-03", "T", 4.0)])
    assert shop.run().diagnostics == ()
    assert not file.with_name("dev.duckdb.wal").exists()
    writer.close()
    file.with_name("dev.duckdb.wal").unlink(missing_ok=True)
    assert ask(file, "SELECT total FROM totals") == [(10.0,)]


def test_selected_nodes_bring_what_their_views_stand_on(shop):
    shop.model("best", "SELECT max(revenue) AS most FROM sales.daily", kind="view")
    shop.apply()
    write_catalog(shop.workspace, "dev", shop.root / "best.duckdb", select=["best"])
    assert ask(shop.root / "best.duckdb", "SELECT node FROM _headwater.nodes") == [("sales.daily",), ("best",)]
    assert ask(shop.root / "best.duckdb", "FROM best") == [(3.5,)]


def test_relative_paths_are_found_from_where_the_reader_says(shop, monkeypatch):
    shop.apply()
    write_catalog(shop.workspace, "dev", shop.root / "here.duckdb", relative=True)
    assert (
        str(shop.root)
        not in ask(shop.root / "here.duckdb", "SELECT sql FROM duckdb_views() WHERE view_name = 'totals'")[0][0]
    )
    with duckdb.connect(str(shop.root / "here.duckdb"), read_only=True) as connection:
        connection.execute(f"SET file_search_path = '{shop.root}'")
        assert connection.execute("SELECT total FROM totals").fetchall() == [(6.0,)]
    monkeypatch.chdir(shop.root)
    assert ask("here.duckdb", "SELECT total FROM totals") == [(6.0,)]


def test_the_listed_files_are_all_that_is_served(shop):
    shop.apply()
    (daily,) = served(shop.workspace, "dev", select=["sales.daily"]).nodes
    paths = [file.path for file in daily.files]
    assert duckdb.execute("SELECT sum(revenue), count(*) FROM read_parquet($1)", [paths]).fetchall() == [(6.0, 2)]
    assert [(file.slot, file.rows) for file in daily.files] == [
        ("2024-01-01T00:00:00Z", 1), ("2024-01-02T00:00:00Z", 1),
    ]  # fmt: skip


def test_writers_at_the_same_time_leave_the_newest(shop):
    shop.apply()
    shop.settings(catalogs={})
    file = shop.root / "both.duckdb"
    shop.file("raw", "2.csv", ORDERS, [("2024-01-03", "T", 4.0)])
    writers = [threading.Thread(target=write_catalog, args=(shop.workspace, "dev", file)) for _ in range(3)]
    for writer in writers:
        writer.start()
    shop.run()
    for writer in writers:
        writer.join()
    write_catalog(shop.workspace, "dev", file)
    assert ask(file, "SELECT total FROM totals") == [(10.0,)]
    assert [path.name for path in shop.root.glob(".hw-both*next*")] == []


@pytest.mark.parametrize(
    ("catalogs", "code"),
    [
        ({"prd": {"duckdb": "a.duckdb"}}, "HW0128"),
        ({"pr": {"duckdb": "a.duckdb"}}, "HW0682"),
        ({"dev": {"duckdb": "a.duckdb"}, "prod": {"duckdb": "./a.duckdb"}}, "HW0682"),
        ({"dev": {"duckdb": ""}}, "HW0682"),
        ({"dev": {"duckdb": "/"}}, "HW0682"),
        ({"dev": {"duckdb": "out/.."}}, "HW0682"),
        ({"dev": {"duckdb": "a\0b"}}, "HW0682"),
        ({"dev": {}}, "HW0111"),
        ({"dev": {"duckbd": "a.duckdb"}}, "HW0109"),
    ],
)
def test_what_a_catalog_cannot_be(shop, catalogs, code):
    shop.settings(environments={"dev": {}, "prod": {}, "pr": {"template": True}}, catalogs=catalogs)
    assert code in {mistake.split()[0] for mistake in shop.mistakes}


def test_packed_files_are_listed_once_with_what_is_served_of_them(project):
    columns = {"day": "date", "v": "double"}
    january = [(date(2024, 1, 1) + timedelta(n), 1.0) for n in range(8)]
    project.settings(compact={"after": 4})
    project.source("raw", columns, january, time="day", start="2024-01-01", end="2024-01-09")
    where = "WHERE day >= $start AND day < $end"
    project.model("daily", f"SELECT day, v FROM raw {where}", kind="incremental", time="day", every="1d")
    project.apply()
    project.file("raw", "2.csv", columns, [(date(2024, 1, 3), 5.0)])
    project.run()
    write_catalog(project.workspace, "dev", project.root / "c.duckdb")
    (daily,) = served(project.workspace, "dev").nodes
    packed = [file for file in daily.files if file.slots > 1]
    assert [(file.slots, [f"{at:%d}" for interval in file.intervals for at in interval]) for file in packed] == [
        (7, ["01", "03", "04", "09"])
    ]
    assert ask(project.root / "c.duckdb", "SELECT count(*), sum(v) FROM daily") == [(9, 13.0)]
    assert sum(file.rows for file in daily.files) == 9


def test_a_catalog_follows_when_files_are_packed(shop):
    shop.apply()
    shop.settings(compact={"after": 2})
    assert compact_all(shop.workspace)[0]
    (packed,) = served(shop.workspace, "dev", select=["sales.daily"]).nodes[0].files
    sql = ask(shop.root / "out/dev.duckdb", "SELECT sql FROM duckdb_views() WHERE view_name = 'daily'")[0][0]
    assert packed.path in sql


STEPS = st.lists(st.sampled_from(["rows", "run", "code", "apply", "rollback", "rollback data", "pack"]), max_size=7)


@settings(max_examples=15)
@given(STEPS)
def test_after_every_move_a_catalog_shows_exactly_what_is_served(steps):
    with tempfile.TemporaryDirectory() as root:
        project = declared(Project(Path(root))).settings(compact={"after": 2})
        try:
            project.apply()
            for number, step in enumerate(steps):
                take(project, step, number)
                for node in ("sales.daily", "totals"):
                    shown = ask(project.root / "out/dev.duckdb", f"FROM {node}")
                    assert sorted(shown, key=repr) == project.table(node)
                releases = ask(project.root / "out/dev.duckdb", "SELECT DISTINCT release FROM _headwater.nodes")
                assert releases == [(project.head().release,)]
        finally:
            project.reopen()


def take(project, step, number):
    """One thing that a user may do; going back further than the beginning is refused and changes nothing."""
    match step:
        case "rows":
            project.file("raw", f"{number}.csv", ORDERS, [("2024-01-03", "T", number)])
        case "run":
            project.run()
        case "code":
            project.model("totals", f"SELECT sum(revenue) + {number} AS total FROM sales.daily")
        case "apply":
            project.apply()
        case "pack":
            compact_all(project.workspace)
        case _:
            with suppress(HeadwaterError):
                project.rollback(data=step.endswith("data"))
