"""Whole lines are found where they stand, whatever ends them and wherever the pieces are cut."""

import io

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


def test_lines_are_counted_over_all_pieces():
    lines = [b"x" * 1000] * 20_000
    lines[3] = lines[15_000] = lines[-1] = b"wanted"
    content = b"\n".join(lines)
    found = list(line_search.search(io.BytesIO(content), frozenset([b"wanted"])))
    assert [hit.line for hit in found] == [4, 15_001, 20_000]
    assert [content[hit.offset :][:6] for hit in found] == [b"wanted"] * 3
