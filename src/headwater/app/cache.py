"""Analyses kept from one command to the next, in one file: losing it costs time, never correctness."""

import contextlib
import os
from pathlib import Path
from typing import Final

_MOST_UNUSED: Final = 20_000
_VERSION: Final = 1


class FileCache:
    """Bytes by key, read from a file at the first use; a missing or corrupt file is an empty cache."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, bytes] | None = None
        self._used: dict[str, bytes] = {}
        self._changed = False

    def get(self, key: str) -> bytes | None:
        """Give what was put under a key, or None."""
        if self._known is None:
            self._known = self._read()
        found = self._known.get(key)
        if found is not None:
            self._used[key] = found
        return found

    def put(self, key: str, value: bytes) -> None:
        """Keep bytes under a key, until ``save`` in memory only."""
        if self._known is None:
            self._known = self._read()
        self._known[key] = self._used[key] = value
        self._changed = True

    def save(self) -> None:
        """Write the file anew if anything was put; entries long unused fall out. A failure to write is no matter."""
        if not self._changed or self._known is None:
            return
        import msgspec

        unused = [key for key in self._known if key not in self._used][-_MOST_UNUSED:]
        entries = {key: self._known[key] for key in unused} | self._used
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            temporary.write_bytes(msgspec.msgpack.encode((_VERSION, entries)))
            temporary.replace(self._path)
            self._changed = False

    def _read(self) -> dict[str, bytes]:
        import msgspec

        try:
            version, entries = msgspec.msgpack.decode(self._path.read_bytes(), type=tuple[int, dict[str, bytes]])
        except (OSError, msgspec.DecodeError, ValueError):
            return {}
        return entries if version == _VERSION else {}
