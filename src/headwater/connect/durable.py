"""Putting files so that a crash leaves all of one or nothing, and saying so when the disk will not have it."""

import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from headwater.diagnostics import Broken, Where

_T = TypeVar("_T")
_R = TypeVar("_R")

_SYNC_THREADS: Final = 8
"""Syncs of different files overlap in the disk's queue: eight take a third of the time of one after the other."""

_FEW: Final = 32
"""Up to so many files are synced singly; for 1,000 small ones, one sync of everything takes a hundredth of the time."""

_HINTS: Final = {
    errno.ENOSPC: "the disk is full: free some space, or run `headwater janitor`",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is mounted read-only",
    errno.EACCES: "this user may not use the path: check its permissions",
    errno.EPERM: "this user may not use the path: check its permissions",
    errno.ENOTDIR: "a file stands where a directory is needed",
    errno.EEXIST: "a file stands where a directory is needed",
    errno.EFBIG: "the file would be larger than this user may write",
    errno.EISDIR: "a directory stands where a file is needed",
    errno.ENAMETOOLONG: "the path is too long for this file system",
}


@contextmanager
def explained(code: str, doing: str, where: Where | None = None) -> Iterator[None]:
    """Turn an error of the operating system into Broken with this code: ``cannot write x: no space left``."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = _HINTS.get(error.errno or 0, "")
        raise Broken.of(code, f"cannot {doing}: {reason}", where, hint=hint) from error


def sync_file(path: str | Path) -> None:
    """Return when a file's bytes are on the disk."""
    _sync(path, os.O_RDONLY)


def sync_directory(path: str | Path) -> None:
    """Return when a directory's list of names is on the disk."""
    _sync(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))


def _sync(path: str | Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(paths: Iterable[str | Path]) -> None:
    """Return when files are on the disk: one by one, or, if they are many, with everything else that is not yet."""
    listed = list(paths)
    if len(listed) > _FEW:
        os.sync()
    else:
        each(sync_file, listed)


def write_beside(path: Path, content: bytes, beside: Path | None = None, *, durable: bool = True) -> Path:
    """Write a hidden file beside a path; give its path. The caller links or renames it.

    Without a name for it, it gets one that nobody else has.
    """
    beside = beside or path.with_name(f".hw-{path.name[:80]}.{secrets.token_hex(6)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    return beside


def put_over(path: Path, content: bytes, beside: Path | None = None) -> None:
    """Replace a file, or make it: a reader sees the old bytes or the new ones; durable on return."""
    beside = write_beside(path, content, beside)
    try:
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    sync_directory(path.parent)


def put_once(path: Path, content: bytes, *, durable: bool = True) -> bool:
    """Make a file unless it is there: False if somebody else was first. The directory is not yet durable."""
    beside = write_beside(path, content, durable=durable)
    try:
        os.link(beside, path)
    except FileExistsError:
        return False
    finally:
        beside.unlink(missing_ok=True)
    return True


def each(do: Callable[[_T], _R], things: Iterable[_T]) -> list[_R]:
    """Do something that waits for the disk to many files at once; the first error is raised."""
    listed = list(things)
    if len(listed) <= 1:
        return [do(thing) for thing in listed]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_SYNC_THREADS) as threads:
        return list(threads.map(do, listed))


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold a lock file that stays; whoever else wants it, in this process or another, waits until this one is done."""
    import fcntl

    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
