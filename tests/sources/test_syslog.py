"""Syslog: RFC 5424 and RFC 3164, told apart line by line; the year of a time without one never comes from the clock."""

import json
import os
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.diagnostics import Invalid
from tests.sources.reading import Folder

ALL = {
    "priority": "integer", "facility": "text", "severity": "text", "version": "integer", "ts": "timestamp", "host": "text",
    "app": "text", "pid": "text", "msgid": "text", "structured_data": "text", "message": "text",
}  # fmt: skip
OLD = "<34>Oct 11 22:14:15 web1 su[12]: 'su root' failed"
NEW = "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 ID47 - %% It's time"


def one(folder: Folder, line: str, columns: dict[str, str] = ALL, **said: object) -> tuple:
    folder.write("a.syslog", line + "\n")
    (row,) = folder.read("a.syslog", columns, **{"year": 2003, **said}).rows
    return row


def test_a_line_of_rfc_5424(folder: Folder):
    at = datetime(2003, 8, 24, 12, 14, 15, 3)
    head = (165, "local4", "notice", 1, at, "192.0.2.1", "myproc", "8710", "ID47", None)
    assert one(folder, NEW) == (*head, "%% It's time")


def test_a_line_of_rfc_3164(folder: Folder):
    at = datetime(2003, 10, 11, 22, 14, 15)
    head = (34, "auth", "crit", None, at, "web1", "su", "12", None, None)
    assert one(folder, OLD) == (*head, "'su root' failed")


@pytest.mark.parametrize(
    ("line", "column", "value"),
    [
        ("<0>1 - - - - - -", "ts", None),
        ("<0>1 - - - - - -", "message", None),
        ("<0>1 2024-02-29T23:59:59Z h - - - -", "ts", datetime(2024, 2, 29, 23, 59, 59)),
        ("<0>1 - h a p m - \ufeffwith a mark", "message", "with a mark"),
        ('<0>1 - h a p m [a@1 k="v"][b] text', "structured_data", '[a@1 k="v"][b]'),
        ('<0>1 - h a p m [a@1 k="v"][b] text', "message", "text"),
        ('<0>1 - h a p m [a k="[\\]\\" x"] [no data]', "message", "[no data]"),
        ("Oct  1 22:14:15 web1 kernel: [ 1.5] up", "ts", datetime(2003, 10, 1, 22, 14, 15)),
        ("Oct  1 22:14:15 web1 kernel: [ 1.5] up", "message", "[ 1.5] up"),
        ("Oct 11 22:14:15.25 web1 a: b", "ts", datetime(2003, 10, 11, 22, 14, 15, 250_000)),
        ("Oct 11 22:14:15 web1 last message repeated 3 times", "message", "last message repeated 3 times"),
        ("Oct 11 22:14:15 web1 last message repeated 3 times", "app", None),
        ("Oct 11 22:14:15 web1 postfix/smtpd[7]: x", "app", "postfix/smtpd"),
        ("2024-01-10T12:00:00.5+01:00 web1 cron[7]: x", "ts", datetime(2024, 1, 10, 11, 0, 0, 500_000)),
        (OLD, "priority", 34),
        ("Oct 11 22:14:15 web1 a: b", "severity", None),
    ],
)
def test_parts_of_a_line(folder: Folder, line: str, column: str, value: object):
    assert one(folder, line, {column: ALL[column]}) == (value,)


def test_facility_and_severity_are_numbers_if_they_are_declared_so(folder: Folder):
    assert one(folder, NEW, {"facility": "integer", "severity": "utinyint"}) == (20, 5)


@pytest.mark.parametrize(
    "bad",
    [
        "junk",
        "<192>Oct 11 22:14:15 web1 a: b",
        "<34>Octo 11 22:14:15 web1 a: b",
        "<34>Feb 30 22:14:15 web1 a: b",
        "<34>1 2003-10-11 22:14:15 web1 su - ID47 - x",
        "<34>1 2003-10-11T22:14:15 web1 su - ID47 - x",
        '<34>1 - web1 su - ID47 [a k="open] x',
        "<34>1 - web1 su",
        "<34>1",
    ],
)
def test_a_bad_line_is_set_aside_with_its_place(folder: Folder, bad: str):
    folder.write("a.syslog", f"{OLD}\n{bad}\n{NEW}\n")
    found = folder.read("a.syslog", ALL, "SELECT host FROM this", year=2003)
    assert sorted(found.rows) == [("192.0.2.1",), ("web1",)]
    assert [(r.position, r.line, r.payload) for r in found.rejects] == [(len(OLD) + 1, 2, bad)]


@pytest.mark.parametrize(("form", "host"), [("rfc3164", "web1"), ("rfc5424", "192.0.2.1")])
def test_only_one_form_can_be_asked_for(folder: Folder, form: str, host: str):
    folder.write("a.syslog", f"{OLD}\n{NEW}\n")
    found = folder.read("a.syslog", {"host": "text"}, syslog=form)
    assert (found.rows, found.reasons) == ([(host,)], ["format"])


def test_structured_data_can_be_json(folder: Folder):
    line = r'<0>1 - h a p m [a@1 k="v \"q\" \] \\ \x = é" n=""][b][c x="1" x="2"] text'
    (text,) = one(folder, line, {"structured_data": "json"})
    pairs = json.loads(text, object_pairs_hook=lambda found: found)
    quoted = 'v "q" ] \\ \\x = é'
    assert pairs == [("a@1", [("k", quoted), ("n", "")]), ("b", []), ("c", [("x", "1"), ("x", "2")])]


def at(folder: Folder, changed: datetime, line: str, **said: object) -> datetime:
    target = folder.write("a.syslog", f"{line} web1 a: b\n")
    os.utime(target, (changed.timestamp(), changed.timestamp()))
    ((found,),) = folder.read("a.syslog", {"ts": "timestamp"}, **said).rows
    return found


@pytest.mark.parametrize(
    ("changed", "written", "year"),
    [
        (datetime(2021, 1, 1, 0, 0, 5, tzinfo=UTC), "Dec 31 23:59:59", 2020),
        (datetime(2021, 1, 1, 0, 0, 5, tzinfo=UTC), "Jan  1 00:00:01", 2021),
        (datetime(2020, 12, 31, 23, 59, 59, tzinfo=UTC), "Jan  1 00:00:01", 2021),  # another machine's clock
        (datetime(2020, 12, 31, 23, 59, 59, tzinfo=UTC), "Jan  2 00:00:01", 2020),
        (datetime(2021, 1, 5, tzinfo=UTC), "Feb 29 12:00:00", 2020),
    ],
)
def test_the_year_is_the_latest_in_which_a_time_is_not_behind_its_file(folder, changed, written, year):
    assert at(folder, changed, written).year == year


def test_files_that_changed_in_other_years_have_other_years(folder: Folder):
    for year in (2019, 2022):
        target = folder.write(f"{year}.syslog", OLD + "\n")
        os.utime(target, (datetime(year, 12, 1, tzinfo=UTC).timestamp(),) * 2)
    found = folder.read("*.syslog", {"ts": "timestamp"}, "SELECT year(ts) FROM this ORDER BY 1")
    assert found.rows == [(2019,), (2022,)]


def test_the_interval_of_a_path_says_the_year(folder: Folder):
    folder.write("2016-12-31.syslog", "Dec 31 23:00:00 web1 a: b\nJan  1 00:00:00 web1 a: b\n")
    folder.write("2017-01-01.syslog", "Jan  1 00:00:00 web1 a: b\n")
    found = folder.read(
        "{time:%Y-%m-%d}.syslog", {"ts": "timestamp"}, time="ts", start=datetime(2016, 1, 1, tzinfo=UTC)
    )
    assert sorted(found.rows) == [(datetime(2016, 12, 31, 23),), (datetime(2017, 1, 1),)]
    assert found.reasons == ["path"]


def test_times_without_a_zone_are_the_contracts(folder: Folder):
    folder.write("a.syslog", OLD + "\n")
    found = folder.read(
        "a.syslog", {"ts": "timestamptz"}, "SELECT epoch(ts) FROM this", year=2003, timezone="Asia/Tokyo"
    )
    assert found.rows == [(datetime(2003, 10, 11, 13, 14, 15, tzinfo=UTC).timestamp(),)]


def test_where_bytes_identify_a_file_the_year_must_be_said(folder: Folder):
    with pytest.raises(Invalid) as caught:
        folder.source("a.syslog", ALL, identity="content")
    assert [d.code for d in caught.value.diagnostics] == ["HW0635"]
    assert folder.source("a.syslog", ALL, identity="content", year=2003)
    assert folder.source("a.syslog", ALL, identity="content", syslog="rfc5424")


def test_a_column_that_syslog_does_not_have_is_a_diagnostic(folder: Folder):
    with pytest.raises(Invalid) as caught:
        folder.source("a.syslog", {"hostt": "text"})
    (found,) = caught.value.diagnostics
    assert (found.code, found.hint) == ("HW0303", "did you mean `host`?")


PIECES = st.lists(
    st.sampled_from(["<34>", "1 ", "- ", "Oct 11 22:14:15 ", "2003-08-24T05:14:15Z ", "web1 ", "su[1]: ", "[a ", 'k="v"', "]", "\\", '"', "é"]),
    max_size=12,
)  # fmt: skip


@settings(max_examples=80)
@given(st.lists(st.one_of(st.just(OLD), st.just(NEW), PIECES.map("".join)), max_size=8))
def test_rows_and_rejects_are_all_lines(tmp_path_factory: pytest.TempPathFactory, written: list[str]):
    folder = Folder(tmp_path_factory.mktemp("syslog"))
    folder.write("a.syslog", "".join(f"{text}\n" for text in written))
    found = folder.read("a.syslog", {**ALL, "structured_data": "json"}, "SELECT count(*) FROM this")
    ((count,),) = found.rows
    assert count + len(found.rejects) == len([text for text in written if text])
    assert count >= sum(text in {OLD, NEW} for text in written)
