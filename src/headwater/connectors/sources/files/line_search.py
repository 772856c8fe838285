"""Finds a few whole lines among millions: pieces of some megabytes, compared without a Python object a line."""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import IO, Any, Final

from headwater.connectors.sources.files.opening import BOM, blocks, lines
from headwater.connectors.sources.files.text_lines import SEPARATOR

_PIECES_BEFORE_ARROW: Final = 8
"""Files of up to so many pieces are searched sooner than Arrow is imported."""
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
    quickly: Callable[[bytes], _Searched] | None = None
    for number, (start, piece) in enumerate(blocks(file)):
        if number == _PIECES_BEFORE_ARROW:
            quickly = _by_arrow(wanted)
        if start == 0 or _CUT in piece:
            found = _line_by_line(piece, wanted, is_first=start == 0)
        elif quickly is None or b"\r" in piece:
            found = _at_once(piece, wanted)
        else:
            found = quickly(piece)
        for hit in found.hits:
            yield Hit(hit.wanted, start + hit.offset, before + hit.line, hit.body)
        before += found.lines


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


def _by_arrow(wanted: frozenset[bytes]) -> Callable[[bytes], _Searched]:
    """Search pieces whose lines all end with a line feed."""
    from pyarrow import compute

    values = _binary(sorted(wanted))

    def find(piece: bytes) -> _Searched:
        cells = compute.split_pattern(_binary([piece]), pattern="\n").values
        indexes = compute.indices_nonzero(compute.is_in(cells, value_set=values)).to_pylist()
        count = len(cells) - 1 if piece.endswith(b"\n") else len(cells)
        # Cells stand one after the other without the line feeds between them.
        begins = memoryview(cells.buffers()[1]).cast("i")[cells.offset :]
        bodies = ((index, cells[index].as_py()) for index in indexes if index < count)
        return _Searched(count, [Hit(body, begins[at] - begins[0] + at, at + 1, body) for at, body in bodies])

    return find


def _binary(values: Sequence[bytes]) -> Any:
    """Make an Arrow array (``pyarrow.array`` would import pandas to ask whether this is a series)."""
    import pyarrow as pa

    ends = (0, *accumulate(map(len, values)))
    offsets, content = pa.py_buffer(struct.pack(f"{len(ends)}i", *ends)), pa.py_buffer(b"".join(values))
    return pa.Array.from_buffers(pa.binary(), len(values), [None, offsets, content])
