"""Finds a few whole lines among millions: pieces that a processor's cache holds, without a Python object a line."""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import IO, Any, Final, cast

from headwater.connectors.sources.files.opening import BOM, lines
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


def search(file: IO[bytes], wanted: frozenset[bytes]) -> Iterator[Hit]:
    r"""Give every line of a file that is one of ``wanted``, in order.

    >>> import io
    >>> [(hit.offset, hit.line) for hit in search(io.BytesIO(b"a\nb\na\n"), frozenset([b"a"]))]
    [(0, 1), (4, 3)]
    """
    before = 0
    quickly: Callable[[bytearray, int], _Searched] | None = None
    for start, buffer, end in _pieces(file):
        if quickly is None and start >= _BYTES_BEFORE_ARROW:
            quickly = _by_arrow(wanted)
        if start == 0 or buffer.find(_CUT, 0, end) >= 0:
            found = _line_by_line(bytes(buffer[:end]), wanted, is_first=start == 0)
        elif quickly is None or buffer.find(b"\r", 0, end) >= 0:
            found = _at_once(bytes(buffer[:end]), wanted)
        else:
            found = quickly(buffer, end)
        for hit in found.hits:
            yield Hit(hit.wanted, start + hit.offset, before + hit.line, hit.body)
        before += found.lines


def _pieces(file: IO[bytes]) -> Iterator[tuple[int, bytearray, int]]:
    """Give (offset in the file, buffer, end in it) of pieces of whole lines; the buffer is used again for the next."""
    buffer = bytearray(_PIECE_BYTES)
    start = held = 0
    while read := cast("Any", file).readinto(memoryview(buffer)[held:]):
        held += read
        end = buffer.rfind(b"\n", 0, held) + 1
        if end:
            yield start, buffer, end
            start, held = start + end, held - end
            buffer[:held] = buffer[end : end + held]
        elif held == len(buffer):
            buffer = buffer + bytearray(held)
    if held:
        yield start, buffer, held


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
