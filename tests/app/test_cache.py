"""Analyses are kept from one command to the next; losing them costs time only."""

from pathlib import Path

import pytest

from headwater.app.cache import FileCache


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "analysis"


def test_what_was_put_is_there_in_the_next_process(path: Path) -> None:
    first = FileCache(path)
    first.put("a", b"1")
    first.save()
    assert FileCache(path).get("a") == b"1"
    assert FileCache(path).get("b") is None


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x92\x02\x80", b"\x92\x01\x81\xa1a\x01"])
def test_a_corrupt_or_newer_file_is_an_empty_cache(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    cache = FileCache(path)
    assert cache.get("a") is None
    cache.put("a", b"1")
    cache.save()
    assert FileCache(path).get("a") == b"1"


def test_nothing_new_writes_nothing(path: Path) -> None:
    FileCache(path).save()
    assert not path.exists()


def test_a_directory_that_cannot_be_written_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = FileCache(tmp_path / "file" / "analysis")
    cache.put("a", b"1")
    cache.save()
    assert cache.get("a") == b"1"
