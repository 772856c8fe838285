"""Effects of a Python file on the world while it is loaded: found by an audit hook of the interpreter, and refused.

A file of the project may read files of the project and of the interpreter, nothing else. What an installed library
does while it is *imported* is its own affair as long as it stays in its process; it cannot write or connect either.
"""

import _thread
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

from headwater.spec.making import span_of

_REFUSED: Final = {
    "socket.": "uses the network",
    "urllib.": "uses the network",
    "http.": "uses the network",
    "ftplib.": "uses the network",
    "smtplib.": "uses the network",
    "imaplib.": "uses the network",
    "poplib.": "uses the network",
    "telnetlib.": "uses the network",
    "subprocess.": "starts a process",
    "os.system": "starts a process",
    "os.exec": "starts a process",
    "os.fork": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.spawn": "starts a process",
    "os.startfile": "starts a process",
    "pty.": "starts a process",
    "_thread.start_new_thread": "starts a thread",
    "_thread.start_joinable_thread": "starts a thread",
    "os.kill": "sends a signal",
    "signal.": "sends a signal",
    "os.remove": "deletes a file",
    "os.rmdir": "deletes a folder",
    "shutil.rmtree": "deletes a folder",
    "shutil.": "changes files",
    "os.rename": "changes files",
    "os.mkdir": "changes files",
    "os.link": "changes files",
    "os.symlink": "changes files",
    "os.truncate": "changes files",
    "os.chmod": "changes files",
    "os.chown": "changes files",
    "os.utime": "changes files",
    "os.setxattr": "changes files",
    "os.removexattr": "changes files",
    "tempfile.": "makes a temporary file",
    "os.putenv": "changes the environment",
    "os.unsetenv": "changes the environment",
    "os.chdir": "changes the working directory",
    "os.fchdir": "changes the working directory",
    "sqlite3.connect": "opens a database",
    "webbrowser.": "opens a browser",
    "syslog.": "writes to the system's log",
    "winreg.": "uses the registry",
}
_ITS_OWN: Final = frozenset({"changes the environment", "starts a thread", "sends a signal"})
"""What a library may do to its own process while it is imported: the process ends with the load."""
_JOINABLE: Final = ((_thread, "start_joinable_thread"), (threading, "_start_joinable_thread"))
_LISTING: Final = ("os.listdir", "os.scandir", "os.walk", "os.fwalk", "glob.glob", "pathlib.Path.glob")
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ALWAYS: Final = ("/dev/null", "/proc", "/sys", "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo")
_IMPORTING: Final = ("<frozen importlib._bootstrap>", "_find_and_load")
_THROUGH: Final = ("/os.py", "<frozen os>", "/_collections_abc.py", "<frozen _collections_abc>")


class EffectError(BaseException):
    """Stops a file that does something to the world; no ``except Exception`` of its own keeps it going."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What was refused: code, what it does, and the line of the project that does it."""

    code: str
    what: str
    file: str
    line: int
    column: int
    """In bytes from 0; -1: not known."""


@dataclass(slots=True)
class Guard:
    """Judges what happens while ``is_on``; ``is_project`` says whether a file is one of the project's own."""

    root: str
    is_project: Callable[[str], bool]
    libraries: tuple[str, ...]
    """Folders of the interpreter and of installed packages."""
    is_on: bool = False
    effects: list[Effect] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    """Files of the project that were read."""

    def install(self) -> None:
        """Watch this process from now on; there is no way back."""
        sys.addaudithook(self._hear)
        for module, name in ((_thread, "start_new_thread"), (threading, "_start_new_thread"), *_JOINABLE):
            if hasattr(module, name):
                setattr(module, name, self._watched(getattr(module, name)))
        os.environ.__class__ = _environment(self)

    def _watched(self, start: Callable[..., Any]) -> Callable[..., Any]:
        """Some versions of Python do not tell audit hooks of new threads."""

        def begin(*arguments: Any, **named: Any) -> Any:
            self._hear("_thread.start_new_thread", ())
            return start(*arguments, **named)

        return begin

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event == "open":
            self._opens(*arguments)
        elif event in _LISTING:
            self._lists(arguments)
        elif event.startswith(tuple(_REFUSED)) and arguments[:1] != (":memory:",):
            self._refuse(next(what for begin, what in _REFUSED.items() if event.startswith(begin)))

    def _opens(self, path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int) or not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.path.realpath(os.fsdecode(path))
        if isinstance(flags, int) and flags & _WRITING:
            if name != os.devnull:
                self._refuse(f"opens `{self._shown(name)}` for writing")
            return
        del mode
        self._reads(name)

    def _reads(self, name: str) -> None:
        if name.startswith(_ALWAYS):
            return
        holder = max((each for each in (self.root, *self.libraries) if _is_in(name, each)), key=len, default="")
        frame, is_importing = self._caller()
        if frame is None or is_importing or (holder and holder != self.root):
            return
        inside = name.removeprefix(f"{self.root}/")
        if not holder or any(part.startswith(".") for part in inside.split("/")):
            self._refuse(f"reads `{self._shown(name)}`, which is no file of the project")
        self.read.add(name)

    def _lists(self, arguments: tuple[Any, ...]) -> None:
        frame, is_importing = self._caller()
        if frame is not None and not is_importing and arguments and not isinstance(arguments[0], int):
            self._refuse("lists the files of a folder")

    def _refuse(self, what: str, code: str = "HW0142") -> None:
        frame, is_importing = self._caller()
        if frame is None:
            return
        if is_importing and what in _ITS_OWN:
            return
        if is_importing:
            raise PermissionError(f"a library that is imported while a project is loaded may not do this: it {what}")
        line, column, *_ = span_of(frame)
        self.effects.append(Effect(code, what, frame.f_code.co_filename, line, column))
        raise EffectError(what)

    def reads_environment(self) -> None:
        """Refuse it to the project's own lines; libraries find an environment that is empty."""
        frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - the only way to know who asks
        while frame is not None and frame.f_code.co_filename.endswith(_THROUGH):
            frame = frame.f_back
        if self.is_on and frame is not None and self.is_project(frame.f_code.co_filename):
            self._refuse("reads an environment variable", "HW0143")

    def _caller(self) -> tuple[FrameType | None, bool]:
        """Give the innermost frame of the project, and whether it is importing something else."""
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way to know who asks
        is_importing = False
        while frame is not None and not self.is_project(frame.f_code.co_filename):
            is_importing |= (frame.f_code.co_filename, frame.f_code.co_name) == _IMPORTING
            frame = frame.f_back
        return frame, is_importing

    def _shown(self, name: str) -> str:
        return name.removeprefix(f"{self.root}/")


def _is_in(name: str, folder: str) -> bool:
    return name == folder or name.startswith(folder.rstrip("/") + "/")


def _environment(guard: Guard) -> type:
    class Environment(type(os.environ)):  # type: ignore[misc]  # a class that Python gives no public name
        def __getitem__(self, key: str) -> str:
            guard.reads_environment()
            return str(super().__getitem__(key))

        def __iter__(self) -> Any:
            guard.reads_environment()
            return super().__iter__()

        def __len__(self) -> int:
            guard.reads_environment()
            return int(super().__len__())

    return Environment
