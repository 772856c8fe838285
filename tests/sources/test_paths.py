"""Which files belong to a source, and what a file is."""

import os
from datetime import UTC, datetime

import pytest

from headwater.connect.sources import ScanItem
from headwater.diagnostics import Invalid, Retryable
from tests.sources.reading import NOW, Folder, connect, read

A = {"a": "integer"}


def paths(folder: Folder, pattern: str, site: str = "hub", **said: object) -> list[str]:
    return [item.path for item in folder.items(folder.source(pattern, A, format="csv", **said), site)]


def test_files_are_listed_in_order_and_relative_to_the_project(folder: Folder):
    for path in ("data/b.csv", "data/a.csv", "data/deep/c.csv", "data/.hidden.csv", "data/d.txt"):
        folder.write(path, "a\n1\n")
    (folder.root / "data/folder.csv").mkdir()
    assert paths(folder, "data/*.csv") == ["data/a.csv", "data/b.csv"]
    assert paths(folder, "data/**/*.csv") == ["data/a.csv", "data/b.csv", "data/deep/c.csv"]
    assert paths(folder, "data/[ac].csv") == ["data/a.csv"]
    assert paths(folder, "data/deep/c.csv") == ["data/deep/c.csv"]


@pytest.mark.parametrize(
    "name", ["it's.csv", "a b.csv", "é.csv", "a[1].csv", "a*?.csv", 'x"y.csv', "{a}.csv", "%Y.csv", "$x.csv"]
)
def test_names_may_hold_any_sign(folder: Folder, name: str):
    folder.write(f"d/{name}", "a\n1\nx\n")
    folder.write("d/a1.csv", "a\n2\n")
    found = folder.read("d/*.csv", A)
    assert (sorted(found.rows), [r.path for r in found.rejects]) == ([(1,), (2,)], [f"d/{name}"])


def test_symlinks_are_followed(folder: Folder):
    folder.write("real.csv", "a\n1\n")
    (folder.root / "d").mkdir()
    (folder.root / "d/link.csv").symlink_to(folder.root / "real.csv")
    assert folder.read("d/*.csv", A).rows == [(1,)]


def test_each_site_has_its_own_files(folder: Folder):
    for site in ("ewr", "jfk", "x[y]*"):
        folder.write(f"data/{site}/a.csv", "a\n1\n")
    assert paths(folder, "data/{site}/*.csv", site="jfk") == ["data/jfk/a.csv"]
    assert paths(folder, "data/{site}/*.csv", site="x[y]*") == ["data/x[y]*/a.csv"]


@pytest.mark.parametrize(
    ("pattern", "path", "start", "end"),
    [
        ("{time:%Y}.csv", "2024.csv", (2024, 1, 1), (2025, 1, 1)),
        ("{time:%Y-%m}/*.csv", "2023-12/a.csv", (2023, 12, 1), (2024, 1, 1)),
        ("log-{time:%Y%m%d}.csv", "log-20240229.csv", (2024, 2, 29), (2024, 3, 1)),
        ("{time:%Y/%m/%d}/{time:%H}.csv", "2024/01/31/23.csv", (2024, 1, 31, 23), (2024, 2, 1, 0)),
        ("{time:%Y-%j}.csv", "2024-366.csv", (2024, 12, 31), (2025, 1, 1)),
    ],
)
def test_a_time_in_the_path_is_an_interval(folder: Folder, pattern: str, path: str, start: tuple, end: tuple):
    folder.write(path, "a\n1\n")
    (item,) = folder.items(folder.source(pattern, A))
    assert (item.start, item.end) == (datetime(*start, tzinfo=UTC), datetime(*end, tzinfo=UTC))


def test_days_in_paths_are_days_of_the_contract_s_zone(folder: Folder):
    folder.write("2024-03-10.csv", "a\n1\n")
    (item,) = folder.items(folder.source("{time:%Y-%m-%d}.csv", A, timezone="America/New_York"))
    assert (item.start, item.end) == (datetime(2024, 3, 10, 5, tzinfo=UTC), datetime(2024, 3, 11, 4, tzinfo=UTC))


def test_a_name_without_the_time_is_left_out_with_a_warning(folder: Folder):
    folder.write("2024-01-01.csv", "a\n1\n")
    folder.write("2024-13-01.csv", "a\n1\n")
    items, found = folder.source("{time:%Y-%m-%d}.csv", A).observe("hub")
    assert ([item.path for item in items], [d.code for d in found]) == (["2024-01-01.csv"], ["HW0308"])


def test_a_pattern_that_matches_nothing_is_a_warning_and_has_no_rows(folder: Folder):
    source = folder.source("none/*.csv", A)
    assert [(d.code, d.severity) for d in source.observe("hub")[1]] == [("HW0307", "warning")]
    assert read(source).rows == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", "HW0301"),
        ("{tme:%Y}.csv", "HW0301"),
        ("{time:%d}.csv", "HW0301"),
        ("{time:%Y-%b}.csv", "HW0301"),
        ("data/*", "HW0302"),
        ("https://example.org/data/*.csv", "HW0301"),
        ("s3://bucket/data", "HW0301"),
    ],
)
def test_a_path_that_cannot_be_is_a_diagnostic_with_its_place(folder: Folder, path: str, code: str):
    with pytest.raises(Invalid) as caught:
        folder.source(path, A)
    assert (caught.value.diagnostics[0].code, caught.value.diagnostics[0].where.line) == (code, 3)


def test_a_file_is_the_same_until_it_is_written_again(folder: Folder):
    target = folder.write("a.csv", "a\n1\n")
    source = folder.source("*.csv", A)
    items = folder.items(source)
    assert source.changed(items) == ()
    os.utime(target, ns=(1, 1))
    assert source.changed(items) == ("a.csv",)
    target.unlink()
    assert source.changed(items) == ("a.csv",)


def test_by_content_a_copy_is_the_same_file(folder: Folder):
    target = folder.write("a.csv", "a\n1\n")
    source = folder.source("*.csv", A, identity="content")
    items = folder.items(source)
    os.utime(target, ns=(1, 1))
    assert source.changed(items) == ()
    folder.write("a.csv", "a\n2\n")
    assert source.changed(items) == ("a.csv",)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.csv.gz"])
def test_a_file_that_vanishes_before_it_is_read_can_be_tried_again(folder: Folder, name: str):
    target = folder.write(name, "a\n1\n")
    source = folder.source(name, {"a": "integer!"})
    items = folder.items(source)
    target.unlink()
    with connect() as connection, pytest.raises(Retryable) as caught:
        list(source.inspect(connection, items, "hub", NOW))
    assert f"`{name}`" in caught.value.diagnostics[0].message


def test_a_file_that_changes_while_it_is_inspected_can_be_tried_again(folder: Folder):
    folder.write("a.csv", "a\n1\n")
    source = folder.source("a.csv", {"a": "integer!"})
    items = folder.items(source)
    folder.write("a.csv", "a\n1\n2\n")
    with connect() as connection, pytest.raises(Retryable):
        list(source.inspect(connection, items, "hub", NOW))


def test_ten_thousand_files_are_one_relation(folder: Folder):
    for n in range(10_000):
        (folder.root / f"{n:05}.csv").write_text(f"t,a\n2024-01-01T{n % 24:02}:00:00Z,{n}\n")
    source = folder.source("*.csv", {"t": "timestamptz", "a": "integer"}, time="t")
    found = read(source, "SELECT count(*), sum(a) FROM this")
    assert found.rows == [(10_000, sum(range(10_000)))]
    assert len({hour for inspection in found.inspections for hour in inspection.hours}) == 24


def test_no_item_is_an_empty_relation_with_the_declared_columns(folder: Folder):
    scan = folder.source("*.csv", {"a b": "timestamptz", "c": "struct(x integer)"}).scan([])
    with connect() as connection:
        described = connection.execute(f"DESCRIBE {scan.sql}").fetchall()
    assert [(row[0], row[1]) for row in described] == [("a b", "TIMESTAMP WITH TIME ZONE"), ("c", "STRUCT(x INTEGER)")]


def test_one_file_of_several_can_be_scanned(folder: Folder):
    folder.write("1.csv", "a\n1\n")
    folder.write("2.csv", "a\n2\n")
    source = folder.source("*.csv", A)
    scan = source.scan([ScanItem(item=folder.items(source)[1])])
    with connect() as connection:
        assert connection.execute(scan.sql).fetchall() == [(2,)]
