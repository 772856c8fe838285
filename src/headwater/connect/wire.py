"""What an asker and a site's worker say to each other: frames of a bounded size, a JSON header and raw bytes."""

import struct
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final

MOST_HEADER_BYTES: Final = 32 << 20
"""Of a header: 100,000 positions, or the longest query, take a third of it."""
MOST_PAYLOAD_BYTES: Final = 1 << 20
"""Of the raw bytes behind a header: files go in as many frames as they need, so nobody holds one in memory."""
_SIZES: Final = struct.Struct(">4sII")
_MAGIC: Final = b"HWs1"


class Malformed(Exception):
    """These bytes are no frame; ``lost``: it is not known where the next one begins."""

    def __init__(self, why: str, *, lost: bool) -> None:
        super().__init__(why)
        self.lost = lost


@dataclass(frozen=True, slots=True)
class Frame:
    """One message. ``question`` tells conversations apart that are under way at once."""

    question: int
    kind: str
    """From the asker: the question's name, then ``part`` (bytes of a file), ``go``, ``cancel``; from the site:
    ``part``, ``done``, ``refused``, ``failed``."""
    body: Any = None
    """Plain values, as JSON has them."""
    name: str = ""
    """Of the file that a part belongs to."""
    payload: bytes = b""
    size_bytes: int = 0
    """How many bytes crossed for it; known of frames that were read."""


def encode(frame: Frame) -> bytes:
    """Write a frame; ValueError if it is larger than a frame may be."""
    import msgspec

    header = msgspec.json.encode((frame.question, frame.kind, frame.name, frame.body))
    if len(header) > MOST_HEADER_BYTES or len(frame.payload) > MOST_PAYLOAD_BYTES:
        raise ValueError(f"a message of {len(header)} and {len(frame.payload)} bytes is too large")
    return _SIZES.pack(_MAGIC, len(header), len(frame.payload)) + header + frame.payload


def read(stream: BinaryIO) -> Frame | None:
    """Read the next frame; None where the stream ends between two. Raises Malformed; never reads beyond the bounds."""
    start = stream.read(_SIZES.size)
    if not start:
        return None
    if len(start) < _SIZES.size:
        raise Malformed("cut off", lost=True)
    magic, header_bytes, payload_bytes = _SIZES.unpack(start)
    if magic != _MAGIC:
        raise Malformed("not a message", lost=True)
    if header_bytes > MOST_HEADER_BYTES or payload_bytes > MOST_PAYLOAD_BYTES:
        raise Malformed("too large", lost=True)
    header, payload = stream.read(header_bytes), stream.read(payload_bytes)
    if len(header) < header_bytes or len(payload) < payload_bytes:
        raise Malformed("cut off", lost=True)
    return replace(_frame(header, payload), size_bytes=_SIZES.size + header_bytes + payload_bytes)


def _frame(header: bytes, payload: bytes) -> Frame:
    import msgspec

    try:
        question, kind, name, body = msgspec.json.decode(header, type=tuple[int, str, str, Any])
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Malformed("its header cannot be read", lost=False) from None
    return Frame(question, kind, body, name, payload)
