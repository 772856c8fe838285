"""Landed ranges in a lake: ``_landed/<location>/<site>/<ordinal>-<attempt>.parquet``, and ``<ordinal>.json`` beside.

The record is put once and last: it makes a range of the file. What a crash leaves without one is an orphan; a record
that the state does not know yet is taken up by whoever lands there next.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from headwater.connect.durable import explained, put_once, sync_directory, sync_file
from headwater.connectors.stores import inspection, manifests, paths
from headwater.diagnostics import Broken
from headwater.spec.observations import SetAside
from headwater.spec.ranges import RANGE_FORMAT, LandedRange

_FOLDER: Final = "_landed"

Sealed = tuple[LandedRange, tuple[SetAside, ...]]


class Ranges:
    """The landed ranges of a lake. Raises Broken (HW0650, HW0652, HW0653) as the lake does."""

    def __init__(self, root: Path, mark: Callable[[], None]) -> None:
        """``mark`` makes sure that the lake's directory is one."""
        self._root = root
        self._mark = mark

    def draft(self, location: str, site: str, ordinal: int, attempt: str) -> Path:
        """Give the path for the rows of a range that is being written; its directory exists afterwards."""
        directory = self._directory(location, site)
        with explained("HW0652", f"write to the lake {self._root}"):
            self._mark()
            directory.mkdir(parents=True, exist_ok=True)
        return directory / f"{ordinal:08}-{paths.part(attempt)}.parquet"

    def path(self, file: str) -> str:
        """Give the full path of a range's file."""
        return str(self._root / file)

    def relative(self, draft: Path) -> str:
        """Give the path of a range's file as its record holds it."""
        return draft.relative_to(self._root).as_posix()

    def exists(self, file: str) -> bool:
        """Whether a range's file is there."""
        return (self._root / file).exists()

    def seal(self, landed: LandedRange, rejects: Sequence[SetAside]) -> bool:
        """Put the record of a range whose file is written; durable afterwards. False if this ordinal is taken."""
        directory = self._directory(landed.location, landed.site)
        with explained("HW0652", f"write to the lake {self._root}"):
            self._mark()
            directory.mkdir(parents=True, exist_ok=True)
            if landed.file:
                sync_file(self._root / landed.file)
            is_first = put_once(self._record(landed), _encode(landed, rejects))
            for each in (directory, directory.parent, directory.parent.parent, self._root):
                sync_directory(each)
        return is_first

    def sealed(self, location: str, site: str, after: int) -> list[Sealed]:
        """Give the sealed ranges of a place with larger ordinals than ``after``, in order."""
        return list(self._sealed_in(self._directory(location, site), after))

    def every(self) -> Iterator[Sealed]:
        """Give all sealed ranges of the lake, place by place, in order."""
        for directory in self._places():
            yield from self._sealed_in(directory, 0)

    def is_whole(self, landed: LandedRange, *, hashes: bool = False) -> bool:
        """Whether a range's file is there, as long as its record says, and (``hashes``) the same bytes."""
        if not landed.file:
            return True
        path = self._root / landed.file
        try:
            same = path.stat().st_size == landed.bytes
            return same and (not hashes or inspection.measure(path, landed.rows).sha256 == landed.sha256)
        except OSError:
            return False

    def delete(self, ranges: Sequence[LandedRange]) -> int:
        """Delete ranges in the order given, record first; give the bytes freed."""
        freed = 0
        with explained("HW0652", f"delete from the lake {self._root}"):
            for landed in ranges:
                freed += inspection.remove(self._record(landed))
                freed += inspection.remove(self._root / landed.file) if landed.file else 0
        return freed

    def orphans(self, older_than: datetime) -> list[Path]:
        """List files that no record names and that nobody touched since ``older_than``."""
        with explained("HW0653", f"read the lake {self._root}"):
            return [path for place in self._places() for path in self._orphans_in(place, older_than.timestamp())]

    def _orphans_in(self, place: Path, older_than: float) -> Iterator[Path]:
        # Files first, records after: a range sealed in between is seen as named.
        with os.scandir(place) as entries:
            old = sorted(Path(e.path) for e in entries if not e.name.endswith(".json") and e.is_file())
        old = [path for path in old if path.stat().st_mtime < older_than]
        if old:
            named = {Path(landed.file).name for landed, _ in self._sealed_in(place, 0)}
            yield from (path for path in old if path.name not in named)

    def _sealed_in(self, directory: Path, after: int) -> Iterator[Sealed]:
        with explained("HW0653", f"read the lake {self._root}"):
            for record in inspection.manifests_in(directory):
                content = record.read_bytes()
                if int(record.stem) > after and not manifests.is_torn(content):
                    yield _decode(manifests.read_document(content, record), record)

    def _places(self) -> list[Path]:
        folder = self._root / _FOLDER
        return sorted(path for path in folder.glob("*/*") if path.is_dir()) if folder.is_dir() else []

    def _directory(self, location: str, site: str) -> Path:
        return self._root / _FOLDER / paths.part(location) / paths.part(site)

    def _record(self, landed: LandedRange) -> Path:
        return self._directory(landed.location, landed.site) / f"{landed.ordinal:08}.json"


def _encode(landed: LandedRange, rejects: Sequence[SetAside]) -> bytes:
    document = {**asdict(landed), "at": landed.at.isoformat(), "set_aside": [asdict(row) for row in rejects]}
    return json.dumps(document, separators=(",", ":")).encode()


def _decode(document: dict[str, Any], path: Path) -> Sealed:
    if isinstance(document.get("format"), int) and document["format"] > RANGE_FORMAT:
        hint = "upgrade Headwater on this machine"
        raise Broken.of("HW0650", f"{path} was written by a newer Headwater", hint=hint)
    try:
        known = {each.name: document[each.name] for each in fields(LandedRange)}
        known["at"] = datetime.fromisoformat(known["at"])
        return LandedRange(**known), tuple(SetAside(**row) for row in document["set_aside"])
    except (KeyError, TypeError, ValueError) as problem:
        raise manifests.damaged(path, "its fields are not those of a landed range") from problem
