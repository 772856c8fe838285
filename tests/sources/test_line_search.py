"""Whole lines are found where they stand, whatever ends them and wherever the pieces are cut."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.connectors.sources.files import line_search
from headwater.connectors.sources.files.opening import BOM

BODIES = st.sampled_from([b"", b"a", b"ab", b"long enough to matter", b"a\x01rest"])
ENDS = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"])
LINES = st.lists(st.tuples(BODIES, ENDS), max_size=30)
WANTED = st.frozensets(st.sampled_from([b"", b"a", b"ab", b"long enough to matter", b"absent"]), min_size=1)


@given(LINES, WANTED, st.sampled_from([b"", BOM]), st.sampled_from([b"", b"ab"]))
def test_hits_are_the_lines_that_hold_what_is_wanted(rows, wanted, mark, rest):
    content = mark + b"".join(body + end for body, end in rows) + rest
    at, expected = 0, []
    for number, whole in enumerate(content.splitlines(keepends=True), 1):
        text = whole.rstrip(b"\r\n").removeprefix(BOM if at == 0 else b"").partition(b"\x01")[0]
        expected += [(text, at, number)] if text in wanted else []
        at += len(whole)
    assert [(hit.wanted, hit.offset, hit.line) for hit in line_search.search(io.BytesIO(content), wanted)] == expected


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_are_counted_over_all_pieces(end):
    lines = [b"x" * 1000] * 45_000
    lines[3] = lines[15_000] = lines[40_000] = lines[-1] = b"wanted"
    content = end.join(lines)
    found = list(line_search.search(io.BytesIO(content), frozenset([b"wanted", b"more"])))
    assert [hit.line for hit in found] == [4, 15_001, 40_001, 45_000]
    assert [content[hit.offset :][:6] for hit in found] == [b"wanted"] * 4


@given(LINES, WANTED)
def test_arrow_finds_what_python_finds(rows, wanted):
    piece = b"".join(body.replace(b"\x01", b"") + b"\n" for body, _ in rows) or b"\n"
    by_arrow = line_search._by_arrow(wanted)(bytearray(piece + b"rest"), len(piece))
    assert by_arrow == line_search._line_by_line(piece, wanted)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_halves_of_a_large_file_are_searched_as_one(tmp_path, end):
    lines = [b"x" * 1000] * 45_000
    lines[3] = lines[22_481] = lines[22_482] = lines[22_483] = lines[40_000] = lines[-1] = b"wanted"
    (tmp_path / "a.log").write_bytes(end.join(lines))
    wanted = frozenset([b"wanted", b"more"])
    found = line_search.search_path(str(tmp_path / "a.log"), wanted)
    assert found == list(line_search.search(io.BytesIO(end.join(lines)), wanted))
    assert [hit.line for hit in found] == [4, 22_482, 22_483, 22_484, 40_001, 45_000]


def test_a_large_file_may_be_one_line(tmp_path):
    (tmp_path / "a.log").write_bytes(b"x" * (33 << 20))
    assert line_search.search_path(str(tmp_path / "a.log"), frozenset([b"x"])) == []
