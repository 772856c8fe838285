"""A landed range: rows of a source that an apply or run has copied into the lake, once and for every environment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

RANGE_FORMAT = 1
"""Raised when an older Headwater could misread the record beside a range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedRange:
    """What was new at a source, or (``whole``) all of it; immutable. Ranges of a place are numbered from 1."""

    location: str
    """Address of the source's place and contract (``graph.address_sources.landing_address``)."""
    site: str
    ordinal: int
    source: str
    """Name of the source that landed it, for people."""
    at: datetime
    file: str = ""
    """Path of its Parquet file, relative to the lake; empty: no row."""
    rows: int = 0
    bytes: int = 0
    sha256: str = ""
    content: str = ""
    """Address of the rows in any order: two snapshots with the same rows are one."""
    cursor_from: str | None = None
    """Where it begins, as the connector wrote it; None: at the very beginning."""
    cursor_to: str | None = None
    """Where the next one begins."""
    whole: bool = False
    """All rows that there were, in the place of all ranges before."""
    rejects: int = 0
    """Rows set aside by the contract when it was landed."""
    format: int = RANGE_FORMAT


def sound_ranges(ranges: Sequence[LandedRange], is_whole: Callable[[LandedRange], bool], before: int = 0) -> int:
    """Give how many of a place's ranges after number ``before``, from the first on, are whole and follow each other.

    One after a gap would hide the rows that are missing before it. A snapshot needs none before it.
    """
    for number, each in enumerate(ranges):
        if not (each.whole or each.ordinal == before + 1) or not is_whole(each):
            return number
        before = each.ordinal
    return len(ranges)


def served_ranges(ranges: list[LandedRange]) -> list[LandedRange]:
    """Give the ranges whose rows the source has: those with rows, since the last snapshot."""
    last = max((n for n, each in enumerate(ranges) if each.whole), default=0)
    return [each for each in ranges[last:] if each.file]
