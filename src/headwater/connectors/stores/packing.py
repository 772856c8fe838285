"""Packs in a lake's directories: their manifests, and what is left of fills that had files of their own before."""

import json
import os
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from headwater.connectors.stores import inspection, manifests
from headwater.diagnostics import Broken
from headwater.spec.addresses import FillId
from headwater.spec.fills import Fill

SUFFIX: Final = ".pack"
"""Ends the name of a pack's manifest: no manifest of a fill, and nothing that an older Headwater would take for one."""


def packs_in(directory: Path) -> list[Path]:
    """List the manifests of packs in a version's directory, sorted; a directory that is not there has none."""
    try:
        with os.scandir(directory) as entries:
            names = [e.name for e in entries if e.name.endswith(SUFFIX) and not e.name.startswith(".")]
    except FileNotFoundError:
        return []
    return [directory / name for name in sorted(names)]


def every_pack(root: Path) -> Iterator[Path]:
    """Walk all manifests of packs in order."""
    for directory in inspection.version_directories(root):
        yield from packs_in(directory)


def read(manifest: Path) -> tuple[Fill, ...]:
    """Read the fills of a pack; none if it is gone, or a loss of power took it. Raises Broken if it is damaged."""
    try:
        content = manifest.read_bytes()
    except FileNotFoundError:
        return ()
    return () if manifests.is_torn(content) else manifests.decode_pack(content, manifest)


def named_in(directory: Path) -> set[str]:
    """Give the names of all files that belong to packs of a directory; raises Broken if one cannot be read."""
    named: set[str] = set()
    for manifest in packs_in(directory):
        fills = read(manifest)
        named |= {manifest.name, *(fill.pack.file.name for fill in fills[:1] if fill.pack)}
        named |= {fill.rejects_file for fill in fills}
    return named


class Shelf:
    """Manifests of packs, each read once: they never change."""

    def __init__(self) -> None:
        self._read: dict[Path, dict[FillId, Fill]] = {}

    def fills_in(self, directory: Path, but: Collection[str]) -> Iterator[FillId]:
        """Name the fills of a directory's packs, without the packs of these ids."""
        for manifest in packs_in(directory):
            if manifest.stem not in but:
                yield from self._fills(manifest)

    def find(self, directory: Path, fill: FillId) -> Fill | None:
        """Find a fill in some pack of a directory; what was read before is looked at first."""
        there = packs_in(directory)
        for manifest in sorted(there, key=lambda each: each not in self._read):
            if found := self._fills(manifest).get(fill):
                return found
        return None

    def _fills(self, manifest: Path) -> dict[FillId, Fill]:
        if manifest not in self._read:
            found = {fill.id: fill for fill in read(manifest)}
            if not found:
                return {}
            self._read[manifest] = found
        return self._read[manifest]


def delete_loose(directory: Path, fills: Iterable[Fill], *, rejects: bool) -> tuple[int, int]:
    """Delete the files that packed fills had for themselves, and (``rejects``) rows set aside; give files and bytes.

    Files of another attempt are left alone: they are not what was packed.
    """
    begins = {f"{fill.id}-{fill.attempt}-": fill for fill in fills}
    freed: list[int] = []
    for name in _names(directory):
        stem, _, last = name.rpartition("-")
        fill = begins.get(f"{stem}-")
        if fill is not None and (last.removesuffix(".parquet").isdigit() or (rejects and name == fill.rejects_file)):
            freed.append(inspection.remove(directory / name))
    manifests_of = ((directory / f"{fill.id}.json", fill) for fill in begins.values())
    freed += [inspection.remove_if(path, partial(_is_of, fill)) for path, fill in manifests_of]
    return sum(size > 0 for size in freed), sum(freed)


def unlisted(root: Path, older_than: float, known: Collection[str]) -> Iterator[Fill]:
    """Give the fills of packs sealed before a time that are not among ``known``."""
    for manifest in every_pack(root):
        if manifest.stem in known or inspection.changed_at(manifest) >= older_than:
            continue
        try:
            yield from read(manifest)
        except Broken as broken:
            if broken.diagnostics[0].code == "HW0650":
                raise


def _names(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []


def _is_of(fill: Fill, content: bytes) -> bool:
    try:
        return bool(json.loads(content)["attempt"] == fill.attempt)
    except (ValueError, KeyError, TypeError):
        return True
