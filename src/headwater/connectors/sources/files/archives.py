"""Compressed files are whole: read to their end beside the scan, because the engine takes a broken end for the end.

What the engine cannot unpack (bz2) is packed anew in a form that it can, once, in a folder that goes with the source.
"""

import errno
import os
import shutil
import weakref
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any, Final

from headwater.connectors.sources.files.listing import full_path, is_unpacked, read_path
from headwater.connectors.sources.files.long_lines import LongLine, Watch, as_reject, long_lines
from headwater.connectors.sources.files.opening import opened
from headwater.connectors.sources.files.settings import COMPRESSIONS, LINE_FORMATS, Settings
from headwater.diagnostics import Diagnostic, Invalid, error
from headwater.spec.observations import Item, SetAside

_PIECE_BYTES: Final = 1 << 20
_BY_LINE: Final = LINE_FORMATS | {"csv", "tsv", "jsonl"}
_LINE_ENDS_BYTES: Final = 64
_FOLDER: Final = "unpacked-"
_NUMBERS: Final = count()


@dataclass(slots=True)
class _Seen:
    """What reading a file to its end has shown."""

    problem: str = ""
    is_space: bool = False
    long: list[LongLine] = field(default_factory=list)


class Archives:
    """Looks at each file once, in threads of its own (decompression leaves the interpreter free)."""

    def __init__(self, settings: Settings, *, is_owner: bool) -> None:
        self._settings = settings
        self._seen: dict[str, Future[_Seen]] = {}
        self._lock = Lock()
        if is_owner:
            weakref.finalize(self, shutil.rmtree, settings.scratch, ignore_errors=True)

    def start(self, items: Iterable[Item]) -> None:
        """Begin with those that were not looked at before; waits for those that the engine cannot unpack itself."""
        asked = [item for item in items if self._is_of_interest(item)]
        with self._lock:
            new = [item for item in asked if item.identity not in self._seen]
            if new:
                threads = ThreadPoolExecutor(2, "archives")
                for item in new:
                    self._seen[item.identity] = threads.submit(_look, self._settings, item)
                threads.shutdown(wait=False)
        self.finish(item for item in asked if is_unpacked(item.path))

    def unpack(self, items: Iterable[Item]) -> None:
        """See to it that the engine can read all of these."""
        self.start(item for item in items if is_unpacked(item.path))

    def _is_of_interest(self, item: Item) -> bool:
        if not item.size_bytes:
            return False
        is_plain = not item.path.lower().endswith(COMPRESSIONS)
        return item.size_bytes > self._settings.max_line and self._has_lines if is_plain else True

    @property
    def _has_lines(self) -> bool:
        return self._settings.format in _BY_LINE

    def finish(self, items: Iterable[Item]) -> None:
        """Wait for the end; raises Invalid that names all archives which are not whole."""
        found = [self._problem(item, seen) for item, seen in self._of(items) if seen.problem]
        if found:
            raise Invalid.from_all(found)

    def _of(self, items: Iterable[Item]) -> Iterator[tuple[Item, _Seen]]:
        for item in items:
            future = self._seen.get(item.identity)
            if future:
                yield item, future.result()

    def _problem(self, item: Item, seen: _Seen) -> Diagnostic:
        if seen.is_space:
            text = f"there is no room to unpack `{item.path}`: {seen.problem}"
            return error("HW0505", text, self._settings.where, hint="free some space below .headwater")
        return error(
            "HW0314",
            f"`{item.path}` cannot be read to its end: {seen.problem}",
            self._settings.where,
            hint="it may be cut off, or still being written; replace it, or leave it out of `path`",
        )

    def with_long_lines(self, items: Iterable[Item], found: Iterable[SetAside]) -> list[SetAside]:
        """Add the lines too long to be read, of which the engine reports some, some at the end of the line before."""
        if not self._has_lines:
            return list(found)
        limit = self._settings.max_line
        own = [as_reject(item, line, limit) for item, seen in self._of(items) for line in seen.long]
        places = {(row.identity, at) for row in own for at in range(row.position - _LINE_ENDS_BYTES, row.position + 1)}
        return [*(row for row in found if row.reason != "too long" or (row.identity, row.position) not in places), *own]


def _look(settings: Settings, item: Item) -> _Seen:
    """Read a file to its end; if it is gone, others notice that."""
    path = full_path(settings, item.path)
    try:
        if path.lower().endswith(COMPRESSIONS):
            return _read_through(settings, path, read_path(settings, item) if is_unpacked(path) else "")
        return _Seen(long=long_lines(path, settings.max_line))
    except FileNotFoundError:
        return _Seen()
    except (OSError, EOFError, zlib.error) as problem:
        is_space = getattr(problem, "errno", None) in {errno.ENOSPC, errno.EDQUOT}
        return _Seen(problem=str(problem).partition("\n")[0], is_space=is_space)


def _read_through(settings: Settings, path: str, target: str) -> _Seen:
    seen, watch = _Seen(), Watch(settings.max_line)
    if target and Path(target).exists():
        return seen
    with opened(path) as file, _packed(target) as packed:
        while piece := file.read(_PIECE_BYTES):
            seen.long += watch.feed(piece)
            if packed is not None:
                packed.write(piece)
    seen.long += watch.end()
    return seen


@contextmanager
def _new_file(target: str) -> Iterator[Any]:
    import pyarrow as pa

    Path(target).parent.mkdir(parents=True, exist_ok=True)
    beside = f"{target}.part"
    with pa.OSFile(beside, "wb") as plain, pa.CompressedOutputStream(plain, "zstd") as packed:
        yield packed
    Path(beside).replace(target)


def _packed(target: str) -> Any:
    return _new_file(target) if target else nullcontext()


def scratch_folder(directory: str) -> str:
    """Name a folder in a directory for unpacked copies, nobody else's; sweeps away what a killed process left."""
    base = Path(directory)
    for left in base.glob(f"{_FOLDER}*"):
        process = left.name.removeprefix(_FOLDER).partition("-")[0]
        if process.isdecimal() and not _is_alive(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    return str(base / f"{_FOLDER}{os.getpid()}-{next(_NUMBERS)}")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
