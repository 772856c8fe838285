"""What a store fulfils: stage fills, seal them once, find them again, offer them to DuckDB as a relation."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from headwater.connect.landing import RangeStore
from headwater.diagnostics import Diagnostic
from headwater.spec.addresses import FillId, Version
from headwater.spec.fills import Fill, Pack, StoredColumn, StoredFile


class Store(Protocol):
    """Where tables live. Fills are immutable; nothing here points at what is current."""

    @property
    def ranges(self) -> RangeStore:
        """The rows that sources landed."""
        ...

    def stored_columns(self, columns: Sequence[tuple[str, str]]) -> tuple[StoredColumn, ...]:
        """Say how columns of (name, DuckDB type) are stored."""
        ...

    def path(self, node: str, version: Version, file: str) -> str:
        """Give the path of a file of a node's version; its directory exists afterwards."""
        ...

    def write_statement(self, select: str, columns: Sequence[StoredColumn], path: str) -> str:
        """Give the COPY statement that writes a SELECT to a file, exactly; out-of-range values are errors."""
        ...

    def split_statement(self, select: str, columns: Sequence[StoredColumn], directory: str, key: str) -> str:
        """Give the COPY statement that writes ``directory/key=value/…`` and returns (path, rows, …) of each file."""
        ...

    def stored_file(self, path: str, rows: int | None = None) -> StoredFile:
        """Describe a file just written: rows (None: read them from it), bytes, SHA-256."""
        ...

    def relation(self, columns: Sequence[StoredColumn], paths: Sequence[str]) -> str:
        """Give a SELECT over files of one version with the columns' own types; no file: an empty relation."""
        ...

    def explain(self, failure: Exception) -> Diagnostic | None:
        """Say what an engine's error means that came of reading or writing files; None: it is about the query."""
        ...

    def seal(self, fill: Fill) -> Fill:
        """Put the manifest unless there is one: give the manifest that won (maybe another attempt's)."""
        ...

    def seal_all(self, fills: Sequence[Fill]) -> tuple[Fill, ...]:
        """Seal many: one manifest for all that lie in a pack, one for each of the others."""
        ...

    def has_manifest(self, fill: Fill) -> bool:
        """Whether the manifest of a fill, or of its pack, is there."""
        ...

    def make_durable(self, fills: Sequence[Fill]) -> None:
        """Return when sealed fills would survive a loss of power: before a head names them."""
        ...

    def is_whole(self, fill: Fill) -> bool:
        """Whether a fill's files are there and as long as its manifest says."""
        ...

    def find(self, node: str, version: Version, fill: FillId) -> Fill | None:
        """Read the manifest of a fill, if it was sealed."""
        ...

    def sealed(self, node: str, version: Version, but: Collection[str] = frozenset()) -> frozenset[FillId]:
        """List the fills that were sealed for a version, without those in packs of the ids ``but``."""
        ...

    def every_fill(self) -> Iterator[Fill]:
        """Read all manifests, for doctor and janitor."""
        ...

    def delete(self, fills: Iterable[Fill], shared: Collection[str] = frozenset()) -> int:
        """Delete fills, manifest first; give the bytes freed."""
        ...

    def delete_loose(self, fills: Iterable[Fill]) -> tuple[int, int]:
        """Delete the files that packed fills had for themselves before; give files and bytes."""
        ...

    def delete_packs(self, packs: Iterable[Pack]) -> int:
        """Delete packs in which nothing lies any more; give the bytes freed."""
        ...

    def unlisted_packs(self, older_than: datetime, known: Collection[str]) -> Iterator[Fill]:
        """Give the fills of packs sealed before a time whose ids are not ``known``."""
        ...

    def verify(self, fill: Fill, *, hashes: bool = True) -> list[Diagnostic]:
        """Compare a fill's files with its manifest: there, as long, and (``hashes``) the same bytes."""
        ...

    def problems(self) -> list[Diagnostic]:
        """List the manifests and release records that cannot be read."""
        ...

    def unlisted(
        self, older_than: datetime, listed: Callable[[Sequence[FillId]], Collection[FillId]]
    ) -> Iterator[Fill]:
        """Give the fills sealed before a time that ``listed`` does not know."""
        ...

    def paths(self, fill: Fill) -> list[str]:
        """Give the paths of a fill's files (of its pack, which holds rows of others, too)."""
        ...

    def orphans(self, older_than: datetime) -> list[Path]:
        """List the files that no manifest names and that nobody touched since ``older_than``."""
        ...

    def delete_files(self, files: Iterable[Path]) -> int:
        """Delete single files, such as orphans; give the bytes freed."""
        ...

    def put_release(self, environment: str, release: str, document: Mapping[str, Any]) -> None:
        """Keep a copy of a release record, so that a lost state can be rebuilt."""
        ...

    def releases(self) -> Iterator[Mapping[str, Any]]:
        """Give all release records kept here."""
        ...
