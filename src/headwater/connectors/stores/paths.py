"""Where a node's files lie in a lake: names that any file system takes, whatever the node is called."""

import hashlib
from pathlib import Path
from typing import Final
from urllib.parse import quote

_LONGEST: Final = 120
"""Bytes of a path part; the rest of a longer name becomes a hash."""
DEFAULT_SCHEMA: Final = "main"


def part(name: str) -> str:
    """Encode one part of a path: letters, digits and ``_-~.`` stay, except at the start where they could mean more.

    >>> part("daily_delays"), part("../x"), part("_releases"), part("ä b")
    ('daily_delays', '%2E.%2Fx', '%5Freleases', '%C3%A4%20b')
    """
    text = quote(name, safe="") or "%"
    if text[:1] in {".", "_", "~"}:
        text = f"%{ord(text[0]):02X}{text[1:]}"
    if len(text) > _LONGEST:
        digest = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
        text = f"{text[: _LONGEST - 33]}~{digest}"
    return text


def directory(root: Path, node: str, version: str) -> Path:
    """Give the directory of a node's version; a node without a schema lies in ``main``.

    >>> directory(Path("lake"), "clean.flights", "3f").as_posix(), directory(Path("lake"), "routes", "3f").as_posix()
    ('lake/clean/flights/3f', 'lake/main/routes/3f')
    """
    schema, dot, name = node.rpartition(".")
    return root / part(schema if dot else DEFAULT_SCHEMA) / part(name) / part(version)
