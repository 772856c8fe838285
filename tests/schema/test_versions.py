"""Versions of a published table: the plain name is the latest, older ones go on a day that is said."""

import pytest

from headwater.app.compiling import compiled_for
from headwater.app.status import status
from tests.cli.conftest import CommandLine

OLD = {"of": "orders", "version": 1, "deprecated": "2024-02-01"}


@pytest.fixture
def shop(project):
    project.source("raw", {"id": "bigint", "price": "double"}, [(1, 2.5)])
    project.model("orders", "SELECT id, price AS amount FROM raw", version=2)
    project.model("orders_v1", "SELECT id, price FROM raw", **OLD)
    return project


def warned(project):
    found = compiled_for(project.workspace, "dev").diagnostics
    return [(str(d.where), d.message) for d in found if d.code == "HW0289"]


def test_both_versions_are_served(shop):
    shop.apply()
    assert (shop.query("SELECT amount FROM orders"), shop.query("SELECT price FROM orders_v1")) == ([(2.5,)], [(2.5,)])


def test_who_reads_a_deprecated_version_is_warned_where_it_reads(shop):
    shop.model("totals", "SELECT\n    sum(price) AS total\nFROM orders_v1")
    assert warned(shop) == [
        ("models/totals.sql:3:6", "`totals` reads `orders_v1`, which will be deprecated on 2024-02-01")
    ]


def test_long_before_its_day_nobody_is_warned(shop):
    shop.model("orders_v1", "SELECT id, price FROM raw", **OLD | {"deprecated": "2024-02-10"})
    shop.model("totals", "SELECT sum(price) AS total FROM orders_v1")
    assert warned(shop) == []
    assert "will be deprecated" in warned(shop.later(days=1))[0][1]
    assert "is deprecated since 2024-02-10" in warned(shop.later(days=31))[0][1]


def test_who_reads_the_latest_is_not_warned(shop):
    shop.model("totals", "SELECT sum(amount) AS total FROM orders")
    assert warned(shop) == []


def test_sinks_and_chains_are_readers_too(shop):
    shop.model("merged", "SELECT id, price FROM orders_v1", kind="merge", key=["id"])
    shop.write(
        "sinks/s.yaml", "sinks:\n  out:\n    from: orders_v1\n    connector: csv\n    path: out/x\n    in: [prod]\n"
    )
    assert [where for where, _ in warned(shop)] == ["models/merged.sql:5:23", "sinks/s.yaml:3:11"]


def test_a_deprecated_table_still_works_after_its_day(shop):
    shop.model("totals", "SELECT sum(price) AS total FROM orders_v1")
    shop.later(days=100).apply()
    assert shop.query("SELECT total FROM totals") == [(2.5,)]


def test_status_lists_deprecated_tables_with_their_readers(shop):
    shop.model("totals", "SELECT sum(price) AS total FROM orders_v1")
    shop.apply()
    [found] = status(shop.workspace, "dev").deprecations
    assert (found.node, found.instead, [reader.name for reader in found.readers]) == ("orders_v1", "orders", ["totals"])
    shop.reopen()
    said = CommandLine(shop.root)("status").out
    assert "orders_v1 is deprecated from 2024-02-01 (read orders): read by totals." in said


def test_any_table_may_be_deprecated(shop):
    shop.model("old", "SELECT id FROM raw", deprecated="2024-01-01")
    shop.model("reader", "SELECT id FROM old")
    assert "`reader` reads `old`, which is deprecated since 2024-01-01" in warned(shop)[0][1]


@pytest.mark.parametrize(
    ("name", "header", "mistake"),
    [
        ("orders_v1", {"of": "order", "version": 1}, "HW0287"),
        ("orders_v1", {"of": "orders_v1", "version": 1}, "HW0287"),
        ("orders_v0", {"of": "orders_v1", "version": 1}, "HW0287"),
        ("orders_v1", {"of": "orders"}, "HW0288"),
        ("orders_v2", {"of": "orders", "version": 2}, "HW0288"),
        ("old_orders", {"of": "orders", "version": 1}, "HW0288"),
        ("orders_v1", {"of": "orders", "version": 0}, "HW0288"),
        ("orders_v1", {"of": "orders", "version": 1, "deprecated": "soon"}, "HW0110"),
    ],
)
def test_versions_that_cannot_be_are_mistakes(shop, name, header, mistake):
    shop.model(name, "SELECT id, price FROM raw", **header)
    assert mistake in [each.split()[0] for each in shop.mistakes]
