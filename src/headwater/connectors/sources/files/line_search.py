"""Finds a few whole lines among millions: pieces of some megabytes, cut and compared without a Python object a line."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from headwater.connectors.sources.files.opening import BOM, blocks, lines
from headwater.connectors.sources.files.text_lines import SEPARATOR

if TYPE_CHECKING:
    import pyarrow as pa

_THREADS: Final = 2
_PIECES_AHEAD: Final = 4
"""Pieces that are in memory at once."""
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
    """What one piece holds: how many lines, and hits with lines counted from its beginning."""

    lines: int
    hits: list[Hit]


def search(file: IO[bytes], wanted: frozenset[bytes]) -> Iterator[Hit]:
    r"""Give every line of a file that is one of ``wanted``, in order.

    >>> import io
    >>> [(hit.offset, hit.line) for hit in search(io.BytesIO(b"a\nb\na\n"), frozenset([b"a"]))]
    [(0, 1), (4, 3)]
    """
    import pyarrow as pa

    values = pa.array(sorted(wanted), pa.binary())
    before = 0
    with ThreadPoolExecutor(_THREADS) as threads:
        waiting: deque[Future[_Searched]] = deque()
        for start, piece in blocks(file):
            waiting.append(threads.submit(_search, piece, start, wanted, values))
            if len(waiting) == _PIECES_AHEAD:
                found = waiting.popleft().result()
                yield from _numbered(found, before)
                before += found.lines
        for future in waiting:
            found = future.result()
            yield from _numbered(found, before)
            before += found.lines


def _numbered(found: _Searched, before: int) -> Iterator[Hit]:
    for hit in found.hits:
        yield Hit(hit.wanted, hit.offset, before + hit.line, hit.body)


def _search(piece: bytes, start: int, wanted: frozenset[bytes], values: "pa.Array[Any]") -> _Searched:
    if b"\r" in piece or _CUT in piece or (start == 0 and piece.startswith(BOM)):
        return _search_slowly(piece, start, wanted)
    import pyarrow as pa
    from pyarrow import compute

    whole: Any = pa.array([piece], pa.binary())
    cells = compute.split_pattern(whole, pattern="\n").values
    indexes = compute.indices_nonzero(compute.is_in(cells, value_set=values)).to_pylist()
    is_ended = piece.endswith(b"\n")
    count = len(cells) - 1 if is_ended else len(cells)
    if not indexes:
        return _Searched(count, [])
    # Cells stand one after the other without the line ends between them: one byte each.
    begins = memoryview(cells.buffers()[1]).cast("i")[cells.offset :]
    hits = []
    for index in indexes:
        if index < count:
            body = cells[index].as_py()
            hits.append(Hit(body, start + begins[index] - begins[0] + index, index + 1, body))
    return _Searched(count, hits)


def _search_slowly(piece: bytes, start: int, wanted: frozenset[bytes]) -> _Searched:
    """Any line end, a byte order mark, the engine's separator: line by line."""
    hits, number = [], 0
    for number, (offset, body, _) in enumerate(lines(piece, start), 1):
        text = (body.removeprefix(BOM) if offset == 0 else body).partition(_CUT)[0]
        if text in wanted:
            hits.append(Hit(text, offset, number, body))
    return _Searched(number, hits)
