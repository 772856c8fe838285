"""Looking at the lake's files: what is there, what is named, what is as its manifest says."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from headwater.diagnostics import Broken, Diagnostic, error
from headwater.spec.addresses import FillId
from headwater.spec.fills import Fill, StoredFile


def measure(path: Path, rows: int | None) -> StoredFile:
    """Give a file's name, rows, bytes and SHA-256. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    return StoredFile(path.name, _rows_in_footer(path) if rows is None else rows, size, digest)


def _rows_in_footer(path: Path) -> int:
    from pyarrow import parquet

    return int(parquet.read_metadata(path).num_rows)


def manifests_in(directory: Path) -> list[Path]:
    """List the manifests in a version's directory, sorted; a directory that is not there has none."""
    try:
        with os.scandir(directory) as entries:
            names = [e.name for e in entries if e.name.endswith(".json") and not e.name.startswith(".")]
    except FileNotFoundError:
        return []
    return [directory / name for name in sorted(names)]


def version_directories(root: Path) -> Iterator[Path]:
    """Walk ``<schema>/<name>/<version>`` in order; what begins with ``_`` or ``.`` is no schema."""
    for schema in _directories(root):
        if schema.name[0] not in "_.":
            for name in _directories(schema):
                yield from _directories(name)


def _directories(path: Path) -> list[Path]:
    try:
        with os.scandir(path) as entries:
            return sorted(Path(e.path) for e in entries if e.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def every_manifest(root: Path) -> Iterator[Path]:
    """Walk all manifests of a lake in order."""
    for directory in version_directories(root):
        yield from manifests_in(directory)


def every_release(root: Path) -> Iterator[Path]:
    """Walk all release records in order."""
    for directory in _directories(root):
        yield from manifests_in(directory)


def verify(fill: Fill, directory: Path, *, hashes: bool) -> list[Diagnostic]:
    """Compare a fill's files with its manifest."""
    files = [fill.pack.file] if fill.pack else fill.files
    found = [_compare(fill, directory / file.name, file, hashes=hashes) for file in files]
    if fill.rejects_file and not (directory / fill.rejects_file).exists():
        found.append(_missing(fill, directory / fill.rejects_file))
    return [problem for problem in found if problem]


def _compare(fill: Fill, path: Path, file: StoredFile, *, hashes: bool) -> Diagnostic | None:
    try:
        size = path.stat().st_size
        if size != file.bytes:
            return _differs(fill, path, f"it has {size} bytes, not {file.bytes}")
        if hashes and measure(path, file.rows).sha256 != file.sha256:
            return _differs(fill, path, "its SHA-256 is another")
    except FileNotFoundError:
        return _missing(fill, path)
    except OSError as failure:
        hint = "check that the lake is a directory, and who may read it"
        return error("HW0653", f"cannot read {path}: {(failure.strerror or '').lower()}", hint=hint)
    return None


def _missing(fill: Fill, path: Path) -> Diagnostic:
    hint = "`headwater doctor --repair` forgets the fill, so that the next run computes it again"
    return error("HW0654", f"a file of `{fill.node}`, slot {fill.slot}, is missing: {path}", hint=hint)


def _differs(fill: Fill, path: Path, why: str) -> Diagnostic:
    hint = "`headwater doctor --repair` forgets the fill, so that the next run computes it again"
    return error(
        "HW0655", f"a file of `{fill.node}`, slot {fill.slot}, is not what was written: {path}: {why}", hint=hint
    )


def orphans(
    root: Path, older_than: float, read: Callable[[Path], Fill | None], packed: Callable[[Path], set[str]]
) -> list[Path]:
    """List files that no manifest of their directory names, last changed before ``older_than`` (seconds, Unix time).

    ``packed`` gives the names of files that belong to a directory's packs.
    """
    return [
        path for directory in version_directories(root) for path in _orphans_in(directory, older_than, read, packed)
    ]


def _orphans_in(
    directory: Path, older_than: float, read: Callable[[Path], Fill | None], packed: Callable[[Path], set[str]]
) -> Iterator[Path]:
    # Files first, manifests after: a fill sealed in between is seen as named.
    # Below directories stand only files of an attempt that died while it cut rows into slots.
    below = [path for part in _directories(directory) for path in part.rglob("*") if path.is_file()]
    old = sorted(path for path in (*_files(directory), *below) if changed_at(path) < older_than)
    if not old:
        return
    try:
        named = packed(directory)
        for manifest in manifests_in(directory):
            fill = read(manifest)
            if fill is not None:
                named |= {manifest.name, fill.rejects_file, *(file.name for file in fill.files)}
    except Broken:
        return
    yield from (path for path in old if path.name not in named)


def old_manifests(root: Path, older_than: float) -> Iterator[dict[FillId, Path]]:
    """Give, for each version's directory, fill → manifest of those last changed before ``older_than``."""
    for directory in version_directories(root):
        found = {FillId(path.stem): path for path in manifests_in(directory) if changed_at(path) < older_than}
        if found:
            yield found


def _files(directory: Path) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            return [Path(e.path) for e in entries if e.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def changed_at(path: Path) -> float:
    """Give when a file was last changed (seconds, Unix time); one that is gone never gets old."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def remove(path: Path) -> int:
    """Delete a file if it is there; give the bytes freed."""
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size


def remove_if(path: Path, condition: Callable[[bytes], bool]) -> int:
    """Delete a small file if it is there and its content is the one meant; give the bytes freed."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return 0
    return remove(path) if condition(content) else 0
