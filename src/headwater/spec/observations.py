"""What is there, as values: the files of a source at a site, what is in each, and the rows set aside."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from headwater.spec.addresses import Digest, address


@dataclass(frozen=True, slots=True)
class Item:
    """One file (or object) as it was seen."""

    path: str
    """As the connector opens it: relative to the project, or a URL."""
    identity: str
    """Hash of size, mtime in ns and inode (or of the bytes): changes when the content may have."""
    size_bytes: int
    values: tuple[tuple[str, str], ...] = ()
    """Values taken from the path (without the site)."""
    start: datetime | None = None
    """Interval that the path declares (``{time:%Y-%m-%d}``), in UTC."""
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """The recorded list of a source's items at a site, ordered by path; planning and a run freeze one."""

    source: str
    site: str
    items: tuple[Item, ...]

    @property
    def digest(self) -> Digest:
        """Address of the whole list."""
        parts = (f"{i.identity}|{i.values}" for i in sorted(self.items, key=lambda i: (i.identity, i.values)))
        return Digest(address(self.site, *parts))


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that does not satisfy its source's contract; key: (identity, position, contract)."""

    identity: str
    path: str
    position: int
    """Byte offset of the row in the (uncompressed) file; -1 where the format has none (then ``line`` counts rows)."""
    line: int
    reason: str
    """Short and stable: ``cast``, ``columns``, ``quotes``, ``encoding``, ``missing``, ``time range``, ``future`` …"""
    column: str
    message: str
    payload: str
    """The row as text, as far as it could be read."""
    recovered: bool = False
    """True: an exact parser could read it after all; then it is a row of the source, not a reject."""


Runs = tuple[tuple[int, int], ...]
"""Stretches of time, in order: (first second, last second + 1) since 1970-01-01T00:00Z."""


def runs_of(granules: Iterable[int], granule_s: int) -> Runs:
    """Give the stretches that whole multiples of ``granule_s`` cover, neighbours as one.

    >>> runs_of([3, 1, 2, 7], 3600)
    ((3600, 14400), (25200, 28800))
    """
    runs: list[list[int]] = []
    for granule in sorted(granules):
        start = granule * granule_s
        if runs and start == runs[-1][1]:
            runs[-1][1] += granule_s
        else:
            runs.append([start, start + granule_s])
    return tuple((start, end) for start, end in runs)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file holds, found once per (identity, contract): the file index."""

    identity: str
    rows: int
    occupied: Runs
    """When it has rows, as far as the index tells stretches of time apart."""
    set_aside: tuple[SetAside, ...] = ()
    not_after: datetime | None = None
    """Set only where rows were set aside for lying in the future: scans keep to this bound, so the row set is fixed."""
    more: int = 0
    """Rows set aside beyond those listed in ``set_aside``, where there are too many to keep one by one."""
    granule_s: int = 3600
    """How finely it tells them apart: by the hour, unless readers have shorter slots."""

    @property
    def hours(self) -> tuple[int, ...]:
        """Whole hours since 1970-01-01T00:00Z in which it has rows; sorted."""
        return tuple(sorted({hour for start, end in self.occupied for hour in range(start // 3600, -(-end // 3600))}))

    @property
    def rejects(self) -> int:
        """Rows set aside and not recovered."""
        return sum(not row.recovered for row in self.set_aside) + self.more
