"""What is there: every file with its identity, and whether it is still the same."""

import hashlib
import os
from collections.abc import Iterable
from datetime import datetime

from headwater.connect.sources import ScanItem
from headwater.connectors.sources.files.patterns import interval_of, list_files
from headwater.connectors.sources.files.settings import UNPACKED, Settings
from headwater.diagnostics import Diagnostic, Retryable, error, warning
from headwater.spec.observations import Item

_CHUNK = 1 << 20


def full_path(settings: Settings, path: str) -> str:
    """Give the path as the engine opens it."""
    return os.path.normpath(os.path.join(settings.root, path))


def read_path(settings: Settings, item: Item) -> str:
    """Give the path of what the engine reads: the file, or its unpacked copy where the engine cannot unpack it."""
    if is_unpacked(item.path):
        return os.path.join(settings.scratch, f"{item.identity}.zst")
    return full_path(settings, item.path)


def is_unpacked(path: str) -> bool:
    """Whether files of this name are read through an unpacked copy."""
    return path.lower().endswith(UNPACKED)


def read_paths(settings: Settings, items: Iterable[ScanItem]) -> tuple[str, ...]:
    """Give the paths of what the engine reads, in order."""
    return tuple(read_path(settings, scan.item) for scan in items)


def observe(settings: Settings, site: str) -> tuple[tuple[Item, ...], list[Diagnostic]]:
    """List the files at a site, ordered by path."""
    found: list[Diagnostic] = []
    items = []
    try:
        paths = sorted(set(list_files(settings.pattern, settings.root, site)))
    except OSError as problem:
        return (), [error("HW0305", f"`{problem.filename}` cannot be listed: {problem.strerror}", settings.where)]
    for path in paths:
        try:
            item = _item(settings, path, site)
        except FileNotFoundError:
            continue  # gone between listing and looking: it is not there
        except OSError as problem:
            found.append(error("HW0306", f"`{path}` cannot be read: {problem.strerror}", settings.where))
            continue
        if isinstance(item, Diagnostic):
            found.append(item)
        else:
            items.append(item)
    if not items and not found:
        text = f"no file matches `{settings.pattern.text}`" + (f" at site `{site}`" if site != "hub" else "")
        found.append(warning("HW0307", text, settings.where, hint="the source has no rows until there are files"))
    return tuple(items), [*found, *_headless(settings, items)]


def _headless(settings: Settings, items: Iterable[Item]) -> list[Diagnostic]:
    """Files of no bytes have no rows; where a format needs some bytes all the same, that is worth a word."""
    needs = {"json": "JSON", "parquet": "Parquet footer"}.get(settings.format, "")
    if settings.format in {"csv", "tsv"} and settings.dialect.header:
        needs = "header"
    empty = [item.path for item in items if not item.size_bytes] if needs else []
    if not empty:
        return []
    others = f" and {len(empty) - 1} more" if len(empty) > 1 else ""
    text = f"`{empty[0]}`{others} has no bytes, not even a {needs}: it is read as a file without rows"
    hint = "a writer that failed may have left it; write it again, or take it away"
    return [warning("HW0637", text, settings.where, hint=hint)]


def _item(settings: Settings, path: str, site: str) -> Item | Diagnostic:
    if not settings.pattern.times:
        return Item(path, *identify(settings, path))
    interval = interval_of(settings.pattern, path, site)
    if interval is None:
        text = f"the name of `{path}` does not hold a time like `{settings.pattern.times[0]}`"
        return warning("HW0308", text, settings.where, hint="the file is left out; rename it or move it elsewhere")
    return Item(path, *identify(settings, path, interval[0]), start=interval[0], end=interval[1])


def identify(settings: Settings, path: str, start: datetime | None = None) -> tuple[str, int]:
    """Give identity and size; OSError if it cannot be read. The interval that a path declares is part of it."""
    full = full_path(settings, path)
    if settings.contract.identity == "content":
        digest = hashlib.blake2b(digest_size=16)
        size = 0
        with open(full, "rb") as file:
            while block := file.read(_CHUNK):
                digest.update(block)
                size += len(block)
        return _named(digest.hexdigest(), start), size
    seen = os.stat(full)
    return _named(f"{seen.st_size}:{seen.st_mtime_ns}:{seen.st_ino}", start), seen.st_size


def _named(text: str, start: datetime | None) -> str:
    return hashlib.blake2b(f"{text}:{start}".encode(), digest_size=16).hexdigest()


def changed(settings: Settings, items: Iterable[Item]) -> tuple[str, ...]:
    """Give the paths that are no longer what was observed."""
    return tuple(item.path for item in items if not _is_same(settings, item))


def _is_same(settings: Settings, item: Item) -> bool:
    try:
        return identify(settings, item.path, item.start)[0] == item.identity
    except OSError:
        return False


def refuse_changed(settings: Settings, items: Iterable[Item]) -> None:
    """Raise Retryable if a file is no longer what was observed."""
    different = changed(settings, items)
    if different:
        raise Retryable(
            error(
                "HW0309",
                f"`{different[0]}` changed or vanished while it was read",
                settings.where,
                hint="try again; if files are written slowly, move them into place when they are whole",
            )
        )
