"""Compressed files are whole: read to their end beside the scan, because the engine takes a broken end for the end."""

import zlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from headwater.connectors.sources.files.listing import full_path
from headwater.connectors.sources.files.opening import opened
from headwater.connectors.sources.files.settings import COMPRESSIONS, Settings
from headwater.diagnostics import Invalid, error
from headwater.spec.observations import Item

_PIECE_BYTES: Final = 1 << 20


class Archives:
    """Checks each archive once, in threads of its own (decompression leaves the interpreter free)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._checks: dict[str, Future[str]] = {}
        self._threads: ThreadPoolExecutor | None = None

    def start(self, items: Iterable[Item]) -> None:
        """Begin to check those that were not checked before."""
        for item in items:
            if item.size_bytes and item.path.lower().endswith(COMPRESSIONS) and item.identity not in self._checks:
                self._threads = self._threads or ThreadPoolExecutor(2, "archives")
                self._checks[item.identity] = self._threads.submit(_problem, full_path(self._settings, item.path))

    def finish(self, items: Iterable[Item]) -> None:
        """Wait for the checks; raises Invalid that names all archives which are not whole."""
        found = []
        for item in items:
            check = self._checks.get(item.identity)
            problem = check.result() if check else ""
            if problem:
                found.append(
                    error(
                        "HW0314",
                        f"`{item.path}` cannot be read to its end: {problem}",
                        self._settings.where,
                        hint="it may be cut off, or still being written; replace it, or leave it out of `path`",
                    )
                )
        if self._threads:
            self._threads.shutdown()
            self._threads = None
        if found:
            raise Invalid.from_all(found)


def _problem(path: str) -> str:
    """Say what is wrong with an archive; "" if nothing is, or if it is gone (others notice that)."""
    try:
        with opened(path) as file:
            while file.read(_PIECE_BYTES):
                pass
    except FileNotFoundError:
        return ""
    except (OSError, EOFError, zlib.error) as problem:
        return str(problem).partition("\n")[0]
    return ""
