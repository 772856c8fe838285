"""Parquet: declared types decide, whatever the file's are."""

from datetime import UTC, datetime

import duckdb
import pytest

from headwater.diagnostics import Invalid
from tests.sources.reading import Folder


def write(folder: Folder, path: str, select: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({select}) TO '{folder.root / path}' (FORMAT parquet)")


def test_columns_of_the_declared_type_are_taken_as_they_are(folder: Folder):
    write(folder, "a.parquet", "SELECT 1::INTEGER AS a, 'x' AS b, 2 AS more")
    found = folder.read("a.parquet", {"a": "integer", "b": "text"})
    assert (found.rows, found.rejects, found.inspections[0].rows) == ([(1, "x")], [], 1)


def test_other_types_are_cast_and_what_does_not_cast_is_set_aside(folder: Folder):
    write(folder, "a.parquet", "SELECT unnest(['1', 'x', NULL]) AS a")
    found = folder.read("a.parquet", {"a": "integer"}, "SELECT count(*) FROM this")
    assert found.rows == [(2,)]
    assert [(r.reason, r.position, r.line, r.payload) for r in found.rejects] == [("cast", -1, 2, '{"a":"x"}')]


def test_rows_outside_their_time_are_set_aside_by_number(folder: Folder):
    write(
        folder,
        "a.parquet",
        "SELECT TIMESTAMPTZ '2024-01-01 00:30:00+00' + to_days(i::INTEGER * 400) AS t FROM range(3) AS r(i)",
    )
    found = folder.read(
        "a.parquet", {"t": "timestamptz"}, "SELECT count(*) FROM this", time="t", end=datetime(2025, 1, 1, tzinfo=UTC)
    )
    assert (found.rows, found.inspections[0].hours) == ([(1,)], (473352,))
    assert [(r.reason, r.line) for r in found.rejects] == [("time range", 2), ("time range", 3)]


def test_times_with_and_without_zone_meet_in_the_zone_of_the_contract(folder: Folder):
    write(folder, "a.parquet", "SELECT TIMESTAMP '2024-01-01 00:30:00' AS t")
    found = folder.read("a.parquet", {"t": "timestamptz"}, "SELECT epoch(t) FROM this", timezone="Asia/Tokyo")
    assert found.rows == [(datetime(2023, 12, 31, 15, 30, tzinfo=UTC).timestamp(),)]


def test_a_file_that_is_not_parquet_is_a_diagnostic(folder: Folder):
    folder.write("a.parquet", b"PAR1 not really PAR1")
    with pytest.raises(Invalid) as caught:
        folder.read("a.parquet", {"a": "integer"})
    assert caught.value.diagnostics[0].code == "HW0310"


def test_missing_columns_are_a_change_of_schema(folder: Folder):
    write(folder, "1.parquet", "SELECT 1 AS a")
    write(folder, "2.parquet", "SELECT 1 AS b")
    with pytest.raises(Invalid) as caught:
        folder.read("*.parquet", {"a": "integer"})
    assert caught.value.diagnostics[0].code == "HW0311"
    found = folder.read("*.parquet", {"a": "integer"}, fail_on_schema_change=False)
    assert (found.rows, [r.path for r in found.rejects]) == ([(1,)], ["2.parquet"])
