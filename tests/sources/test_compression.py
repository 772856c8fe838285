"""Compressed files: whole or refused; what the engine cannot unpack itself (bz2) is unpacked for it, once."""

import bz2
import gc
import gzip

import pytest

from headwater.diagnostics import Invalid
from tests.sources.reading import Folder

GOOD = '203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'
FORMS = {
    "csv": ("a,b\n1,2\nx,3\n", {"a": "integer", "b": "integer"}, {}),
    "tsv": ("a\tb\n1\t2\nx\t3\n", {"a": "integer"}, {}),
    "jsonl": ('{"a": 1}\n{"a": "x"}\n', {"a": "integer"}, {}),
    "json": ('[{"a": 1},\n{"a": "x"}]', {"a": "integer"}, {}),
    "logfmt": ("a=1\na=x\n", {"a": "integer"}, {}),
    "syslog": ("Oct 11 22:14:15 web1 a: b\nbad\n", {"host": "text"}, {}),
    "log": (f"{GOOD}\nbad\n", {"client_ip": "text"}, {}),
    "txt": ("1\nx\n", {"a": "integer"}, {"format": "regex", "pattern": "(?P<a>.)"}),
}


def pack(folder: Folder, name: str, content: str | bytes) -> None:
    raw = content.encode() if isinstance(content, str) else content
    folder.write(name, bz2.compress(raw) if name.endswith(".bz2") else raw)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("compression", ["gz", "zst", "bz2"])
def test_every_format_is_read_and_its_rejects_are_placed(folder: Folder, form: str, compression: str):
    content, columns, said = FORMS[form]
    for name in (f"a.{form}", f"b.{form}.{compression}"):
        pack(folder, name, content)
    plain, packed = (folder.read(name, columns, **said) for name in (f"a.{form}", f"b.{form}.{compression}"))
    assert packed.rows == plain.rows
    assert len(plain.rows) == 1
    assert [(r.position, r.line, r.reason) for r in packed.rejects] == [
        (r.position, r.line, r.reason) for r in plain.rejects
    ]


def test_archives_of_several_parts_are_read_to_their_end(folder: Folder):
    folder.write("a.logfmt.bz2", bz2.compress(b"n=1\nn=") + bz2.compress(b"2\n"))
    (folder.root / "b.logfmt.gz").write_bytes(gzip.compress(b"n=3\nn=") + gzip.compress(b"4\n"))
    assert sorted(folder.read("*.logfmt.*", {"n": "integer"}, format="logfmt").rows) == [(1,), (2,), (3,), (4,)]


@pytest.mark.parametrize("time", [None, "ts"])
@pytest.mark.parametrize("damage", ["cut", "text", "changed"])
def test_an_archive_that_is_not_whole_is_a_diagnostic(folder: Folder, damage: str, time: str | None):
    whole = bz2.compress(b"ts=2024-01-01T00:00:00Z n=1\n" * 9000)
    content = {"cut": whole[:-9], "text": b"n=1\n", "changed": whole[:60] + b"\0\0\0\0" + whole[64:]}[damage]
    folder.write("a.logfmt.bz2", content)
    with pytest.raises(Invalid) as caught:
        folder.read("a.logfmt.bz2", {"ts": "timestamp", "n": "integer"}, time=time)
    assert [d.code for d in caught.value.diagnostics] == ["HW0314"]
    assert "a.logfmt.bz2" in caught.value.diagnostics[0].message


def test_an_empty_archive_has_no_rows(folder: Folder):
    for name in ("a.logfmt.bz2", "b.logfmt.gz"):
        pack(folder, name, b"")
    assert folder.read("*.logfmt.*", {"n": "integer"}, format="logfmt").rows == []


def test_unpacked_copies_go_with_their_source(folder: Folder):
    pack(folder, "a.logfmt.bz2", "n=1\n")
    source = folder.source("a.logfmt.bz2", {"n": "integer"})
    scratch = folder.root / ".headwater" / "tmp"
    from tests.sources.reading import read

    assert read(source).rows == [(1,)]
    assert len(list(scratch.rglob("*.zst"))) == 1
    del source
    gc.collect()
    assert list(scratch.iterdir()) == []


def test_what_a_killed_process_left_is_swept_away(folder: Folder):
    left = folder.root / ".headwater" / "tmp" / "unpacked-999999999-0"
    left.mkdir(parents=True)
    (left / "x.zst").write_bytes(b"x")
    folder.source("a.logfmt.bz2", {"n": "integer"})
    assert not left.exists()
