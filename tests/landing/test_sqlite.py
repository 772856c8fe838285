"""Rows of SQLite files: landed once, from where the last landing ended, and judged by the contract."""

import sqlite3

import pytest

from headwater.diagnostics import HeadwaterError
from headwater.events import SourceLanded

COLUMNS = {"id": "bigint", "name": "text"}


def orders(shop, *rows, made="orders (id INTEGER, name TEXT)", columns=COLUMNS, **settings):
    shop.sql(f"CREATE TABLE {made}")
    more(shop, *rows)
    shop.source("orders", columns, **{"table": "orders", "cursor": "id", **settings})
    shop.project.model("names", f"SELECT {', '.join(columns)} FROM orders")
    return shop.project


def more(shop, *rows):
    if rows:
        shop.sql(f"INSERT INTO orders VALUES ({', '.join('?' * len(rows[0]))})", *rows)


def landed(project):
    return [event.rows for event in project.events if isinstance(event, SourceLanded)]


def refused(act):
    with pytest.raises(HeadwaterError) as raised:
        act()
    [found] = raised.value.diagnostics
    assert found.where is not None
    assert found.where.file == "sources/orders.yaml"
    return found


def test_what_is_in_the_database_is_landed_and_served(shop):
    project = orders(shop, (1, "a"), (2, "b"))
    project.apply()
    assert project.table("names") == [(1, "a"), (2, "b")]


def test_a_run_lands_only_what_is_new(shop):
    project = orders(shop, (1, "a"), (2, "b"))
    project.apply()
    more(shop, (3, "c"))
    project.run()
    assert landed(project) == [2, 1]
    assert project.table("names") == [(1, "a"), (2, "b"), (3, "c")]


def test_nothing_is_landed_while_nothing_changes(shop):
    project = orders(shop, (1, "a"))
    project.apply()
    project.run()
    assert landed(project) == [1]
    assert project.due() == {}


def test_rows_that_share_the_last_cursor_are_neither_lost_nor_repeated(shop):
    project = orders(shop, (1, "a"), (2, "b"), (2, "b"))
    project.apply()
    more(shop, (2, "b"), (2, "c"))
    project.run()
    more(shop, (2, "c"), (3, "d"))
    project.run()
    assert landed(project) == [3, 2, 2]
    assert project.table("names") == [(1, "a"), *[(2, "b")] * 3, *[(2, "c")] * 2, (3, "d")]


def test_environments_share_what_was_landed(shop):
    project = orders(shop, (1, "a"))
    project.apply("dev")
    project.apply("prod")
    assert landed(project) == [1]
    assert project.table("names", "prod") == [(1, "a")]


def test_a_plan_lands_nothing_and_says_what_would_be(shop):
    project = orders(shop, (1, "a"))
    assert ("land", "orders") in project.plan().actions
    assert landed(project) == []
    project.apply()
    assert project.plan().actions == []
    more(shop, (2, "b"))
    assert project.plan().actions == [("land", "orders")]


def test_without_a_cursor_a_changed_table_is_landed_whole(shop):
    project = orders(shop, (1, "a"), (2, "b"), cursor=None)
    project.apply()
    shop.sql("DELETE FROM orders WHERE id = 1")
    project.run()
    assert project.table("names") == [(2, "b")]
    shop.sql("DELETE FROM orders")
    project.run()
    assert project.table("names") == []


def test_a_file_that_changed_elsewhere_lands_no_second_snapshot(shop):
    project = orders(shop, (1, "a"), cursor=None)
    project.apply()
    shop.sql("CREATE TABLE other (x)")
    project.run()
    assert landed(project) == [1]


def test_only_slots_with_new_rows_are_filled_again(shop):
    columns = {"id": "bigint", "seen": "timestamptz"}
    rows = [(n, f"2024-01-0{n}T10:00:00Z") for n in range(1, 6)]
    project = orders(
        shop, *rows, made="orders (id INTEGER, seen TEXT)", columns=columns, time="seen", start="2024-01-01"
    )
    project.model(
        "days",
        "SELECT seen, id FROM orders WHERE seen >= $start AND seen < $end",
        kind="incremental",
        time="seen",
        every="1d",
    )
    project.apply()
    project.events.clear()
    more(shop, (6, "2024-01-03T11:00:00Z"))
    project.run()
    assert project.computed()["days"] == 1
    assert project.query("SELECT count(*) FROM days") == [(6,)]


def test_values_that_do_not_fit_are_set_aside_once(shop):
    project = orders(shop, (1, "a"), ("two", "b"), (3, b"\xff"), (None, "c"))
    assert [d.code for d in project.apply().diagnostics] == ["HW0316"]
    assert project.table("names") == [(1, "a")]
    more(shop, (4, "d"))
    assert project.run().diagnostics == ()
    assert project.table("names") == [(1, "a"), (4, "d")]


def test_sqlite_keeps_anything_in_any_column(shop):
    columns = {
        "id": "bigint", "a_date": "date", "seen": "timestamptz", "price": "decimal(9,2)", "huge": "hugeint",
        "is_paid": "boolean", "body": "blob",
    }  # fmt: skip
    project = orders(
        shop,
        (2**62, "2024-01-02", 1_700_000_000, 1.25, str(2**100), 1, b"\x00\xff"),
        (2**62 + 1, None, "2024-01-02 10:00:00+02:00", "9.99", 7, "false", "text"),
        made="orders (id, a_date, seen, price, huge, is_paid, body)",
        columns=columns,
    )
    project.apply()
    typed = "id, a_date, epoch(seen), price, huge, is_paid, CAST(body AS VARCHAR)"
    assert [tuple(map(str, row)) for row in project.query(f"SELECT {typed} FROM names ORDER BY id")] == [
        (str(2**62), "2024-01-02", "1700000000.0", "1.25", str(2**100), "True", r"\x00\xFF"),
        (str(2**62 + 1), "None", "1704182400.0", "9.99", "7", "False", "text"),
    ]


def test_a_query_and_a_condition_run_in_the_database(shop):
    project = orders(shop, (1, "a"), (2, "b"), (3, "c"), made="orders (id INTEGER, name TEXT)")
    query = "SELECT id * 10 AS id, upper(name) AS name FROM orders"
    shop.source("orders", COLUMNS, query=query, where="id < 30", cursor="id")
    project.apply()
    assert project.table("names") == [(10, "A"), (20, "B")]


def test_times_as_text_can_be_the_cursor(shop):
    columns = {"seen": "timestamptz", "name": "text"}
    made = "orders (seen TEXT COLLATE NOCASE, name TEXT)"
    project = orders(shop, ("2024-01-01T10:00:00Z", "a"), made=made, columns=columns, cursor="seen")
    project.apply()
    more(shop, ("2024-01-01T10:00:00Z", "b"), ("2024-01-02T10:00:00Z", "c"))
    project.run()
    assert landed(project) == [1, 2]
    assert [name for _, name in project.query("SELECT * FROM names ORDER BY name")] == ["a", "b", "c"]


def test_times_as_numbers_can_be_the_cursor(shop):
    columns = {"seen": "timestamptz", "name": "text"}
    project = orders(shop, (1000, "a"), made="orders (seen, name)", columns=columns, cursor="seen", epoch="ms")
    project.apply()
    more(shop, (1000, "b"), (1001, "c"))
    project.run()
    assert landed(project) == [1, 2]


def test_a_cursor_that_is_here_text_and_there_a_number_is_refused(shop):
    columns = {"seen": "timestamptz", "name": "text"}
    rows = (1000, "a"), ("2024-01-01", "b")
    project = orders(shop, *rows, made="orders (seen, name)", columns=columns, cursor="seen")
    assert refused(project.apply).code == "HW0645"


def test_a_locked_database_is_tried_again_and_then_said(shop):
    project = orders(shop, (1, "a"))
    other = sqlite3.connect(shop.path)
    other.execute("BEGIN EXCLUSIVE")
    assert refused(project.apply).code == "HW0643"
    assert len(project.slept) == 3
    other.close()
    project.apply()
    assert project.table("names") == [(1, "a")]


@pytest.mark.parametrize(
    ("settings", "code", "hint"),
    [
        ({"table": "ordres"}, "HW0642", "did you mean `orders`?"),
        ({"columns": {"id": "bigint", "nmae": "text"}}, "HW0642", "did you mean `name`?"),
        ({"path": "nowhere.db"}, "HW0641", "check `path`"),
        ({"path": "headwater.yaml"}, "HW0641", "integrity_check"),
        ({"table": None, "query": "SELEC 1"}, "HW0644", "SQLite's own SQL"),
        ({"where": "nothing > 1"}, "HW0644", "SQLite's own SQL"),
        ({"query": "SELECT 1"}, "HW0644", "query: SELECT"),
        ({"cursor": "seen"}, "HW0645", "declare it"),
        ({"cursor": "name", "columns": {"id": "bigint", "name": "decimal(9,2)"}}, "HW0645", "a cursor is"),
    ],
)
def test_mistakes_say_what_is_wrong(shop, settings, code, hint):
    project = orders(shop, (1, "a"), **settings)
    project.model("names", "SELECT id FROM orders")
    found = refused(project.apply)
    assert found.code == code
    assert hint in found.hint


def test_on_bad_row_fail_lands_nothing(shop):
    project = orders(shop, (1, "a"), ("x", "b"), on_bad_row="fail")
    assert refused(project.apply).code == "HW0312"
    shop.sql("DELETE FROM orders WHERE name = 'b'")
    project.apply()
    assert landed(project) == [1]


def test_a_database_cannot_be_read_in_place_nor_files_be_landed(shop):
    project = orders(shop, (1, "a"), land=False)
    project.source("other", {"id": "bigint"}, [(1,)], land=True)
    assert [mistake.split()[0] for mistake in project.mistakes] == ["HW0640", "HW0640"]


@pytest.mark.parametrize("connector", ["sqlite", "duckdb"])
@pytest.mark.parametrize(
    ("said", "where"), [("", "sources/a.yaml:3:16"), ("    table: a\n    query: SELECT 1\n", "sources/a.yaml:6:12")]
)
def test_check_wants_a_table_or_a_query(project, connector, said, where):
    settings = f"    connector: {connector}\n    path: a.db\n{said}    columns: {{id: bigint}}\n"
    project.write("sources/a.yaml", f"sources:\n  a:\n{settings}")
    assert project.mistakes == [f"HW0644 {where}"]
