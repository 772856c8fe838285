"""Access logs: every line is a row or set aside, whatever its neighbours hold."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.logs import BAD_EVERY, generate
from headwater.diagnostics import Invalid
from tests.sources.reading import Folder, connect, define, read, scan_items

AT = "[17/May/2015:10:05:03 +0000]"
GOOD = f'203.0.113.9 - frank {AT} "GET /a?b=c HTTP/1.1" 200 5123 "https://example.org/" "curl/8.6 (x; y)"'
ALL = {
    "client_ip": "text", "identity": "text", "user_name": "text", "ts": "timestamptz", "request": "text", "method": "text",
    "path": "text", "protocol": "text", "status": "integer", "bytes": "bigint", "referer": "text", "user_agent": "text",
}  # fmt: skip


def line(request: str = "GET / HTTP/1.1", *, user: str = "-", size: str = "5", agent: str = "-", at: str = AT) -> str:
    return f'203.0.113.9 - {user} {at} "{request}" 200 {size} "-" "{agent}"'


def test_a_line_becomes_columns(folder: Folder):
    folder.write("a.log", GOOD + "\n")
    (row,) = folder.read("a.log", ALL, "SELECT * REPLACE (epoch(ts) AS ts) FROM this").rows
    at = datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC).timestamp()
    names = ("GET /a?b=c HTTP/1.1", "GET", "/a?b=c", "HTTP/1.1")
    assert row == ("203.0.113.9", None, "frank", at, *names, 200, 5123, "https://example.org/", "curl/8.6 (x; y)")


def test_a_dash_means_nothing(folder: Folder):
    folder.write("a.log", line("-", size="-") + "\n")
    columns = {name: type_ for name, type_ in ALL.items() if name not in {"client_ip", "ts", "status", "protocol"}}
    assert folder.read("a.log", columns).rows == [(None,) * len(columns)]


@pytest.mark.parametrize(
    ("written", "column", "value"),
    [
        (line(r"GET /\"a\" HTTP/1.1"), "path", r"/\"a\""),
        (line(r"\x16\x03\x01"), "request", r"\x16\x03\x01"),
        (line(r"\x16\x03\x01"), "method", None),
        (line("GET /a b HTTP/1.1"), "path", None),
        (line(user="john doe"), "user_name", "john doe"),
        (line(agent=r"says \"hi\" \\"), "user_agent", r"says \"hi\" \\"),
        (line().replace("203.0.113.9", "2001:db8::1"), "client_ip", "2001:db8::1"),
        (line(agent="ü"), "user_agent", "ü"),
        (line(at="[17/May/2015:12:05:03 +0200]"), "CAST(epoch(ts) AS INTEGER)", 1431857103),
        (line(""), "request", ""),
    ],
)
def test_odd_lines_are_rows_with_their_text_as_written(folder: Folder, written: str, column: str, value: object):
    folder.write("a.log", f"{GOOD}\n{written}\n{GOOD}\n")
    found = folder.read("a.log", ALL, f"SELECT {column} FROM this WHERE bytes IS DISTINCT FROM 5123")
    assert (found.rows, found.rejects) == ([(value,)], [])


@pytest.mark.parametrize(
    "bad",
    [
        "garbage",
        '"',
        f'203.0.113.9 - - {AT} "GET /cut',
        f'203.0.113.9 - - {AT} "GET / HTTP/1.1" 200 5',
        f'203.0.113.9 - - {AT} "GET / HTTP/1.1" 200 5 "-" "cut',
        line(at="[32/May/2015:10:05:03 +0000]"),
        line(size="many"),
        line().replace(" 200 ", " two "),
        line() + " extra",
        line() + ' "extra"',
        line("\x01").replace("200", "\x01"),
    ],
)
def test_a_bad_line_is_set_aside_and_takes_no_neighbour_with_it(folder: Folder, bad: str):
    folder.write("a.log", f"{GOOD}\n{bad}\n{GOOD}\n")
    found = folder.read("a.log", ALL, "SELECT client_ip FROM this WHERE status < 900")
    assert found.rows == [("203.0.113.9",)] * 2
    assert [(r.position, r.line, r.payload) for r in found.rejects] == [(len(GOOD) + 1, 2, bad)]


def test_time_can_be_local_to_the_contract(folder: Folder):
    folder.write("a.log", GOOD + "\n")
    columns = {"ts": "timestamp"}
    assert folder.read("a.log", columns).rows == [(datetime(2015, 5, 17, 10, 5, 3),)]
    assert folder.read("a.log", columns, timezone="Asia/Tokyo").rows == [(datetime(2015, 5, 17, 19, 5, 3),)]


def test_common_format_ends_with_the_bytes(folder: Folder):
    folder.write("a.log", f'203.0.113.9 - - {AT} "GET /\\"x\\" HTTP/1.1" 200 5\n{GOOD}\n')
    found = folder.read("a.log", {"path": "text", "bytes": "integer"}, format="common")
    assert (found.rows, [r.line for r in found.rejects]) == ([(r"/\"x\"", 5)], [2])


def test_a_column_that_logs_do_not_have_is_a_diagnostic(folder: Folder):
    with pytest.raises(Invalid) as caught:
        folder.source("a.log", {"clientip": "text"})
    (found,) = caught.value.diagnostics
    assert (found.code, found.hint) == ("HW0303", "did you mean `client_ip`?")


@pytest.mark.parametrize("compression", ["none", "gz", "zst"])
def test_a_long_log_is_read_whole(folder: Folder, compression: str):
    lines = BAD_EVERY * 5 + 1
    name = "a.log" if compression == "none" else f"a.log.{compression}"
    generate(folder.root / name, lines, compression)
    found = folder.read(
        "a.log*", ALL, format="combined", query="SELECT count(*), count(ts), count(DISTINCT path) > 100 FROM this"
    )
    assert found.rows == [(lines - 5, lines - 5, True)]
    assert len(found.rejects) == 5


def test_rejects_are_listed_even_if_the_query_filters_them_away(folder: Folder):
    folder.write("a.log", f"{GOOD}\n{line().replace(' 200 ', ' two ')}\n")
    source = folder.source("a.log", ALL)
    assert len(read(source, "SELECT * FROM this WHERE status = 404").rejects) == 1
    assert len(read(source, "SELECT 1 FROM this WHERE method = 'PUT'").rejects) == 1


def test_a_scan_without_bad_lines_reports_none(folder: Folder):
    folder.write("a.log", f"{GOOD}\n" * 3)
    source = folder.source("a.log", ALL)
    with connect() as connection:
        scans, _ = scan_items(source, connection)
        define(connection, source.scan(scans))
        assert connection.execute("SELECT count(*) FROM this").fetchall() == [(3,)]
        assert source.collect(connection, scans) == ()


PIECES = st.lists(st.sampled_from(['"', " ", "\\", "a", "-", "[", "]", "200", '" "', '\\"', "\t", "é"]), max_size=12)


@settings(max_examples=60)
@given(st.lists(st.one_of(st.just(GOOD), PIECES.map("".join), PIECES.map(lambda p: line("".join(p)))), max_size=8))
def test_rows_and_rejects_are_all_lines(tmp_path_factory: pytest.TempPathFactory, written: list[str]):
    folder = Folder(tmp_path_factory.mktemp("log"))
    folder.write("a.log", "".join(f"{text}\n" for text in written))
    found = folder.read("a.log", ALL, "SELECT count(*) FROM this")
    (rows,) = found.rows[0]
    lines = [text for text in written if text]
    assert rows + len(found.rejects) == len(lines)
    assert sum(text == GOOD for text in written) <= rows
    inspected = folder.read("a.log", ALL, "SELECT count(*) FROM this", time="ts")
    assert (inspected.rows, inspected.positions) == (found.rows, found.positions)


def test_a_real_log_is_read_whole(folder: Folder):
    real = Path(os.environ.get("HEADWATER_DATA", "../shared/data")) / "access_combined.log"
    if not real.exists():
        pytest.skip("the log is not here")
    (folder.root / "real.log").symlink_to(real.resolve())
    found = folder.read("real.log", ALL, "SELECT count(*), count(DISTINCT client_ip) FROM this")
    assert found.rows[0][0] + len(found.rejects) == 10_000
    assert len(found.rejects) < 5


@pytest.mark.parametrize("size", [1, 30_000])
def test_a_truncated_log_is_a_diagnostic_even_if_only_a_scan_reads_it(folder: Folder, size: int):
    target = generate(folder.root / "a.log.gz", 20_000, "gz")
    target.write_bytes(target.read_bytes()[:-size])
    with pytest.raises(Invalid) as caught:
        folder.read("a.log.gz", ALL, "SELECT count(*) FROM this")
    assert [d.code for d in caught.value.diagnostics] == ["HW0314"]
