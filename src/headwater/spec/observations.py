"""What is there, as values: the files of a source at a site, what is in each, and the rows set aside."""

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


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file holds, found once per (identity, contract): the file index."""

    identity: str
    rows: int
    hours: tuple[int, ...]
    """Occupied hours: whole hours since 1970-01-01T00:00Z in which it has rows; sorted."""
    set_aside: tuple[SetAside, ...] = ()
    not_after: datetime | None = None
    """Set only where rows were set aside for lying in the future: scans keep to this bound, so the row set is fixed."""
    more: int = 0
    """Rows set aside beyond those listed in ``set_aside``, where there are too many to keep one by one."""

    @property
    def rejects(self) -> int:
        """Rows set aside and not recovered."""
        return sum(not row.recovered for row in self.set_aside) + self.more
