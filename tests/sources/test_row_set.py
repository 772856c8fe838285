"""A source's row set is the same in every scan, and rows and rejects are all that a file holds."""

import csv
import io
import threading
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.connect.sources import ScanItem
from tests.sources.reading import Folder, connect, define, read, scan_items

CELLS = st.sampled_from(["1", "-7", "", "x", "1.5", "é", "a,b", 'say "hi"', "two\nlines", "99999999999", "NA"])
LINES = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=8)
COLUMNS = {"a": "integer", "b": "text", "c": "double"}
QUERIES = (
    "SELECT count(*) FROM this",
    "SELECT count(*) FROM (SELECT a FROM this)",
    "SELECT count(*) FROM (SELECT b, c FROM this)",
    "SELECT count(*) FROM (SELECT DISTINCT ON (rowid) 1 FROM (SELECT row_number() OVER () AS rowid FROM this))",
    "SELECT sum(n) FROM (SELECT count(*) AS n FROM this WHERE b IS NULL UNION ALL SELECT count(*) FROM this WHERE b IS NOT NULL)",
    "SELECT count(*) FROM (SELECT 1 FROM this WHERE a > 0 OR a <= 0 OR a IS NULL)",
)


def valid(cells: list[str]) -> bool:
    """What a row of the contract is, said with Python and a plain cast; a delimiter may end a line."""
    cells = cells[:-1] if len(cells) == 4 and not cells[-1] else cells
    if len(cells) != 3:
        return False
    with duckdb.connect() as connection:
        casts = connection.execute(
            "SELECT TRY_CAST($1 AS INTEGER), TRY_CAST($2 AS DOUBLE)", [cells[0], cells[2]]
        ).fetchall()[0]
    return all(not text or value is not None for text, value in zip((cells[0], cells[2]), casts, strict=True))


@settings(max_examples=30)
@example([["1", "1", "1", ""]])
@example([[""]])
@given(LINES)
def test_csv_rows_are_the_valid_lines_whatever_is_asked(
    tmp_path_factory: pytest.TempPathFactory, written: list[list[str]]
):
    folder = Folder(tmp_path_factory.mktemp("csv"))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["a", "b", "c"], *written])
    folder.write("a.csv", text.getvalue())
    source = folder.source("a.csv", COLUMNS)
    expected = sum(valid(cells) for cells in written)
    assert [read(source, query).rows for query in QUERIES] == [[(expected,)]] * len(QUERIES)
    assert len({r.position for r in read(source).rejects}) == len(written) - expected


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet", "json"])
@pytest.mark.parametrize("time", [None, "t"])
def test_every_format_has_one_row_set(folder: Folder, format_: str, time: str | None):
    rows = "SELECT * FROM (VALUES ('2024-01-01', '1', 'x'), ('2024-01-02', 'bad', 'y'), ('2024-01-03', '3', NULL), ('never', '4', 'z')) AS v(t, a, b)"
    how = {"jsonl": "json", "json": "json, ARRAY true"}.get(format_, format_)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({rows}) TO '{folder.root / f'f.{format_}'}' (FORMAT {how})")
    source = folder.source(f"f.{format_}", {"t": "date", "a": "integer", "b": "text"}, time=time)
    queries = ("count(*)", "count(b) + 1", "sum(a) // 2", "count(DISTINCT t)", "sum(1)")
    seen = [read(source, f"SELECT CAST({query} AS INTEGER) FROM this").rows for query in queries]
    filtered = read(source, "SELECT CAST(count(*) AS INTEGER) FROM this WHERE b = 'y' OR b IS NULL OR b = 'x'").rows
    assert [*seen, filtered] == [[(2,)]] * 6


@pytest.mark.parametrize("compression", ["", ".gz"])
def test_an_open_quote_in_a_large_file_loses_no_row(folder: Folder, compression: str):
    opens = range(5_000, 400_000, 9_973)
    good = [f'{n},"some text, {n % 7} ""here""",{n}\n' for n in range(400_000)]
    for n in opens:
        good[n] = '5,"open,6\n' + good[n]  # the quote swallows the row behind it, not more
    text = "a,b,c\n" + "".join(good)
    folder.write(f"a.csv{compression}", text + '7,"open to the end,8\n9,x,9\n')
    source = folder.source("a.csv*", COLUMNS, format="csv")
    with connect() as connection:
        scans, _ = scan_items(source, connection)
        define(connection, source.scan(scans))
        connection.execute("SELECT count(*) FROM this").fetchall()
        again = tuple(row for row in source.collect(connection, scans) if row.recovered)
        exact = [ScanItem(item=scan.item, recovered=again) for scan in scans]
        rows = connection.execute(f"SELECT count(*) FROM ({source.scan(exact).sql})").fetchall()
        rejects = source.collect(connection, exact)
    assert len(again) == 1
    assert (rows, len(rejects)) == ([(400_000 - len(opens),)], len(opens) + 1)
    assert max(row.position for row in rejects) == len(text)
    inspected = folder.read("a.csv*", {**COLUMNS, "a": "integer!"}, "SELECT count(*) FROM this", format="csv")
    assert (inspected.rows, inspected.inspections[0].rejects) == (rows, len(opens) + 1)


def test_threads_with_a_cursor_each_get_their_own_rejects(tmp_path: Path):
    folder = Folder(tmp_path)
    for n in range(4):
        folder.write(f"{n}.csv", "a,b,c\n" + "1,x,1\n" * 50 + "bad,x,1\n" * (n + 1))
    sources = [folder.source(f"{n}.csv", COLUMNS) for n in range(4)]
    found: dict[int, list[int]] = {n: [] for n in range(4)}

    def run(n: int, shared: duckdb.DuckDBPyConnection) -> None:
        with shared.cursor() as cursor:
            scans = [ScanItem(item=item) for item in folder.items(sources[n])]
            scan = sources[n].scan(scans)
            for _ in range(5):
                cursor.execute(f"SELECT count(*) FROM ({scan.sql})").fetchall()
                found[n].append(len(sources[n].collect(cursor, scans)))

    with connect() as shared:
        threads = [threading.Thread(target=run, args=(n, shared)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {n: [n + 1] * 5 for n in range(4)}


def test_several_scans_of_one_connection_keep_apart(folder: Folder):
    folder.write("1.csv", "a,b,c\n1,x,1\nbad,x,1\n")
    folder.write("2.csv", "a,b,c\n2,x,1\nbad,x,1\nbad,y,1\n")
    sources = [folder.source(f"{n}.csv", COLUMNS) for n in (1, 2)]
    with connect() as connection:
        scans = [scan_items(source, connection)[0] for source in sources]
        for name, source, items in zip(("one", "two"), sources, scans, strict=True):
            define(connection, source.scan(items), name)
        connection.execute("SELECT * FROM one JOIN two ON true JOIN one AS again ON true").fetchall()
        assert [len(source.collect(connection, items)) for source, items in zip(sources, scans, strict=True)] == [1, 2]
        assert [source.collect(connection, items) for source, items in zip(sources, scans, strict=True)] == [(), ()]
