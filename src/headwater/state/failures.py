"""What SQLite says when it cannot go on, as diagnostics that a person can act on."""

import sqlite3
from pathlib import Path
from typing import Final

from headwater.diagnostics import Broken, Conflict, HeadwaterError, error

REPAIR: Final = "`headwater doctor --repair` rebuilds the state from the lake"

_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DENIED: Final = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA}


def explained(failure: sqlite3.Error, path: Path) -> HeadwaterError | None:
    """Turn an error of SQLite into the exception that says how to go on; None: it is a defect of the caller."""
    code = getattr(failure, "sqlite_errorcode", None)
    if code is None or isinstance(failure, sqlite3.IntegrityError):
        return None
    primary = code & 0xFF
    if primary in _BUSY:
        return Conflict(
            error("HW0605", f"the state `{path}` is in use by another process", hint="wait for it, then try again")
        )
    if primary == sqlite3.SQLITE_FULL:
        return Broken(error("HW0604", f"the disk of `{path}` is full; nothing was changed", hint="free some space"))
    if primary in _DENIED:
        return unwritable(path, str(failure))
    if primary in _DAMAGED:
        return Broken(error("HW0602", f"the state `{path}` is damaged: {failure}", hint=REPAIR))
    return Broken(
        error("HW0600", f"the state `{path}` cannot be used: {failure}", hint="check the disk it is on; it may be full")
    )


def unwritable(path: Path, because: str) -> Broken:
    """Say that the place of the state lets nobody write."""
    hint = "the file and its directory must be writable, even to read (SQLite keeps its log beside it)"
    return Broken(error("HW0603", f"the state `{path}` cannot be opened for writing: {because}", hint=hint))
