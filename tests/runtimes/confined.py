"""Starts a command that can open only the directories it is given: `confined.py READ... + WRITE... -- COMMAND...`.

The kernel (Landlock) denies it, and all that it starts, every other file: what no test of ours could overlook.
"""

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_NO_NEW_PRIVILEGES = 38
_PATH_BENEATH = 1
_ALL = (1 << 13) - 1
_READ = 0b1101
"""Execute, read files, read directories."""
_OF_FILES = 0b111


class _Rule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def is_possible() -> bool:
    """Whether this kernel can do it."""
    return sys.platform == "linux" and _libc().syscall(_CREATE, None, 0, 1) > 0


def confine(read: Iterable[str], write: Iterable[str]) -> None:
    """Deny this process everything else, for good."""
    libc = _libc()
    handled = ctypes.c_uint64(_ALL)
    rules = libc.syscall(_CREATE, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    assert rules >= 0, os.strerror(ctypes.get_errno())
    for paths, allowed in ((read, _READ), (write, _ALL)):
        for path in paths:
            if Path(path).exists():
                _allow(libc, rules, path, allowed)
    assert libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    assert libc.syscall(_RESTRICT, rules, 0) == 0, os.strerror(ctypes.get_errno())
    os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str, allowed: int) -> None:
    parent = os.open(path, os.O_PATH)
    rule = _Rule(allowed if Path(path).is_dir() else allowed & _OF_FILES, parent)
    assert libc.syscall(_ADD, rules, _PATH_BENEATH, ctypes.byref(rule), 0) == 0, os.strerror(ctypes.get_errno())
    os.close(parent)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    middle = sys.argv.index("--")
    plus = sys.argv.index("+")
    confine(sys.argv[1:plus], sys.argv[plus + 1 : middle])
    os.execvp(sys.argv[middle + 1], sys.argv[middle + 1 :])  # noqa: S606 - the worker takes this process's place
