"""The ledger of a file target, and the swap that changes files and ledger so that a crash never loses either.

A load stages its files under hidden names, then puts a *swap* (what to rename, what to delete, the ledger to come).
From that moment the load has happened: whoever finds a swap finishes it first. Before that moment nothing has changed.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from headwater.connect.durable import each, put_over, sync_all, sync_directory
from headwater.connectors.sinks.slots import Key
from headwater.diagnostics import Broken

LEDGER_FORMAT: Final = 1
"""Raised when an older Headwater could misread a ledger."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a target holds of a slot: its fill, and its own files (none where slots share files)."""

    fill: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What a file target holds; paths are relative to its directory."""

    layout: str = ""
    """Format and settings that decide how files look; another layout means that all files are written again."""
    mode: str = ""
    key: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    slots: Mapping[Key, Taken] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    """Files that all slots share."""
    rows_file: str = ""
    """Hidden file with the exact, stamped rows of all slots, where files cannot be changed slot by slot."""
    load: int = 0

    @property
    def every_file(self) -> frozenset[str]:
        """All files that belong to the target."""
        own = (file for taken in self.slots.values() for file in taken.files)
        return frozenset([*own, *self.files, *([self.rows_file] if self.rows_file else [])])

    @property
    def fills(self) -> dict[Key, str]:
        """(site, slot) → fill."""
        return {key: taken.fill for key, taken in self.slots.items()}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a target's files lie: a directory of its own, or one file with hidden ones beside it."""

    path: Path
    is_single: bool

    @property
    def base(self) -> Path:
        """The directory that relative paths start from."""
        return self.path.parent if self.is_single else self.path

    @property
    def ledger(self) -> Path:
        """The ledger: in plain sight in a directory, hidden beside a single file."""
        return self.hidden("ledger.json") if self.is_single else self.path / "_headwater.json"

    def hidden(self, what: str) -> Path:
        """Name a file of ours that no reader's pattern for data files matches."""
        return self.base / (f".hw-{self.path.name}-{what}" if self.is_single else f".hw-{what}")

    @property
    def lock(self) -> Path:
        """Held by whoever changes the target."""
        return self.hidden("lock")

    @property
    def swap(self) -> Path:
        """The swap that is under way, if any."""
        return self.hidden("swap.json")

    @property
    def draft(self) -> Path:
        """A swap or ledger that is being written, by the one who holds the lock."""
        return self.hidden("draft.json")

    @property
    def staging(self) -> Path:
        """The directory of staged files."""
        return self.hidden("staging")


def read(place: Place) -> Ledger | None:
    """Read the ledger; None if there is none. Raises Broken (HW0707) if it is damaged or newer."""
    try:
        content = place.ledger.read_bytes()
    except FileNotFoundError:
        return None
    return _decode(_document(content, place.ledger), place.ledger)


def commit(place: Place, ledger: Ledger, renames: Mapping[Path, str], deletes: Iterable[str]) -> None:
    """Change files and ledger as one: staged file → final name, files to delete, the ledger afterwards."""
    sync_all(renames)
    for directory in sorted({path.parent for path in renames}):
        sync_directory(directory)
    swap = {
        "format": LEDGER_FORMAT,
        "renames": [[path.relative_to(place.base).as_posix(), final] for path, final in renames.items()],
        "deletes": sorted(deletes),
        "ledger": _encode(ledger),
    }
    put_over(place.swap, _json(swap), place.draft)
    finish(place)


def finish(place: Place) -> None:
    """Finish a swap that is under way, if there is one; doing so twice does no harm."""
    place.draft.unlink(missing_ok=True)
    try:
        content = place.swap.read_bytes()
    except FileNotFoundError:
        return
    swap = _document(content, place.swap)
    ledger = _decode(swap["ledger"], place.swap)
    finals = [_rename(place, staged, final) for staged, final in swap["renames"]]
    for name in swap["deletes"]:
        _inside(place, name).unlink(missing_ok=True)
    each(sync_directory, {path.parent for path in finals})
    put_over(place.ledger, _json(_encode(ledger)), place.draft)
    place.swap.unlink()
    _prune(place, swap["deletes"])


def _rename(place: Place, staged: str, final: str) -> Path:
    source, target = _inside(place, staged), _inside(place, final)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except FileNotFoundError:
        if not target.exists():  # else the swap was interrupted after this rename
            raise _damaged(place.swap, f"the staged file {staged} is missing") from None
    return target


def _prune(place: Place, deleted: Sequence[str]) -> None:
    """Remove partition directories that have become empty."""
    for directory in {_inside(place, name).parent for name in deleted}:
        current = directory
        with suppress(OSError):  # not empty, or already gone
            while current != place.base:
                current.rmdir()
                current = current.parent


def _inside(place: Place, name: str) -> Path:
    """Give the path of a relative name; a ledger that points elsewhere was tampered with."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise _damaged(place.ledger, "it names a file outside the target")
    return place.base / path


def _encode(ledger: Ledger) -> dict[str, Any]:
    return {
        "format": LEDGER_FORMAT,
        "layout": ledger.layout,
        "mode": ledger.mode,
        "key": list(ledger.key),
        "columns": [list(column) for column in ledger.columns],
        "slots": [
            {"site": site, "slot": slot, "fill": taken.fill, "files": list(taken.files)}
            for (site, slot), taken in sorted(ledger.slots.items())
        ],
        "files": list(ledger.files),
        "rows_file": ledger.rows_file,
        "load": ledger.load,
    }


def _decode(document: dict[str, Any], path: Path) -> Ledger:
    try:
        if document["format"] > LEDGER_FORMAT:
            raise Broken.of("HW0707", f"{path} was written by a newer Headwater", hint="upgrade Headwater")
        return Ledger(
            layout=document["layout"],
            mode=document["mode"],
            key=tuple(document["key"]),
            columns=tuple((name, type_) for name, type_ in document["columns"]),
            slots={(s["site"], s["slot"]): Taken(s["fill"], tuple(s["files"])) for s in document["slots"]},
            files=tuple(document["files"]),
            rows_file=document["rows_file"],
            load=int(document["load"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, "its fields are not those of a ledger") from error


def _document(content: bytes, path: Path) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise _damaged(path, "it is not JSON") from error
    if not isinstance(document, dict):
        raise _damaged(path, "it is not a JSON object")
    return document


def _damaged(path: Path, why: str) -> Broken:
    hint = "delete the target with its ledger: the next run writes both again from the release"
    return Broken.of("HW0707", f"the ledger {path} is damaged: {why}", hint=hint)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
