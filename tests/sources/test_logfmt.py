"""Logfmt: key=value, key="quoted value", keys without a value; every line is a row or set aside."""

import json
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.reading import Folder

COLUMNS = {"level": "text", "msg": "text", "n": "integer", "debug": "boolean"}
NOTHING = (None, None, None, None)


def rows(folder: Folder, content: str | bytes, **said: object) -> list[tuple]:
    folder.write("a.logfmt", content)
    return folder.read("a.logfmt", COLUMNS, **said).rows


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("level=info msg=hi n=3", ("info", "hi", 3, None)),
        ('msg="two words" level=info', ("info", "two words", None, None)),
        ('level=info msg="n=5 \\"level=warn\\""', ("info", 'n=5 "level=warn"', None, None)),
        (r'level=info msg="a\tb\\ é\u00e9"', ("info", "a\tb\\ éé", None, None)),
        (r'level=c:\new msg="c:\dir"', ("c:\\new", "c:\\dir", None, None)),
        ("level=a=b msg==", ("a=b", "=", None, None)),
        ('level= msg="" n=1', (None, None, 1, None)),
        ("level=info debug", ("info", None, None, True)),
        ("level=info debug=false", ("info", None, None, False)),
        ("  level=info \t  n=2\t", ("info", None, 2, None)),
        ('other="level=x" level=y', ("y", None, None, None)),
        ("xlevel=x level=y", ("y", None, None, None)),
    ],
)
def test_a_line_becomes_columns(folder: Folder, line: str, row: tuple):
    assert rows(folder, line + "\n") == [row]


@pytest.mark.parametrize(
    "bad",
    [
        'level=info msg="open',
        'level=info msg="a"b',
        'level="a""b"',
        'level=a"b"',
        '"level"=info',
        "level=info =x",
        "no pairs at all",
        "other=1 more=2",
        "level=a level=b",
        "level=a n=x",
        "level=a\0b",
        'level=a msg="\x02"',
        'level=info msg="a="c=1',
    ],
)
def test_a_bad_line_is_set_aside_with_its_place(folder: Folder, bad: str):
    folder.write("a.logfmt", f"n=1\n{bad}\nn=2\n")
    found = folder.read("a.logfmt", COLUMNS, "SELECT n FROM this")
    assert sorted(found.rows) == [(1,), (2,)]
    assert [(r.position, r.line, r.payload) for r in found.rejects] == [(4, 2, bad)]


@pytest.mark.parametrize(("which", "value"), [("first", "a"), ("last", "c")])
def test_one_of_repeated_keys_can_count(folder: Folder, which: str, value: str):
    assert rows(folder, "level=a level=b level=c\n", repeated_key=which) == [(value, None, None, None)]


def test_repeated_keys_that_nobody_declares_do_not_matter(folder: Folder):
    assert rows(folder, "x=1 x=2 level=a\n") == [("a", None, None, None)]


def test_texts_can_mean_no_value(folder: Folder):
    assert rows(folder, 'level=- msg="" n=NULL\n', null=("-", "NULL")) == [(None, "", None, None)]


def test_other_line_ends_empty_lines_and_no_end(folder: Folder):
    assert sorted(rows(folder, "n=1\r\n\r\nn=2\r\nn=3")) == [(None, None, n, None) for n in (1, 2, 3)]


def test_an_empty_file_has_no_rows(folder: Folder):
    assert rows(folder, "") == []


def test_bytes_that_are_no_text_are_set_aside(folder: Folder):
    folder.write("a.logfmt", b"n=1\nmsg=\xff\nn=2\n")
    found = folder.read("a.logfmt", COLUMNS)
    assert (len(found.rows), found.reasons, found.positions) == (2, ["encoding"], [4])


def test_times_have_a_format_of_their_own(folder: Folder):
    folder.write("a.logfmt", "at=17/May/2015:10:05:03+0200\nat=2015-05-17T10:05:03Z\n")
    found = folder.read("a.logfmt", {"at": "timestamp"}, time_format="%d/%b/%Y:%H:%M:%S%z")
    assert found.rows == [(datetime(2015, 5, 17, 8, 5, 3),)]
    assert [(r.reason, r.column, r.line) for r in found.rejects] == [("cast", "at", 2)]


def test_slots_are_cut_by_a_key(folder: Folder):
    folder.write("a.logfmt", "ts=2024-01-01T00:00:00Z\nts=2024-01-01T05:00:00Z\nlevel=info\n")
    start = datetime(2024, 1, 1, tzinfo=UTC)
    found = folder.read("a.logfmt", {"ts": "timestamp", "level": "text"}, time="ts", start=start)
    (inspection,) = found.inspections
    assert (inspection.rows, len(inspection.hours), found.reasons) == (2, 2, ["missing"])


KEYS = st.sampled_from(["level", "msg", "n", "other"])
WORDS = st.text(string.ascii_letters + "é=\\/.-", min_size=1, max_size=6)
TEXTS = st.text(string.ascii_letters + ' é="\\\t\n', max_size=12)


@settings(max_examples=80)
@given(st.lists(st.dictionaries(KEYS.filter(lambda k: k != "n"), st.one_of(WORDS, TEXTS), min_size=1), max_size=6))
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, written: list[dict[str, str]]):
    folder = Folder(tmp_path_factory.mktemp("logfmt"))
    folder.write("a.logfmt", "".join(" ".join(f"{k}={_quoted(v)}" for k, v in line.items()) + "\n" for line in written))
    found = folder.read("a.logfmt", {"level": "text", "msg": "text"}, null=())
    expected = [(line.get("level"), line.get("msg")) for line in written if line.keys() & {"level", "msg"}]
    assert sorted(found.rows, key=repr) == sorted(expected, key=repr)
    assert len(found.rejects) == len(written) - len(expected)


def _quoted(value: str) -> str:
    plain = value and not set(value) & set(' "\\\t\n')
    return value if plain else json.dumps(value, ensure_ascii=False)


PIECES = st.lists(st.sampled_from(["level", "n", "=", "=", " ", " ", '"', "\\", "\t", "1", "é", "\0"]), max_size=14)


@settings(max_examples=80)
@given(st.lists(PIECES.map("".join), max_size=8))
def test_rows_and_rejects_are_all_lines(tmp_path_factory: pytest.TempPathFactory, written: list[str]):
    folder = Folder(tmp_path_factory.mktemp("logfmt"))
    folder.write("a.logfmt", "".join(f"{text}\n" for text in written))
    found = folder.read("a.logfmt", COLUMNS, "SELECT count(*) FROM this")
    ((count,),) = found.rows
    assert count + len(found.rejects) == len([text for text in written if text])
    assert all(reject.position >= 0 for reject in found.rejects)
