"""The lake: a directory of immutable Parquet fills, each named by a manifest that is put last and once."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from headwater.connect.durable import alone, explained, put_once, put_over, sync_all
from headwater.connectors.stores import failures, inspection, manifests, packing, paths
from headwater.connectors.stores.ranges import Ranges
from headwater.diagnostics import Broken, Diagnostic
from headwater.spec.addresses import FillId, Version
from headwater.spec.fills import Fill, Pack, StoredColumn, StoredFile
from headwater.sql import parquet

LAKE_FORMAT: Final = 2
"""Raised when an older Headwater could misread or harm a lake."""
_MARKER: Final = "lake.json"
_RELEASES: Final = "_releases"


class Lake:
    """A store in a directory: ``<schema>/<name>/<version>/<fill id>-<attempt>-<n>.parquet`` and ``<fill id>.json``.

    Any number of processes may read and write at once: nothing is ever changed in place, and of two manifests for one
    fill the first wins. Raises Broken: HW0650 (written by a newer Headwater), HW0652 (cannot be written), HW0653
    (cannot be read or damaged).
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._known: set[Path] = set()
        """Directories that this process made or found."""
        self._rooted: set[Path] = set()
        """Directories of which this process knows that their names are durable."""
        self._directories: dict[tuple[str, Version], Path] = {}
        self._shelf = packing.Shelf()
        self.ranges = Ranges(self.root, self._mark)
        self._check_format()

    def _check_format(self) -> None:
        marker = self.root / _MARKER
        with explained("HW0653", f"read {marker}"):
            if not marker.exists():
                return
            content = marker.read_bytes()
        found = manifests.read_document(content, marker).get("format")
        if not isinstance(found, int):
            raise manifests.damaged(marker, "it has no format number")
        if found > LAKE_FORMAT:
            raise Broken.of(
                "HW0650",
                f"the lake {self.root} was written by a newer Headwater (lake format {found})",
                hint="upgrade Headwater on this machine",
            )

    # Columns and rows

    def stored_columns(self, columns: Sequence[tuple[str, str]]) -> tuple[StoredColumn, ...]:
        """Say how columns of (name, DuckDB type) are stored. Raises Invalid (HW0656) for a type no file can hold."""
        return parquet.stored_columns(columns)

    def write_statement(self, select: str, columns: Sequence[StoredColumn], path: str) -> str:
        """Give the COPY statement that writes a SELECT to a file; ``explain`` says what its errors mean."""
        return parquet.write_statement(select, columns, path)

    def split_statement(self, select: str, columns: Sequence[StoredColumn], directory: str, key: str) -> str:
        """Give the COPY statement that writes a SELECT to one directory for each value of a key."""
        return parquet.split_statement(select, columns, directory, key)

    def relation(self, columns: Sequence[StoredColumn], paths: Sequence[str]) -> str:
        """Give a SELECT over files of one version with the columns' own types; no file: an empty relation."""
        return parquet.relation(columns, paths)

    def explain(self, failure: Exception) -> Diagnostic | None:
        """Say what an error of a COPY or SELECT means for the lake; None: it is about the query."""
        return failures.explain(failure, str(self.root))

    # Files

    def path(self, node: str, version: Version, file: str) -> str:
        """Give the path of a file of a node's version; its directory exists afterwards."""
        directory = self._directory(node, version)
        if directory not in self._known:
            with explained("HW0652", f"write to the lake {self.root}"):
                self._mark()
                directory.mkdir(parents=True, exist_ok=True)
            self._known.add(directory)
        return str(directory / _file_name(file))

    def paths(self, fill: Fill) -> list[str]:
        """Give the paths of a fill's files (of its pack, which holds rows of others, too); makes nothing."""
        directory = self._directory(fill.node, fill.version)
        files = [fill.pack.file] if fill.pack else fill.files
        return [str(directory / _file_name(file.name)) for file in files]

    def rejects_path(self, fill: Fill) -> str | None:
        """Give the path of the rows that were set aside beside a fill, if there are any."""
        if not fill.rejects_file:
            return None
        return str(self._directory(fill.node, fill.version) / _file_name(fill.rejects_file))

    def stored_file(self, path: str, rows: int | None = None) -> StoredFile:
        """Measure a written file: its name, rows (what COPY returned; else its footer says), bytes and SHA-256."""
        with explained("HW0653", f"read {path}"):
            return inspection.measure(Path(path), rows)

    def _directory(self, node: str, version: Version) -> Path:
        known = self._directories.get((node, version))
        if known is None:
            known = self._directories[node, version] = paths.directory(self.root, node, version)
        return known

    def _mark(self) -> None:
        marker = self.root / _MARKER
        if not marker.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            put_once(marker, json.dumps({"format": LAKE_FORMAT}).encode())

    def _mark_newest(self) -> None:
        """Keep older versions off a lake that they would harm: they do not know packs."""
        marker = self.root / _MARKER
        if marker.exists() and manifests.read_document(marker.read_bytes(), marker).get("format") != LAKE_FORMAT:
            put_over(marker, json.dumps({"format": LAKE_FORMAT}).encode())

    # Manifests

    def seal(self, fill: Fill) -> Fill:
        """Put the manifest unless there is one: give the manifest that won (maybe another attempt's).

        It survives the death of this process, but not yet a loss of power: see ``make_durable``.
        """
        with explained("HW0652", f"write to the lake {self.root}"):
            return self._put(fill)

    def seal_all(self, fills: Sequence[Fill]) -> tuple[Fill, ...]:
        """Seal many: one manifest for all that lie in a pack, one for each of the others."""
        packed: dict[str, list[Fill]] = {}
        for fill in fills:
            if fill.pack:
                packed.setdefault(fill.pack.id, []).append(fill)
        with explained("HW0652", f"write to the lake {self.root}"):
            for together in packed.values():
                self._put_pack(together)
            return tuple(fill if fill.pack else self._put(fill) for fill in fills)

    def _put_pack(self, fills: Sequence[Fill]) -> None:
        pack = fills[0].pack
        assert pack is not None  # noqa: S101 - asked by the caller
        self._mark_newest()
        # Its name is this attempt's own: nobody else puts it.
        put_once(self._pack_manifest(fills[0]), manifests.encode_pack(pack, fills), durable=False)

    def has_manifest(self, fill: Fill) -> bool:
        """Whether the manifest of a fill, or of its pack, is there."""
        if fill.pack:
            return self._pack_manifest(fill).exists()
        return self.find(fill.node, fill.version, fill.id) is not None

    def make_durable(self, fills: Sequence[Fill]) -> None:
        """Return when the files, manifests and names of sealed fills are on the disk; a head may name them then."""
        with explained("HW0652", f"write to the lake {self.root}"):
            files: dict[str, None] = {}
            packs: set[str] = set()
            for fill in fills:
                if fill.pack is None or fill.pack.id not in packs or fill.rejects_file:
                    files |= dict.fromkeys((*self._data(fill), str(self._manifest_of(fill))))
                if fill.pack:
                    packs.add(fill.pack.id)
            sync_all([*files, *self._touched(fills)])

    def is_whole(self, fill: Fill) -> bool:
        """Whether a fill's files are there and as long as its manifest says: a loss of power may have cut them."""
        return not self.verify(fill, hashes=False)

    def _data(self, fill: Fill) -> list[str]:
        rejects = self.rejects_path(fill)
        return self.paths(fill) + ([rejects] if rejects else [])

    def _put(self, fill: Fill) -> Fill:
        manifest = self._manifest(fill.node, fill.version, fill.id)
        manifest.parent.mkdir(parents=True, exist_ok=True)
        content = manifests.encode(fill)
        if put_once(manifest, content, durable=False):
            return fill
        return self._winner(manifest) or self._put_over_torn(manifest, fill, content)

    def _winner(self, manifest: Path) -> Fill | None:
        """Read the manifest that was there first, unless a loss of power has cut it or its files: it never counted."""
        found = self._read(manifest)
        return found if found is not None and self.is_whole(found) else None

    def _put_over_torn(self, manifest: Path, fill: Fill, content: bytes) -> Fill:
        with alone(manifest.with_name(".hw-torn")):
            winner = self._winner(manifest)  # somebody may have mended it meanwhile
            if winner is None:
                put_over(manifest, content)
            return winner or fill

    def _touched(self, fills: Sequence[Fill]) -> list[Path]:
        """List the directories of these fills and, the first time, all above them: the names of new ones must last."""
        directories = {self._directory(fill.node, fill.version) for fill in fills}
        new = directories - self._rooted
        above = {parent for d in new for parent in (d.parent, d.parent.parent, self.root, self.root.parent)}
        self._rooted |= new
        return sorted(directories | above, reverse=True)

    def _manifest(self, node: str, version: Version, fill: FillId) -> Path:
        return self._directory(node, version) / f"{_file_name(fill)}.json"

    def _manifest_of(self, fill: Fill) -> Path:
        return self._pack_manifest(fill) if fill.pack else self._manifest(fill.node, fill.version, fill.id)

    def _pack_manifest(self, fill: Fill) -> Path:
        assert fill.pack is not None  # noqa: S101 - asked by the caller
        return self._directory(fill.node, fill.version) / f"{_file_name(fill.pack.id)}{packing.SUFFIX}"

    def find(self, node: str, version: Version, fill: FillId) -> Fill | None:
        """Read the manifest of a fill, if it was sealed, alone or in a pack."""
        alone_there = self._read(self._manifest(node, version, fill))
        if alone_there is not None:
            return alone_there
        directory = self._directory(node, version)
        with explained("HW0653", f"read {directory}"):
            return self._shelf.find(directory, fill)

    def _read(self, manifest: Path) -> Fill | None:
        with explained("HW0653", f"read {manifest}"):
            try:
                content = manifest.read_bytes()
            except FileNotFoundError:
                return None
        return None if manifests.is_torn(content) else manifests.decode(content, manifest)

    def sealed(self, node: str, version: Version, but: Collection[str] = frozenset()) -> frozenset[FillId]:
        """List the fills that were sealed for a version, without those in packs of the ids ``but``."""
        directory = self._directory(node, version)
        with explained("HW0653", f"read {directory}"):
            alone_there = (FillId(path.stem) for path in inspection.manifests_in(directory))
            return frozenset([*alone_there, *self._shelf.fills_in(directory, but)])

    def every_fill(self) -> Iterator[Fill]:
        """Read all manifests, those of packs first; damaged ones are left out (``problems`` lists them)."""
        for _, fills in self._readable(packing.every_pack(self.root), packing.read):
            yield from fills
        for _, fill in self._readable(inspection.every_manifest(self.root), self._read):
            if fill is not None:
                yield fill

    @staticmethod
    def _readable(files: Iterable[Path], read: Any) -> Iterator[tuple[Path, Any]]:
        for path in files:
            try:
                found = read(path)
            except Broken as broken:
                if broken.diagnostics[0].code == "HW0650":
                    raise
                continue
            yield path, found

    def problems(self) -> list[Diagnostic]:
        """List the manifests and release records that cannot be read."""
        found: list[Diagnostic] = []
        readers = (
            (packing.every_pack(self.root), packing.read),
            (inspection.every_manifest(self.root), self._read),
            (inspection.every_release(self.root / _RELEASES), self._read_release),
        )
        for files, read in readers:
            for path in files:
                try:
                    read(path)
                except Broken as broken:
                    found += broken.diagnostics
        return found

    def verify(self, fill: Fill, *, hashes: bool = True) -> list[Diagnostic]:
        """Compare a fill's files with its manifest: there, as long, and (``hashes``) the same bytes."""
        return inspection.verify(fill, self._directory(fill.node, fill.version), hashes=hashes)

    def delete(self, fills: Iterable[Fill], shared: Collection[str] = frozenset()) -> int:
        """Delete fills, manifest first, but not the files ``shared``; give the bytes freed. What is gone is no error.

        The manifest stays if it names another attempt's files: that one is not what was condemned. Of packed fills
        only what they have for themselves goes: see ``delete_packs``.
        """
        freed = 0
        with explained("HW0652", f"delete from the lake {self.root}"):
            packed: dict[Path, list[Fill]] = {}
            for fill in fills:
                if fill.pack:
                    packed.setdefault(self._directory(fill.node, fill.version), []).append(fill)
                    continue
                manifest = self._manifest(fill.node, fill.version, fill.id)
                freed += inspection.remove_if(manifest, partial(_names_same_files, fill))
                own = [Path(path) for path in self._data(fill)]
                freed += sum(inspection.remove(path) for path in own if path.name not in shared)
            freed += sum(packing.delete_loose(each, found, rejects=True)[1] for each, found in packed.items())
        return freed

    def delete_loose(self, fills: Iterable[Fill]) -> tuple[int, int]:
        """Delete the files that packed fills had for themselves before; give files and bytes."""
        packed: dict[Path, list[Fill]] = {}
        for fill in fills:
            packed.setdefault(self._directory(fill.node, fill.version), []).append(fill)
        with explained("HW0652", f"delete from the lake {self.root}"):
            done = [packing.delete_loose(each, found, rejects=False) for each, found in packed.items()]
        return sum(files for files, _ in done), sum(freed for _, freed in done)

    def delete_packs(self, packs: Iterable[Pack]) -> int:
        """Delete packs in which nothing lies any more, manifest first; give the bytes freed."""
        freed = 0
        with explained("HW0652", f"delete from the lake {self.root}"):
            for pack in packs:
                directory = self._directory(pack.node, pack.version)
                names = (f"{_file_name(pack.id)}{packing.SUFFIX}", _file_name(pack.file.name))
                freed += sum(inspection.remove(directory / name) for name in names)
        return freed

    def unlisted_packs(self, older_than: datetime, known: Collection[str]) -> Iterator[Fill]:
        """Give the fills of packs sealed before a time whose ids are not ``known``: nobody ever recorded them."""
        with explained("HW0653", f"read the lake {self.root}"):
            yield from packing.unlisted(self.root, older_than.timestamp(), known)

    def orphans(self, older_than: datetime) -> list[Path]:
        """List the files below node directories that no manifest names and that nobody touched since ``older_than``.

        A directory with a manifest that cannot be read has none: its files may be named there.
        """
        with explained("HW0653", f"read the lake {self.root}"):
            return inspection.orphans(self.root, older_than.timestamp(), self._read, packing.named_in)

    def unlisted(
        self, older_than: datetime, listed: Callable[[Sequence[FillId]], Collection[FillId]]
    ) -> Iterator[Fill]:
        """Give the fills sealed before a time that ``listed`` does not know: a process died before it recorded them."""
        with explained("HW0653", f"read the lake {self.root}"):
            for found in inspection.old_manifests(self.root, older_than.timestamp()):
                unknown = found.keys() - set(listed(list(found)))
                for _, fill in self._readable((found[each] for each in sorted(unknown)), self._read):
                    if fill is not None:
                        yield fill

    def delete_files(self, files: Iterable[Path]) -> int:
        """Delete single files, such as orphans; give the bytes freed. What is already gone is no error."""
        with explained("HW0652", f"delete from the lake {self.root}"):
            return sum(inspection.remove(path) for path in files)

    # Releases

    def put_release(self, environment: str, release: str, document: Mapping[str, Any]) -> None:
        """Keep a copy of a release record, so that a lost state can be rebuilt."""
        path = self.root / _RELEASES / paths.part(environment) / f"{paths.part(release)}.json"
        with explained("HW0652", f"write to the lake {self.root}"):
            self._mark()
            path.parent.mkdir(parents=True, exist_ok=True)
            put_over(path, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())

    def releases(self) -> Iterator[Mapping[str, Any]]:
        """Give all release records kept here, by environment and name; damaged ones are left out (see ``problems``)."""
        for _, document in self._readable(inspection.every_release(self.root / _RELEASES), self._read_release):
            yield document

    @staticmethod
    def _read_release(path: Path) -> Mapping[str, Any]:
        with explained("HW0653", f"read {path}"):
            return manifests.read_document(path.read_bytes(), path)


def _file_name(name: str) -> str:
    """Names come from addresses and attempts; anything that could leave the directory is a mistake of the caller."""
    if not name or "/" in name or "\\" in name or "\0" in name or name.startswith("."):
        raise ValueError(f"not a file name of the lake: {name!r}")
    return name


def _names_same_files(fill: Fill, content: bytes) -> bool:
    try:
        document = json.loads(content)
        return [file["name"] for file in document["files"]] == [file.name for file in fill.files]
    except (ValueError, KeyError, TypeError):
        return True
