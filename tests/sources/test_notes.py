"""Rows that scans set aside are noted on the way: once, whoever else reads, and however many there are."""

import threading

import pytest

from headwater.connect.sources import ScanItem
from headwater.connectors.sources.files.noting import MOST_NOTES
from tests.sources.reading import Folder, connect, define, read, scan_items

COLUMNS = {"client_ip": "text", "status": "integer"}
GOOD = '203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'


@pytest.mark.parametrize("bad", [MOST_NOTES - 1, MOST_NOTES, MOST_NOTES + 1])
def test_any_number_of_bad_lines_is_listed_up_to_the_limit(folder: Folder, bad: int):
    folder.write("a.log", "".join(f"bad {n}\n" for n in range(bad)) + GOOD)
    found = folder.read("a.log", COLUMNS, "SELECT status FROM this")
    assert found.rows == [(200,)]
    assert len(found.rejects) == min(bad, MOST_NOTES)


def test_a_query_that_reads_twice_lists_each_line_once(folder: Folder):
    folder.write("a.log", f"bad\n{GOOD}\nbad\n")
    found = folder.read("a.log", COLUMNS, "SELECT count(*) FROM this JOIN this AS again ON true")
    assert (found.rows, found.positions) == ([(1,)], [0, len(GOOD) + 5])


def test_a_very_long_bad_line_is_listed(folder: Folder):
    folder.write("a.log", f"{GOOD}\nbad {'x' * 100_000}\n")
    assert folder.read("a.log", COLUMNS).positions == [len(GOOD) + 1]


def test_later_scans_start_with_no_notes(folder: Folder):
    folder.write("a.log", f"bad\n{GOOD}\n")
    source = folder.source("a.log", COLUMNS)
    with connect() as connection:
        scans, _ = scan_items(source, connection)
        define(connection, source.scan(scans))
        for _ in range(3):
            connection.execute("SELECT count(*) FROM this").fetchall()
            assert len(source.collect(connection, scans)) == 1
        assert source.collect(connection, scans) == ()


def test_a_cleared_log_is_noticed(folder: Folder):
    folder.write("a.log", f"bad\n{GOOD}\n")
    source = folder.source("a.log", COLUMNS)
    with connect() as connection:
        scans, _ = scan_items(source, connection)
        define(connection, source.scan(scans))
        connection.execute("SELECT count(*) FROM this").fetchall()
        connection.execute("CALL truncate_duckdb_logs()")
        assert [row.position for row in source.collect(connection, scans)] == [0]


def test_paths_and_lines_with_odd_signs_are_noted(folder: Folder):
    folder.write("a 'b\" ü\n1.log", f'{GOOD}\n{{"a":\\ "é"\x02\n')
    found = read(folder.source("*.log", COLUMNS, format="combined"))
    assert [row.payload for row in found.rejects] == ['{"a":\\ "é"\x02']


def test_threads_that_scan_the_same_files_keep_apart(folder: Folder):
    folder.write("a.log", "bad\n" * 7 + f"{GOOD}\n" * 5000)
    source = folder.source("a.log", COLUMNS)
    scans = [ScanItem(item=item) for item in folder.items(source)]
    scan = source.scan(scans)
    found: list[int] = []

    with connect() as shared:

        def run() -> None:
            with shared.cursor() as cursor:
                for statement in scan.setup:
                    cursor.execute(statement)
                for _ in range(5):
                    cursor.execute(f"SELECT count(*) FROM ({scan.sql})").fetchall()
                    found.append(len(source.collect(cursor, scans)))

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [7] * 20
