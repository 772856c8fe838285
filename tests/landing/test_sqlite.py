"""Rows of SQLite files: landed once, from where the last landing ended."""

COLUMNS = {"id": "bigint", "name": "text"}
ORDERS = "CREATE TABLE orders (id INTEGER, name TEXT);"


def orders(shop, *rows, **settings):
    shop.sql(ORDERS)
    shop.sql("INSERT INTO orders VALUES (?, ?)", *rows)
    shop.source("orders", COLUMNS, **{"table": "orders", "cursor": "id", **settings})
    shop.project.model("names", "SELECT id, name FROM orders")
    return shop.project


def test_what_is_in_the_database_is_landed_and_served(shop):
    project = orders(shop, (1, "a"), (2, "b"))
    project.apply()
    assert project.table("names") == [(1, "a"), (2, "b")]


def test_a_run_lands_only_what_is_new(shop):
    project = orders(shop, (1, "a"))
    project.apply()
    shop.sql("INSERT INTO orders VALUES (?, ?)", (2, "b"))
    project.run()
    assert project.table("names") == [(1, "a"), (2, "b")]
