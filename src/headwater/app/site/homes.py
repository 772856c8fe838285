"""A site's home directory: what it keeps for itself, readable by nobody else."""

import os
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from headwater.connect.durable import alone, explained, put_once, sync_directory
from headwater.diagnostics import Broken, conceal

_KEY_BYTES: Final = 32
_MOST_LOG_BYTES: Final = 8 << 20
_PRIVATE: Final = 0o700


@dataclass(frozen=True, slots=True)
class Home:
    """Paths and the key of a home that is open."""

    path: Path
    key: bytes = field(repr=False)
    """Of position digests: 256 random bits, made once; whoever lacks it cannot guess what a digest stands for."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def approved(self) -> Path:
        """Charters with who approved them, and when."""
        return self.path / "approved"

    @property
    def chain(self) -> Path:
        """The audit chain: one line for each certificate and each refusal."""
        return self.path / "audit.jsonl"

    @property
    def state(self) -> Path:
        """File index and rows set aside."""
        return self.path / "state.db"

    @property
    def ledger(self) -> Path:
        """Aggregates that were released, with keyed hashes of what they were made of."""
        return self.path / "ledger"

    @property
    def temporary(self) -> Path:
        """Answers before they are sent, rows that were received, and what the engine spills."""
        return self.path / "tmp"

    @property
    def unpacked(self) -> Path:
        """Copies of archives' members that the engine cannot read where they are."""
        return self.temporary / "unpacked"

    @property
    def lake(self) -> Path:
        """The site's own tables."""
        return self.path / "lake"

    def note(self, text: str) -> None:
        """Write a line to the site's own log, which may hold what leaves it never: paths, engines' messages."""
        line = f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {conceal(text)}\n"
        log = self.path / "log"
        with self._lock:
            if log.exists() and log.stat().st_size > _MOST_LOG_BYTES:
                log.replace(self.path / "log.1")
            with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(line)


def open_home(path: Path) -> Home:
    """Open a home, or make one; Broken (HW1262) if it cannot be used, or others can read it."""
    path = path.absolute()
    with explained("HW1262", f"use the home directory {path}"):
        path.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
        path.chmod(_PRIVATE)
        home = Home(path, _key(path / "key"))
        for folder in (home.approved, home.temporary, home.lake, home.ledger):
            folder.mkdir(exist_ok=True, mode=_PRIVATE)
    return home


def _key(path: Path) -> bytes:
    """Read the key, or make it; of two processes that make one, the first wins."""
    if not path.exists():
        with alone(path.with_name(".key-lock")):
            before = os.umask(0o077)
            try:
                put_once(path, secrets.token_bytes(_KEY_BYTES))
            finally:
                os.umask(before)
        sync_directory(path.parent)
    found = path.read_bytes()
    if len(found) != _KEY_BYTES:
        raise Broken.of(
            "HW1262",
            f"the key {path} has {len(found)} bytes, not {_KEY_BYTES}",
            hint="restore it; with a new one (delete the file) all positions change, and everything is due once more",
        )
    path.chmod(0o600)
    return found


def read_environment(path: Path) -> dict[str, str]:
    """Read ``NAME=value`` lines of a home's ``environment``: the secrets that this site has, and no other."""
    if not path.exists():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name and not name.startswith("#"):
            found[name.strip()] = value.strip()
    return found
