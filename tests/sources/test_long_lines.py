"""Lines longer than `max_line` are set aside, wherever they stand; none is lost, none is held in memory."""

import bz2
import io
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.connectors.sources.files import line_search
from headwater.connectors.sources.files.long_lines import Watch, long_lines
from headwater.connectors.sources.files.opening import blocks
from headwater.diagnostics import Invalid
from tests.sources.reading import Folder

LIMIT = 4096
SIZES = st.lists(
    st.sampled_from([5, 5, 5, 100, 4000, 4096 - 2, 4096 + 4, 9000, 300_000, 1_100_000, 3_500_000]), max_size=7
)


@pytest.mark.parametrize("form", ["", ".gz", ".bz2"])
@pytest.mark.parametrize("size", [100_000, 1_500_000, 9_000_000])
def test_a_long_line_is_set_aside_with_its_place_and_beginning(folder: Folder, form: str, size: int):
    content = b"n=1\nn=" + b"7" * size + b"\nn=2\n"
    folder.write("a.logfmt" + form, bz2.compress(content) if form == ".bz2" else content)
    found = folder.read("a.logfmt" + form, {"n": "integer"}, max_line=65_536)
    assert sorted(found.rows) == [(1,), (2,)]
    assert [(r.reason, r.position, r.line) for r in found.rejects] == [("too long", 4, 2)]
    assert found.rejects[0].payload == "n=" + "7" * 4094


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.log", "a.syslog"])
def test_long_lines_of_other_formats_are_set_aside_too(folder: Folder, name: str):
    folder.write(name, b"host\n" + b"x" * 9_000_000 + b"\n")
    column = {"a.log": "client_ip", "a.jsonl": "host"}.get(name, "host")
    found = folder.read(name, {column: "text"}, max_line=65_536)
    assert (found.rows, found.reasons.count("too long")) == ([], 1)


@pytest.mark.parametrize("time", [None, "at"])
def test_an_inspection_lists_them_too(folder: Folder, time: str | None):
    folder.write("a.logfmt", b"at=2024-01-01T00:00:00Z\nat=" + b"7" * 5_000_000)
    found = folder.read("a.logfmt", {"at": "timestamp"}, time=time, max_line=65_536)
    assert (len(found.rows), found.reasons) == (1, ["too long"])


@settings(max_examples=25, deadline=None)
@given(SIZES, st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_rows_and_rejects_are_all_lines(tmp_path_factory, sizes: list[int], end: bytes, ends: bool):
    folder = Folder(tmp_path_factory.mktemp("long"))
    content = end.join(b"n=" + b"7" * (size - 2) for size in sizes) + (end if ends else b"")
    folder.write("a.logfmt", content)
    found = folder.read("a.logfmt", {"n": "text"}, "SELECT count(*) FROM this", max_line=LIMIT)
    assert found.rows == [(sum(size <= LIMIT for size in sizes),)]
    offsets = [sum(sizes[:at]) + at * len(end) for at, size in enumerate(sizes) if size > LIMIT]
    assert found.positions == offsets


@given(st.lists(st.sampled_from([0, 1, 5, 9, 10, 12, 13, 40]), max_size=12), st.integers(1, 10))
def test_the_watch_sees_the_same_however_a_file_is_cut(sizes: list[int], piece: int):
    content = b"\n".join(b"x" * size for size in sizes)
    watch = Watch(10)
    found = [line for part in _cut(content, piece) for line in watch.feed(part)] + list(watch.end())
    lines = content.split(b"\n")
    offsets = [sum(map(len, lines[:at])) + at for at in range(len(lines))]
    expected = [(offsets[at], at + 1, size) for at, size in enumerate(sizes) if size > 12]
    assert [(line.offset, line.line, line.size) for line in found] == expected


def _cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def test_a_plain_file_is_glanced_at_only(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"short\n" * 100_000)
    assert long_lines(str(path), LIMIT) == []
    path.write_bytes(b"short\n" * 100_000 + b"x" * 5000 + b"\n")
    assert [(line.offset, line.line, line.size) for line in long_lines(str(path), LIMIT)] == [(600_000, 100_001, 5000)]


def test_a_search_passes_over_a_line_that_is_too_long():
    content = b"a\n" + b"x" * (70 << 20) + b"\nb\n" + b"y" * 5_000_000 + b"\na\nb"
    found = list(line_search.search(io.BytesIO(content), frozenset([b"a", b"b"])))
    assert [(hit.wanted, hit.line) for hit in found] == [(b"a", 1), (b"b", 3), (b"a", 5), (b"b", 6)]
    assert [content[hit.offset :][:1] for hit in found] == [b"a", b"b", b"a", b"b"]


def test_blocks_keep_their_offsets_behind_a_line_that_is_cut():
    content = b"a\n" + b"x" * (40 << 20) + b"\n" + b"b\n" * 3_000_000
    offset, piece = list(blocks(io.BytesIO(content)))[1]
    assert content[offset : offset + 100] == piece[:100]
    assert max(len(piece) for _, piece in blocks(io.BytesIO(content))) < 37 << 20


@pytest.mark.parametrize("size", [10, 1 << 30])
def test_a_limit_must_be_reasonable(folder: Folder, size: int):
    with pytest.raises(Invalid) as caught:
        folder.source("a.logfmt", {"n": "text"}, max_line=size)
    assert [d.code for d in caught.value.diagnostics] == ["HW0638"]
