"""Which files belong to a project, and their text: found by one walk, decoded once."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Final

from headwater.diagnostics import Diagnostic, Where, error, warning

PROJECT_FILE: Final = "headwater.yaml"
MAX_BYTES: Final = 16 * 2**20
"""Project files are written by people: what is larger is no project file."""
_NOT_SEARCHED: Final = frozenset({"data", "out", "fixtures", "node_modules", "__pycache__"})
"""Folders whose YAML is not the project's (outside models/, functions/ and python/)."""
_OWN: Final = frozenset({"models", "functions", "python"})
_BOM: Final = "\ufeff"


@dataclass(slots=True)
class Files:
    """The text of every file that was read, by path relative to the project (``/`` between folders)."""

    root: Path
    texts: dict[str, str] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    _tried: dict[str, str | None] = field(default_factory=dict)

    def read(self, path: str) -> str | None:
        """Give a file's text, with line feeds at line ends; None (and a diagnostic) if it cannot be read."""
        if path not in self._tried:
            text, problem = _text(self.root / path, path)
            self._tried[path] = text
            if problem:
                self.found.append(problem)
            elif text is not None:
                self.texts[path] = text
        return self._tried[path]

    def read_if_there(self, path: str) -> str | None:
        """Give a file's text, or None if there is no such file."""
        if path in self._tried:
            return self._tried[path]
        return self.read(path) if os.path.isfile(self.root / path) else None  # noqa: PTH113 - never raises


def _text(path: Path, name: str) -> tuple[str | None, Diagnostic | None]:
    where = Where(name)
    try:
        content = _bytes(path)
    except OSError as problem:
        why = problem.strerror or type(problem).__name__
        return None, error("HW0102", f"`{name}` cannot be read: {why}", where)
    if content is None:
        return None, error("HW0102", f"`{name}` is no regular file, or larger than {MAX_BYTES >> 20} MiB", where)
    try:
        text = content.decode()
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        column = problem.start - content.rfind(b"\n", 0, problem.start)
        return None, error("HW0103", "this is not UTF-8", Where(name, line, column), hint="save the file as UTF-8")
    text = text.removeprefix(_BOM)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if "\0" in text:
        before = text[: text.index("\0")]
        where = Where(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
        return None, error("HW0104", "the file holds a NUL byte", where, hint="is it a text file?")
    return text, None


def _bytes(path: Path) -> bytes | None:
    """Read a regular file of sane size (a pipe or device would never end)."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - the descriptor is what was checked
        status = os.fstat(descriptor)
        if not S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            return None
        return file.read()


def walk(root: Path, lake: str) -> tuple[list[str], list[Diagnostic]]:
    """List the project's YAML, SQL and Python files, sorted.

    Hidden folders, virtual environments, the lake and other projects inside this one are left out. A folder that is
    reached twice (by links) is searched once.
    """
    walker = _Walker(root, lake.rstrip("/").removeprefix("./"))
    paths = sorted(walker.below("", is_own=False))
    return paths, walker.found


class _Walker:
    def __init__(self, root: Path, lake: str) -> None:
        self.root = root
        self.lake = lake
        self.found: list[Diagnostic] = []
        self.seen: dict[tuple[int, int], str] = {}

    def below(self, folder: str, *, is_own: bool) -> Iterator[str]:
        try:
            entries = sorted(os.scandir(self.root / folder), key=lambda entry: entry.name)
            status = os.stat(self.root / folder)  # noqa: PTH116 - follows links, as wanted
        except OSError as problem:
            self.found.append(error("HW0102", f"`{folder}` cannot be read: {problem.strerror}", Where(folder)))
            return
        if self._is_known((status.st_dev, status.st_ino), folder):
            return
        names = {entry.name for entry in entries}
        if folder and names & {PROJECT_FILE, "pyvenv.cfg"}:
            return
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                if self._is_searched(entry.name, path, is_own=is_own):
                    yield from self.below(path, is_own=is_own or (not folder and entry.name in _OWN))
            elif is_wanted(path):
                yield from self._printable(path)

    def _is_known(self, identity: tuple[int, int], folder: str) -> bool:
        if identity in self.seen:
            first = self.seen[identity] or "."
            message = f"`{folder}` is the same folder as `{first}`: it is searched once"
            self.found.append(warning("HW0131", message, Where(folder), hint="is it a link?"))
            return True
        self.seen[identity] = folder
        return False

    def _is_searched(self, name: str, path: str, *, is_own: bool) -> bool:
        return (is_own or name not in _NOT_SEARCHED) and path != self.lake and name != "__pycache__"

    def _printable(self, path: str) -> Iterator[str]:
        try:
            path.encode()
            yield path
        except UnicodeEncodeError:
            name = os.fsencode(path).decode(errors="backslashreplace")
            self.found.append(error("HW0114", "the file's name is not UTF-8", Where(name)))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads nowhere or to itself: reading it as a file says so


def is_wanted(path: str) -> bool:
    """Whether a file may be part of a project, by its name and folder."""
    if path.endswith((".yaml", ".yml")):
        return True
    if path.endswith(".sql"):
        return path.startswith(("models/", "functions/"))
    return path.endswith(".py") and path.startswith(("models/", "python/"))
