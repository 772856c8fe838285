"""Runs a project's Python files when it is loaded, unless what they made is known from the last time."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

import headwater
from headwater.app.cache import FileCache
from headwater.app.modules.process import run_twice
from headwater.project.python.running import Ran, RunFiles, ToRun
from headwater.spec.addresses import address

CACHE_FILE: Final = Path(".headwater/cache/python")
_FORM: Final = "2"
"""Changes with the form of what is kept."""


def runner(root: Path) -> RunFiles:
    """Give how the files of a project are run: at most once for each content of them and of what they read."""

    def run(asked: Sequence[ToRun], limit_s: float) -> Mapping[str, Ran]:
        cache = FileCache(root / CACHE_FILE)
        around = _around()
        keys = {each.path: _key(each, around) for each in asked}
        known = {path: ran for path, key in keys.items() if (ran := _known(cache.get(key), root)) is not None}
        new = [each for each in asked if each.path not in known]
        if new:
            made = run_twice(root, new, limit_s)
            for path, ran in made.items():
                if not ran.mishaps:
                    cache.put(keys[path], msgspec.msgpack.encode(ran))
            cache.save()
            known |= made
        return known

    return run


def _known(entry: bytes | None, root: Path) -> Ran | None:
    """Give what is kept, if the files that were read when it was made are still the same."""
    if entry is None:
        return None
    try:
        ran = msgspec.msgpack.decode(entry, type=Ran)
        same = all((root / path).read_text(encoding="utf-8") == text for path, text in ran.read.items())
    except (msgspec.DecodeError, OSError, ValueError):
        return None
    return ran if same else None


def _key(asked: ToRun, around: str) -> str:
    modules = (part for path in sorted(asked.modules) for part in (path, asked.modules[path]))
    return address("python file", _FORM, around, asked.path, *modules)


def _around() -> str:
    """Address what a file may import besides the project: the interpreter and what is installed in it."""
    return address(headwater.__version__, sys.version, sys.prefix, *_installed())


def _installed() -> Iterator[str]:
    for folder in dict.fromkeys(sys.path):
        path = Path(folder) if folder else None
        if path is not None and path.is_dir():
            yield f"{folder} {path.stat().st_mtime_ns if path.name.endswith('-packages') else ''}"
