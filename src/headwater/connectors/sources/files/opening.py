"""Bytes of files as they were before compression: their heads, and where each record begins."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, Final, cast

HEAD_BYTES: Final = 1 << 20
BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open a file, decompressed by its name; OSError, EOFError or zlib.error where it is not what the name says."""
    lower = path.lower()
    if lower.endswith(".gz"):
        with gzip.open(path, "rb") as file:
            yield cast("IO[bytes]", file)
    elif lower.endswith(".zst"):
        import pyarrow as pa

        with pa.input_stream(path, compression="zstd") as stream:
            yield io.BufferedReader(cast("io.RawIOBase", stream), HEAD_BYTES)
    else:
        with open(path, "rb") as plain:  # noqa: PTH123
            yield plain


def head_of(path: str, size: int = HEAD_BYTES) -> bytes:
    """Give the first bytes; fewer where the file ends or breaks off."""
    with opened(path) as file:
        try:
            return file.read(size)
        except (EOFError, zlib.error, OSError):
            return b""


def lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    r"""Give (offset, line without its end) of every line; ``\n``, ``\r\n`` and ``\r`` end a line.

    >>> list(lines(io.BytesIO(b"a\r\n\nb\rc")))
    [(0, b'a'), (3, b''), (4, b'b'), (6, b'c')]
    """
    offset = 0
    for physical in cast("BinaryIO", file):
        body = physical.rstrip(b"\n")
        if b"\r" not in body:
            yield offset, body
        else:
            at = offset
            pieces = body.removesuffix(b"\r").split(b"\r")
            for piece in pieces:
                yield at, piece
                at += len(piece) + 1
        offset += len(physical)


def records(file: IO[bytes], quote: bytes, escape: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give (offset, line from 1, text) of every record of a delimited file; quoted line ends do not end a record."""
    escaped = re.compile(re.escape(escape) + b".", re.DOTALL) if escape not in {b"", quote} else None
    begun, held, first = 0, b"", 1
    is_open = False
    for number, (offset, body) in enumerate(lines(file), 1):
        if not is_open:
            begun, held, first = offset, body, number
        else:
            held += b"\n" + body
        counted = escaped.sub(b"", body) if escaped else body
        is_open ^= bool(quote) and counted.count(quote) % 2 == 1
        if not is_open:
            yield begun, first, held
    if is_open:
        yield begun, first, held
