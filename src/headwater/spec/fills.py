"""A fill: the immutable rows of one slot, and the manifest that says so."""

from dataclasses import dataclass

from headwater.spec.addresses import Digest, FillId, Slot, Version

MANIFEST_FORMAT = 1
"""Raised when an older Headwater could misread a manifest."""
PACK_FORMAT = 1
"""Raised when an older Headwater could misread a pack's manifest."""


Mark = tuple[str, str, str]
"""A file that a link has read: source, what stands for it in positions, path."""


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column's name, its DuckDB type, and the type that the Parquet file holds (differs where Parquet cannot)."""

    name: str
    type: str
    stored: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One Parquet file: its name in the node's version directory, rows, bytes, SHA-256."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackTime:
    """By which time a pack's rows are told apart: the column, its type, and how slots are cut."""

    column: str
    type: str
    timezone: str
    every: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One Parquet file with the rows of many slots' fills, sorted by time: rows of a slot are those of its interval."""

    id: str
    node: str
    version: Version
    site: str
    time: PackTime
    columns: tuple[StoredColumn, ...]
    file: StoredFile
    filled: int
    """How many of its fills have rows: who wants as many of them reads the file whole."""
    slots: int = 0
    """How many fills it was made of."""
    format: int = PACK_FORMAT


@dataclass(frozen=True, slots=True)
class Fill:
    """What was staged for one slot; written as the manifest, last, once (the first attempt wins)."""

    id: FillId
    node: str
    version: Version
    site: str
    slot: Slot
    digest: Digest
    """The all-inputs digest: part of the id, and this slot's position for its readers."""
    moving: Digest
    """The digest of the moving inputs: what dueness compares."""
    columns: tuple[StoredColumn, ...]
    files: tuple[StoredFile, ...]
    rejects: int = 0
    """Rows that quarantine checks set aside, kept beside the fill."""
    rejects_file: str = ""
    attempt: str = ""
    seconds: float = 0.0
    inputs: tuple[tuple[str, str], ...] = ()
    """What it stands on, for people and for repair: (input node, digest of the part of it that was read)."""
    format: int = MANIFEST_FORMAT
    pack: Pack | None = None
    """Where the rows lie, if not in ``files`` of their own."""
    packed_rows: int = 0
    packed_bytes: int = 0
    """Its share of the pack."""
    lows: tuple[tuple[str, ...], ...] = ()
    """Of a fold: for each file the lowest key that belongs into it, as text (empty: no key is lower).

    A fold shares the files of buckets that nothing touched with the fold before.
    """
    read: tuple[Mark, ...] = ()
    """Of a link that reads each file once: the files it has read."""

    @property
    def rows(self) -> int:
        """Rows served."""
        return self.packed_rows if self.pack else sum(f.rows for f in self.files)

    @property
    def bytes(self) -> int:
        """Bytes on disk."""
        return self.packed_bytes if self.pack else sum(f.bytes for f in self.files)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a head holds for one (node, site, slot): the fill and the two digests it stands on."""

    fill: FillId
    digest: Digest
    moving: Digest
