"""Bytes of files as they were before compression: their heads, and where each record begins."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, cast

HEAD_BYTES: Final = 1 << 20
LONGEST_LINE_BYTES: Final = 32 << 20
"""Longest line that is read: a longer one is set aside."""
BOM: Final = b"\xef\xbb\xbf"
_BLOCK_BYTES: Final = 4 << 20


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open a file, decompressed by its name; OSError, EOFError or zlib.error where it is not what the name says."""
    lower = path.lower()
    if lower.endswith(".gz"):
        with gzip.open(path, "rb") as file:
            yield cast("IO[bytes]", file)
    elif lower.endswith(".bz2"):
        import bz2

        with bz2.open(path, "rb") as unpacked:
            yield cast("IO[bytes]", unpacked)
    elif lower.endswith(".zst"):
        import pyarrow as pa

        with pa.input_stream(path, compression="zstd") as stream:
            yield io.BufferedReader(cast("io.RawIOBase", stream), HEAD_BYTES)
    else:
        with open(path, "rb") as plain:
            yield plain


def head_of(path: str, size: int = HEAD_BYTES) -> bytes:
    """Give the first bytes; raises OSError where an archive breaks off among them."""
    with opened(path) as file:
        try:
            return file.read(size)
        except (EOFError, zlib.error) as problem:
            raise OSError(str(problem)) from problem


def blocks(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give (offset, bytes) of pieces of some megabytes that begin and end with whole lines; very long ones are cut."""
    offset = 0
    while piece := file.read(_BLOCK_BYTES):
        skipped = 0
        if not piece.endswith(b"\n"):
            rest, skipped = line_rest(file)
            piece += rest
        yield offset, piece
        offset += len(piece) + skipped


def line_rest(file: IO[bytes], most: int = LONGEST_LINE_BYTES) -> tuple[bytes, int]:
    r"""Read to the end of a line; gives so much of it (with its end), and how many bytes are left out.

    >>> line_rest(io.BytesIO(b"long line\nb"), 4)
    (b'long\n', 5)
    """
    rest = file.readline(most)
    skipped = 0
    while not rest.endswith(b"\n") and (more := file.readline(HEAD_BYTES)):
        skipped += len(more)
        if more.endswith(b"\n"):
            return rest + b"\n", skipped - 1
    return rest, skipped


def lines(piece: bytes, offset: int = 0) -> Iterator[tuple[int, bytes, bytes]]:
    r"""Give (offset, line, its end) of every line; ``\n``, ``\r\n`` and ``\r`` end a line.

    >>> list(lines(b"a\r\n\nb\rc"))
    [(0, b'a', b'\r\n'), (3, b'', b'\n'), (4, b'b', b'\r'), (6, b'c', b'')]
    """
    for whole in piece.splitlines(keepends=True):
        body = whole.rstrip(b"\r\n")
        yield offset, body, whole[len(body) :]
        offset += len(whole)


def records(file: IO[bytes], quote: bytes, escape: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give (offset, line from 1, text) of every record of a delimited file; quoted line ends do not end a record."""
    escaped = re.compile(re.escape(escape) + b".", re.DOTALL) if escape not in {b"", quote} else None
    begun, held, first, number = 0, b"", 1, 0
    is_open = False
    for start, piece in blocks(file):
        for offset, body, end in lines(piece, start):
            number += 1
            if not is_open:
                begun, held, first = offset, b"", number
            counted = escaped.sub(b"", body) if escaped else body
            is_open ^= bool(quote) and counted.count(quote) % 2 == 1
            held += body + (end if is_open else b"")
            if not is_open:
                yield begun, first, held
    if is_open:
        yield begun, first, held
