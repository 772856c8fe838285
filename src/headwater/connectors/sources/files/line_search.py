"""Finds a few whole lines among millions: pieces that a processor's cache holds, without a Python object a line."""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import RawIOBase
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, Final, cast

from headwater.connectors.sources.files.opening import BOM, LONGEST_LINE_BYTES, line_rest, lines, opened
from headwater.connectors.sources.files.settings import COMPRESSIONS
from headwater.connectors.sources.files.text_lines import SEPARATOR

_PIECE_BYTES: Final = 1 << 20
_BYTES_BEFORE_ARROW: Final = 32 << 20
"""Files of up to this size are searched sooner than Arrow is imported."""
_CUT: Final = SEPARATOR.encode()
"""The engine takes a line for ended at the sign that stands for the separator it is not to find."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that was looked for: as it was named, its byte offset, its number from 1, and the whole of it."""

    wanted: bytes
    offset: int
    line: int
    body: bytes


@dataclass(frozen=True, slots=True)
class _Searched:
    """What one piece holds: how many lines, and hits with offset and number counted from its beginning."""

    lines: int
    hits: Sequence[Hit] = ()


def search_path(path: str, wanted: frozenset[bytes]) -> list[Hit]:
    """Give every line of a file that is one of ``wanted``, in order; a large file's halves are read at once."""
    with opened(path) as file:
        size = Path(path).stat().st_size
        if path.lower().endswith(COMPRESSIONS) or size < _BYTES_BEFORE_ARROW:
            return list(search(file, wanted))
        file.seek(size // 2)
        rest, skipped = line_rest(file)
        middle = size // 2 + len(rest) + skipped
    with ThreadPoolExecutor(1) as threads:
        second = threads.submit(_range, path, wanted, middle, None)
        first = _range(path, wanted, 0, middle)
        behind = second.result().hits
    return [*first.hits, *(replace(hit, line=first.lines + hit.line) for hit in behind)]


def search(file: IO[bytes], wanted: frozenset[bytes]) -> Iterator[Hit]:
    r"""Give every line of a file that is one of ``wanted``, in order.

    >>> import io
    >>> [(hit.offset, hit.line) for hit in search(io.BytesIO(b"a\nb\na\n"), frozenset([b"a"]))]
    [(0, 1), (4, 3)]
    """
    before = 0
    for found in _searched(_pieces(file, 0, None), wanted):
        yield from (replace(hit, line=before + hit.line) for hit in found.hits)
        before += found.lines


def _range(path: str, wanted: frozenset[bytes], start: int, end: int | None) -> _Searched:
    """Search a part of a file that begins, and ends, with whole lines; hits are counted from its beginning."""
    hits: list[Hit] = []
    before = 0
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        for found in _searched(_pieces(file, start, end), wanted, is_large=True):
            hits += (replace(hit, line=before + hit.line) for hit in found.hits)
            before += found.lines
    return _Searched(before, hits)


def _searched(
    pieces: Iterable[tuple[int, bytearray, int]], wanted: frozenset[bytes], *, is_large: bool = False
) -> Iterator[_Searched]:
    """Search each piece in the cheapest way that is right for it: offsets are the file's, lines the piece's."""
    quickly: Callable[[bytearray, int], _Searched] | None = None
    for start, buffer, end in pieces:
        if quickly is None and (is_large or start >= _BYTES_BEFORE_ARROW):
            quickly = _by_arrow(wanted)
        if start == 0 or buffer.find(_CUT, 0, end) >= 0:
            found = _line_by_line(bytes(buffer[:end]), wanted, is_first=start == 0)
        elif quickly is None or buffer.find(b"\r", 0, end) >= 0:
            found = _at_once(bytes(buffer[:end]), wanted)
        else:
            found = quickly(buffer, end)
        yield _Searched(found.lines, [replace(hit, offset=start + hit.offset) for hit in found.hits])


def _pieces(file: IO[bytes] | RawIOBase, start: int, until: int | None) -> Iterator[tuple[int, bytearray, int]]:
    """Give (offset in the file, buffer, end in it) of pieces of whole lines; the buffer is used again for the next."""
    buffer = bytearray(_PIECE_BYTES)
    held = 0
    while until is None or start + held < until:
        room = len(buffer) if until is None else min(len(buffer), until - start)
        read = cast("Any", file).readinto(memoryview(buffer)[held:room])
        if not read:
            break
        held += read
        end = buffer.rfind(b"\n", 0, held) + 1
        if end:
            yield start, buffer, end
            start, held = start + end, held - end
            buffer[:held] = buffer[end : end + held]
        elif held > LONGEST_LINE_BYTES:
            yield start, bytearray(b"\n"), 1  # nobody looks for a line that is too long to be read: it only counts
            start, held = _skipped(file, buffer, start + held, until)
        elif held == len(buffer):
            buffer = buffer + bytearray(held)
    if held:
        yield start, buffer, held


def _skipped(file: IO[bytes] | RawIOBase, buffer: bytearray, at: int, until: int | None) -> tuple[int, int]:
    """Go on to the end of a line; gives the offset behind it and how much behind it has been read into the buffer."""
    while until is None or at < until:
        room = len(buffer) if until is None else min(len(buffer), until - at)
        read = cast("Any", file).readinto(memoryview(buffer)[:room])
        if not read:
            break
        end = buffer.find(b"\n", 0, read) + 1
        if end:
            buffer[: read - end] = buffer[end:read]
            return at + end, read - end
        at += read
    return at, 0


def _line_by_line(piece: bytes, wanted: frozenset[bytes], *, is_first: bool = False) -> _Searched:
    """Whatever it holds: any line end, the engine's separator, a byte order mark at the beginning of the file."""
    hits, number = [], 0
    for number, (offset, body, _) in enumerate(lines(piece), 1):
        text = (body.removeprefix(BOM) if is_first and offset == 0 else body).partition(_CUT)[0]
        if text in wanted:
            hits.append(Hit(text, offset, number, body))
    return _Searched(number, hits)


def _at_once(piece: bytes, wanted: frozenset[bytes]) -> _Searched:
    bodies = piece.splitlines()
    return _Searched(len(bodies)) if wanted.isdisjoint(bodies) else _line_by_line(piece, wanted)


def _by_arrow(wanted: frozenset[bytes]) -> Callable[[bytearray, int], _Searched]:
    """Search pieces whose lines all end with a line feed."""
    import pyarrow as pa
    from pyarrow import compute

    values = _binary(b"".join(sorted(wanted)), [len(line) for line in sorted(wanted)])
    sizes = sorted({len(line) for line in wanted})
    lengths: Any = pa.Array.from_buffers(
        pa.int32(), len(sizes), [None, pa.py_buffer(struct.pack(f"{len(sizes)}i", *sizes))]
    )

    def find(buffer: bytearray, end: int) -> _Searched:
        cells = compute.split_pattern(_binary(memoryview(buffer)[:end], [end]), pattern="\n").values
        count = len(cells) - (buffer[end - 1] == ord("\n"))
        # Few lines have the length of one that is looked for, and only those are compared.
        alike = compute.indices_nonzero(compute.is_in(compute.binary_length(cells), value_set=lengths))
        indexes = alike.filter(compute.is_in(cells.take(alike), value_set=values)).to_pylist()
        # Cells stand one after the other without the line feeds between them.
        begins = memoryview(cells.buffers()[1]).cast("i")[cells.offset :]
        bodies = ((index, cells[index].as_py()) for index in indexes if index < count)
        return _Searched(count, [Hit(body, begins[at] - begins[0] + at, at + 1, body) for at, body in bodies])

    return find


def _binary(content: bytes | memoryview, sizes: Sequence[int]) -> Any:
    """Make an Arrow array (``pyarrow.array`` would import pandas to ask whether this is a series)."""
    import pyarrow as pa

    offsets = pa.py_buffer(struct.pack(f"{len(sizes) + 1}i", *accumulate(sizes, initial=0)))
    return pa.Array.from_buffers(pa.binary(), len(sizes), [None, offsets, pa.py_buffer(content)])
