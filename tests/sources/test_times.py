"""A row belongs to its source only at a time that the contract, its path and the clock allow."""

from datetime import UTC, datetime, timedelta

import pytest

from headwater.connect.sources import ScanItem
from headwater.diagnostics import Invalid
from tests.sources.reading import NOW, Folder, connect, define, read

TA = {"t": "timestamptz", "a": "integer"}


def hour(*at: int) -> int:
    return int(datetime(*at, tzinfo=UTC).timestamp()) // 3600


def test_occupied_hours_are_those_with_rows(folder: Folder):
    folder.write(
        "a.csv",
        "t,a\n2024-01-01T00:59:59.999999Z,1\n2024-01-01T02:00:00Z,2\n1969-12-31T23:30:00Z,3\n2024-01-01T02:10:00Z,4\n",
    )
    (found,) = folder.read("a.csv", TA, "SELECT 1 FROM this", time="t").inspections
    assert (found.rows, found.hours) == (4, (-1, hour(2024, 1, 1, 0), hour(2024, 1, 1, 2)))


def test_times_without_a_zone_are_in_the_zone_of_the_contract(folder: Folder):
    folder.write("a.csv", "t,d\n2024-07-01 00:30:00,2024-07-01\n")
    for column, type_ in (("t", "timestamptz"), ("t", "timestamp"), ("d", "date")):
        found = folder.read("a.csv", {column: type_}, "SELECT 1 FROM this", time=column, timezone="America/New_York")
        assert found.inspections[0].hours == (hour(2024, 7, 1, 4),)


def test_what_a_time_means_does_not_depend_on_the_session(folder: Folder):
    folder.write(
        "a.csv", "t,a\n2024-01-01 05:00:00,1\n2024-01-01 05:00:00+02,2\n2024-01-01T05:00:00.5-0530,3\n2024-01-01,4\n"
    )
    source = folder.source("a.csv", TA)
    scan = source.scan([ScanItem(item=item) for item in folder.items(source)])
    seen = set()
    for zone in ("UTC", "Asia/Tokyo", "America/St_Johns"):
        with connect(zone) as connection:
            seen.add(tuple(connection.execute(f"SELECT epoch(t) FROM ({scan.sql}) ORDER BY a").fetchall()))
    midnight = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
    assert seen == {tuple((midnight + h * 3600,) for h in (5, 3, 10.5 + 0.5 / 3600, 0))}


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "missing"),
        ("soon", "cast"),
        ("2023-12-31T23:59:59Z", "time range"),
        ("2024-02-01T00:00:00Z", "time range"),
        ("infinity", "time range"),
    ],
)
def test_a_row_outside_the_source_s_time_is_set_aside(folder: Folder, written: str, reason: str):
    folder.write("a.csv", f"t,a\n2024-01-01T00:00:00Z,1\n{written},2\n2024-01-31T23:59:59Z,3\n")
    bounds = {"start": datetime(2024, 1, 1, tzinfo=UTC), "end": datetime(2024, 2, 1, tzinfo=UTC)}
    found = folder.read("a.csv", TA, "SELECT a FROM this ORDER BY a", time="t", **bounds)
    assert found.rows == [(1,), (3,)]
    assert [(r.reason, r.column, r.position, r.line, r.payload) for r in found.rejects] == [
        (reason, "t", 27, 3, f"{written},2")
    ]


def test_a_row_outside_the_interval_of_its_path_is_set_aside(folder: Folder):
    for day in ("2024-01-01", "2024-01-02"):
        folder.write(f"{day}.csv", "t,a\n2024-01-01T12:00:00Z,1\n2024-01-02T12:00:00Z,2\n")
    found = folder.read("{time:%Y-%m-%d}.csv", TA, "SELECT a FROM this ORDER BY a", time="t")
    assert found.rows == [(1,), (2,)]
    assert [(r.path, r.reason, r.line) for r in found.rejects] == [
        ("2024-01-01.csv", "path", 3),
        ("2024-01-02.csv", "path", 2),
    ]
    assert [i.hours for i in found.inspections] == [(hour(2024, 1, 1, 12),), (hour(2024, 1, 2, 12),)]


def test_rows_of_the_future_stay_out_for_good(folder: Folder):
    near, far = NOW + timedelta(hours=1), NOW + timedelta(days=2)
    folder.write("a.csv", f"t,a\n{near.isoformat()},1\n{far.isoformat()},2\n")
    folder.write("b.csv", f"t,a\n{near.isoformat()},3\n")
    source = folder.source("*.csv", TA, time="t")
    found = read(source, "SELECT a FROM this ORDER BY a")
    assert (found.rows, found.reasons) == ([(1,), (3,)], ["future"])
    assert [i.not_after for i in found.inspections] == [NOW + timedelta(days=1), None]
    with connect() as connection:
        later = list(source.inspect(connection, folder.items(source), "hub", far))
    assert [i.rows for i in later] == [2, 1]


def test_a_bad_time_can_be_an_error_that_names_the_row(folder: Folder):
    folder.write("a.csv", "t,a\n2024-01-01,1\n,2\n")
    with pytest.raises(Invalid) as caught:
        folder.read("a.csv", TA, time="t", fail_on_bad_row=True)
    assert "`a.csv`, line 3: `t` is missing" in caught.value.diagnostics[0].message


@pytest.mark.parametrize(("time", "columns"), [("tt", TA), ("a", TA)])
def test_a_time_that_cannot_be_is_a_diagnostic(folder: Folder, time: str, columns: dict[str, str]):
    with pytest.raises(Invalid) as caught:
        folder.source("a.csv", columns, time=time)
    assert caught.value.diagnostics[0].code == "HW0303"


def test_too_many_bad_rows_are_counted_and_not_all_listed(folder: Folder):
    folder.write("a.jsonl", '{"t": "never"}\n' * 25_000 + '{"t": "2024-01-01"}\n')
    (found,) = folder.read("a.jsonl", {"t": "date"}, time="t").inspections
    assert (found.rows, found.rejects, len(found.set_aside)) == (1, 25_000, 10_000)


def test_a_filter_on_time_sees_the_same_rows(folder: Folder):
    folder.write("a.csv", "t,a\n2024-01-01T00:00:00Z,1\n2024-01-02T00:00:00Z,x\n2024-01-03T00:00:00Z,3\n")
    source = folder.source("a.csv", TA, time="t")
    with connect("UTC") as connection:
        define(connection, source.scan([ScanItem(item=item) for item in folder.items(source)]), "v")
        connection.execute("CREATE VIEW w AS SELECT * FROM v WHERE t >= '2024-01-02'")
        assert connection.execute("SELECT count(*) FROM w").fetchall() == [(1,)]
        assert connection.execute("SELECT a FROM w WHERE t < '2024-02-01'").fetchall() == [(3,)]
