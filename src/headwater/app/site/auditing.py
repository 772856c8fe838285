"""A site's own audit chain: every entry carries the hash of the one before, and is on the disk before rows leave."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from headwater.app.site.homes import Home
from headwater.connect.durable import alone, put_over
from headwater.diagnostics import Broken

_START: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class SiteEntry:
    """One thing that the site did, or would not do."""

    sequence: int
    at: str
    kind: str
    """``approved``, ``withdrawn``, ``forgot``, ``sent``, ``proved`` or ``refused``."""
    document: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class _Head:
    """Where the chain ends: so an entry that was cut off is missed, too."""

    sequence: int = 0
    hash: str = _START
    bytes: int = 0


def append(home: Home, kind: str, document: Mapping[str, Any], at: datetime) -> str:
    """Add an entry, durably; give its hash. Raises Broken (HW1263) if the chain's end is not what was written."""
    with alone(home.path / ".audit-lock"):
        head = _end(home)
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        when = at.isoformat(timespec="milliseconds")
        digest = _hash(head.sequence + 1, when, kind, text, head.hash)
        entry = [head.sequence + 1, when, kind, text, head.hash, digest]
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        descriptor = os.open(home.chain, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, head.bytes)  # what a crash has left of a line that counts for nothing
            os.pwrite(descriptor, line, head.bytes)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _put(home, _Head(head.sequence + 1, digest, head.bytes + len(line)))
        return digest


def entries(home: Home) -> Iterator[SiteEntry]:
    """Give all entries, oldest first, unverified."""
    for line in _lines(home.chain):
        found = _entry(line)
        if found is not None:
            yield found


def hashed_texts(home: Home) -> Iterator[tuple[str, str]]:
    """Give for each entry, oldest first, the text that its hash is the SHA-256 of, and that hash."""
    for line in _lines(home.chain):
        found = _parts(line)
        if found is not None:
            *parts, digest = found
            yield json.dumps(parts, separators=(",", ":")), str(digest)


def verify(home: Home) -> tuple[int, int | None]:
    """Recompute the chain: how many entries hold, and the number of the first that does not (None: all hold)."""
    head = _read_head(home)  # first: what is added meanwhile is behind it
    expected, count = _START, 0
    for line in _lines(home.chain):
        found = _entry(line)
        if found is None or not _follows(found, count, expected):
            return count, count + 1
        expected, count = found.hash, count + 1
    return count, None if head is None or head.sequence <= count else count + 1


def _end(home: Home) -> _Head:
    """Give where the chain ends; entries that a crash has left behind the noted end are taken in."""
    head = _read_head(home)
    size = home.chain.stat().st_size if home.chain.exists() else 0
    if head is None:
        if size:
            raise _broken(home)
        return _Head()
    if size < head.bytes:
        raise _broken(home)
    with home.chain.open("rb") as file:
        if not _is_noted(file.read, file.seek, head):
            raise _broken(home)
        file.seek(head.bytes)
        for line in file:
            found = _entry(line)
            if found is None or not _follows(found, head.sequence, head.hash):
                if line.endswith(b"\n"):
                    raise _broken(home)
                break
            head = _Head(found.sequence, found.hash, head.bytes + len(line))
    return head


def _is_noted(read: Any, seek: Any, head: _Head) -> bool:
    """Whether the entry before the noted end is the one that was noted."""
    if not head.bytes:
        return True
    length = min(head.bytes, len(head.hash) + 4)
    seek(head.bytes - length)
    return bool(read(length) == f'"{head.hash}"]\n'.encode()[-length:])


def _read_head(home: Home) -> _Head | None:
    path = home.path / "audit.head"
    if not path.exists():
        return None
    try:
        return _Head(**json.loads(path.read_bytes()))
    except (ValueError, TypeError):
        raise _broken(home) from None


def _put(home: Home, head: _Head) -> None:
    document = {"sequence": head.sequence, "hash": head.hash, "bytes": head.bytes}
    put_over(home.path / "audit.head", json.dumps(document).encode())


def _broken(home: Home) -> Broken:
    hint = "restore it from a copy; a chain that does not verify cannot vouch for anything"
    return Broken.of("HW1263", f"the audit chain {home.chain} is not what was written", hint=hint)


def _lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))


def _entry(line: bytes) -> SiteEntry | None:
    try:
        sequence, at, kind, text, previous, digest = json.loads(line)
        found = SiteEntry(sequence, at, kind, json.loads(text), previous, digest)
        return found if digest == _hash(sequence, at, kind, text, previous) else None
    except (ValueError, TypeError):
        return None


def _parts(line: bytes) -> list[Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, list) and len(found) == len(SiteEntry.__slots__) else None


def _follows(entry: SiteEntry, sequence: int, previous: str) -> bool:
    return entry.sequence == sequence + 1 and entry.previous == previous


def _hash(sequence: int, at: str, kind: str, text: str, previous: str) -> str:
    parts = json.dumps([sequence, at, kind, text, previous], separators=(",", ":"))
    return hashlib.sha256(parts.encode()).hexdigest()
