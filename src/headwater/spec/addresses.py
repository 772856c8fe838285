"""Names for the addresses that the core model speaks of, and the one hash they are made with."""

import hashlib
from typing import Final, NewType

Version = NewType("Version", str)
"""Address of a node's logic."""
FillId = NewType("FillId", str)
"""Address of one slot's rows: hash(version, site, slot, all-inputs digest)."""
Digest = NewType("Digest", str)
"""Address of a position: which data a slot stands on."""
Slot = NewType("Slot", str)
"""``all``, or the start of an interval as ISO 8601 in UTC with seconds: ``2013-01-01T05:00:00Z``."""

ALL: Final = Slot("all")
HUB: Final = "hub"
"""The site that computes when nothing says otherwise."""


def link_slot(number: int) -> Slot:
    """Name the n-th link of a chain (from 1), so that names sort as links follow each other.

    >>> link_slot(12)
    '#000000012'
    """
    return Slot(f"#{number:09d}")


ABSENT: Final = Digest("absent")
"""The position of an input that has no fill."""

_SEPARATOR: Final = "\x1f"


def address(*parts: str) -> str:
    """Hash strings, in order, to 32 hexadecimal digits (BLAKE2b, 128 bits); parts cannot run into each other.

    >>> address("a", "b") == address("ab"), len(address("a"))
    (False, 32)
    """
    text = _SEPARATOR.join([f"{len(part)}:{part}" for part in parts])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
