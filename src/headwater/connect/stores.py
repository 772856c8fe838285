"""What a store fulfils: stage fills, seal them once, find them again, offer them to DuckDB as a relation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from headwater.spec.addresses import FillId, Version
from headwater.spec.fills import Fill, StoredColumn, StoredFile


class Store(Protocol):
    """Where tables live. Fills are immutable; nothing here points at what is current."""

    def stored_columns(self, columns: Sequence[tuple[str, str]]) -> tuple[StoredColumn, ...]:
        """Say how columns of (name, DuckDB type) are stored."""
        ...

    def path(self, node: str, version: Version, file: str) -> str:
        """Give the path of a file of a node's version; its directory exists afterwards."""
        ...

    def write_statement(self, select: str, columns: Sequence[StoredColumn], path: str) -> str:
        """Give the COPY statement that writes a SELECT to a file, exactly; out-of-range values are errors."""
        ...

    def stored_file(self, path: str) -> StoredFile:
        """Describe a file just written: rows, bytes, SHA-256."""
        ...

    def relation(self, columns: Sequence[StoredColumn], paths: Sequence[str]) -> str:
        """Give a SELECT over files of one version with the columns' own types; no file: an empty relation."""
        ...

    def seal(self, fill: Fill) -> Fill:
        """Put the manifest, durably, unless there is one: give the manifest that won (maybe another attempt's)."""
        ...

    def find(self, node: str, version: Version, fill: FillId) -> Fill | None:
        """Read the manifest of a fill, if it was sealed."""
        ...

    def sealed(self, node: str, version: Version) -> frozenset[FillId]:
        """List the fills that were sealed for a version: one directory listing."""
        ...

    def every_fill(self) -> Iterator[Fill]:
        """Read all manifests, for doctor and janitor."""
        ...

    def delete(self, fills: Iterable[Fill]) -> int:
        """Delete fills, manifest first; give the bytes freed."""
        ...

    def put_release(self, environment: str, release: str, document: Mapping[str, Any]) -> None:
        """Keep a copy of a release record, so that a lost state can be rebuilt."""
        ...

    def releases(self) -> Iterator[Mapping[str, Any]]:
        """Give all release records kept here."""
        ...
