"""Files of sources that are empty, cut off, mixed, huge, or gone: set aside with a place, or refused; never guessed."""

import gzip

import pytest

from headwater.diagnostics import HeadwaterError

SALES = {"tea": 2, "coffee": 2, "cocoa": 1}
MORE = b"6,2026-01-05,tea,1,1.00\n"


def orders(shop):
    return (shop.root / "data/orders.csv").read_bytes()


def aside(shop):
    return [(each["node"], each["reason"], each["count"]) for each in shop("--json", "quarantine", "list").document]


def packed(shop, content):
    shop.edit("sources/orders.yaml", "data/orders.csv", "data/orders.csv.gz\n    on_vanish: delete")
    shop.write("data/orders.csv.gz", content)


def test_an_empty_file_has_no_rows(shop):
    shop.write("data/orders.csv", b"")
    assert shop("apply").code == 0
    assert shop.sales() == {}


def test_a_file_with_a_byte_order_mark(shop):
    shop.write("data/orders.csv", b"\xef\xbb\xbf" + orders(shop) + MORE)
    assert shop("apply").code == 0
    assert shop.sales() == SALES | {"tea": 3}


def test_a_file_with_other_line_ends(shop):
    shop.write("data/orders.csv", (orders(shop) + MORE).replace(b"\n", b"\r\n"))
    assert shop("apply").code == 0
    assert shop.sales() == SALES | {"tea": 3}


def test_a_line_in_another_encoding_is_set_aside(shop):
    shop.write(
        "data/orders.csv", orders(shop) + b"6,2026-01-05,caf\xe9,1,1.00\n" + "7,2026-01-05,thé,1,1.00\n".encode()
    )
    assert shop("apply").code == 0
    assert shop.sales() == SALES | {"thé": 1}
    assert aside(shop) == [("orders", "encoding", 1)]


def test_nul_bytes_stay_where_they_are(shop):
    shop.write("data/orders.csv", orders(shop) + b"6,2026-01-05,t\0ea,1,1.00\n")
    assert shop("apply").code == 0
    assert shop.sales() == SALES | {"t\0ea": 1}


def test_a_line_of_50_megabytes_is_set_aside(shop):
    shop.write(
        "data/orders.csv",
        orders(shop) + b"6,2026-01-05," + b"x" * 50_000_000 + b",1,1.00\n" + MORE.replace(b"6", b"7", 1),
    )
    assert shop("apply").code == 0
    assert shop.sales() == SALES | {"tea": 3}
    assert aside(shop) == [("orders", "too long", 1)]
    [shown] = shop("--json", "quarantine", "show", "orders").document
    assert len(str(shown)) < 10_000


@pytest.mark.parametrize(
    "row",
    [
        b"6,never,tea,1,1.00\n",
        b"6,2026-01-05,tea\n",
        b"6,2026-01-05,tea,1,1.00,more\n",
        b",,,,\n",
        b"6,2026-01-05,tea,1,1e99\n",
    ],
)
def test_a_row_that_is_no_order_is_set_aside(shop, row):
    shop.write("data/orders.csv", orders(shop) + row + MORE)
    assert shop("apply").code == 0
    assert shop.sales() == SALES | {"tea": 3}
    assert [count for _, _, count in aside(shop)] == [1]


@pytest.mark.parametrize("how", ["cut", "no archive", "zeros"])
def test_an_archive_that_is_damaged(shop, how):
    whole = gzip.compress(orders(shop) * 50, mtime=0)
    packed(shop, {"cut": whole[:-20], "no archive": b"hello\n", "zeros": whole[:40] + bytes(40)}[how])
    found = shop.fails("apply")
    assert (found["code"], found["file"], found["line"]) == ("HW0314", "sources/orders.yaml", 3)
    assert "data/orders.csv.gz" in found["message"]


def test_a_file_with_other_columns(shop):
    shop.write("data/orders.csv", orders(shop).replace(b"order_id", b"number"))
    found = shop.fails("apply")
    assert (found["code"], found["file"]) == ("HW0311", "sources/orders.yaml")


@pytest.mark.parametrize("becomes", ["nothing", "a directory", "a link to itself"])
def test_a_file_that_vanishes_before_it_is_listed(shop, becomes):
    path = shop.root / "data/orders.csv"
    path.unlink()
    if becomes == "a directory":
        path.mkdir()
    elif becomes == "a link to itself":
        path.symlink_to(path)
    found = shop.fails("apply")
    assert (found["code"], found["file"]) == ("HW0512", "sources/orders.yaml")
    assert shop.sales() == SALES


@pytest.mark.parametrize("moment", ["Phase", "FileInspected", "TaskStarted"])
def test_a_file_that_vanishes_after_it_was_listed(project, moment):
    project.source("orders", {"a": {"type": "bigint", "required": True}}, rows=[(1,)])
    project.model("total", "SELECT sum(a) AS a FROM orders").apply()
    project.file("orders", "2.csv", ["a"], [(2,)])
    project.when(lambda event: type(event).__name__ == moment, lambda: project.remove("data/orders/2.csv"))
    try:
        found = project.apply(fails=None).diagnostics
    except HeadwaterError as problem:
        found = problem.diagnostics
    assert not found or found[0].code in {"HW0309", "HW0511"}
    assert not found or (found[0].where.file == "sources/orders.yaml" and found[0].hint)
    assert bool(found) or moment == "Phase"  # that is before it was listed: it was never there
    assert len(project.history()) == 1
    assert project.table("total") == [(1,)]
