"""Lines longer than a source reads: looked for, as the engine silently drops those that fill a whole buffer."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from headwater.connectors.sources.files.rejecting import PAYLOAD_CHARACTERS
from headwater.spec.observations import Item, SetAside

_PIECE_BYTES: Final = 1 << 20
_GLANCE_BYTES: Final = 4096
_LINE_END_BYTES: Final = 2
"""A line that is longer by its end only may have been read."""


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line: its byte offset, its number from 1, its length without its end, and how it begins."""

    offset: int
    line: int
    size: int
    head: bytes


class Watch:
    r"""Looks at pieces of a file in order.

    >>> watch = Watch(limit=3)
    >>> found = [*watch.feed(b"a\nlo"), *watch.feed(b"ng line\nb"), *watch.end()]
    >>> [(line.offset, line.line, line.size, line.head) for line in found]
    [(2, 2, 9, b'long line')]
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit + _LINE_END_BYTES
        self._begun = self._at = 0
        self._number = 1
        self._head = b""

    def feed(self, piece: bytes) -> Iterator[LongLine]:
        """Give the long lines that end in the next piece (pieces are not longer than a line may be)."""
        begins = 0
        if self._at + len(piece) - self._begun > self._limit:
            begins = yield from self._ended(piece)
        last = piece.rfind(b"\n")
        if last >= 0:
            self._number += piece.count(b"\n", begins)
            self._begun, self._head = self._at + last + 1, piece[last + 1 : last + 1 + PAYLOAD_CHARACTERS]
        elif len(self._head) < PAYLOAD_CHARACTERS:
            self._head += piece[: PAYLOAD_CHARACTERS - len(self._head)]
        self._at += len(piece)

    def _ended(self, piece: bytes) -> Generator[LongLine, None, int]:
        """Go from line to line: rarely needed, as most pieces hold many."""
        begins = 0
        while (end := piece.find(b"\n", begins)) >= 0:
            yield from self._long(end, self._head + piece[begins : min(end, begins + PAYLOAD_CHARACTERS)])
            begins = end + 1
            self._begun, self._head = self._at + begins, b""
            self._number += 1
        return begins

    def end(self) -> Iterator[LongLine]:
        """Give the last line, if it is long and has no end."""
        yield from self._long(0, self._head)

    def _long(self, end: int, head: bytes) -> Iterator[LongLine]:
        size = self._at + end - self._begun
        if size > self._limit:
            yield LongLine(self._begun, self._number, size, head[:PAYLOAD_CHARACTERS])


def long_lines(path: str, limit: int) -> list[LongLine]:
    """Give the long lines of a plain file; a glance every half a limit tells in most files that there is none."""
    if Path(path).stat().st_size <= limit or not _may_hold(path, limit):
        return []
    watch = Watch(limit)
    found: list[LongLine] = []
    with open(path, "rb") as file:
        while piece := file.read(_PIECE_BYTES):
            found += watch.feed(piece)
    return [*found, *watch.end()]


def _may_hold(path: str, limit: int) -> bool:
    """A line longer than the limit holds one of the windows of half its size that follow each other in the file."""
    step = max(limit // 2, 1)
    with open(path, "rb", buffering=0) as file:
        size = file.seek(0, 2)
        return any(not _has_line_end(file, start, step) for start in range(0, size - step + 1, step))


def _has_line_end(file: IO[bytes], start: int, size: int) -> bool:
    file.seek(start)
    left, glance = size, _GLANCE_BYTES
    while left > 0:
        piece = file.read(min(glance, left))
        if not piece or b"\n" in piece:
            return True
        left, glance = left - len(piece), _PIECE_BYTES
    return False


def as_reject(item: Item, line: LongLine, limit: int) -> SetAside:
    """Set a long line aside."""
    return SetAside(
        identity=item.identity, path=item.path, position=line.offset, line=line.line, reason="too long", column="",
        message=f"the line has {line.size:,} bytes; lines up to {limit:,} are read",
        payload=line.head.decode(errors="replace"),
    )  # fmt: skip
