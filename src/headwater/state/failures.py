"""What a database says when it cannot go on, as diagnostics that a person can act on."""

import sqlite3
from pathlib import Path
from typing import Final

from headwater.diagnostics import Broken, Conflict, Diagnostic, HeadwaterError, Retryable, error
from headwater.state.places import StatePlace

REPAIR: Final = "`headwater doctor --repair` rebuilds the state from the lake"

PASSING: Final = frozenset({"HW0600", "HW0601", "HW0603", "HW0604", "HW0605", "HW1020"})
"""Troubles of the database that end without anything being done about the state: a run waits for that."""

DISCONNECTED: Final = frozenset({"HW0601", "HW1020"})
"""What an old connection says when only another one can tell whether the database is still there."""

_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DENIED: Final = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA}


class FileGone(sqlite3.OperationalError):
    """The file is no longer there, or another one is in its place."""


def of_sqlite(failure: sqlite3.Error, path: Path) -> HeadwaterError | None:
    """Turn an error of SQLite into the exception that says how to go on; None: it is a defect of the caller."""
    if isinstance(failure, FileGone):
        return lost(path)
    code = getattr(failure, "sqlite_errorcode", None)
    if code is None or isinstance(failure, sqlite3.IntegrityError):
        return None
    primary = code & 0xFF
    if primary in _BUSY:
        return Conflict(in_use(path))
    if primary == sqlite3.SQLITE_FULL:
        return Broken(full(path))
    return unwritable(path, str(failure)) if primary in _DENIED else _unreadable(failure, primary, path)


def _unreadable(failure: sqlite3.Error, primary: int, path: Path) -> Broken:
    if primary in _DAMAGED:
        return Broken(damaged(path, str(failure)))
    return Broken(
        error("HW0600", f"the state `{path}` cannot be used: {failure}", hint="check the disk it is on; it may be full")
    )


def unwritable(path: Path, because: str) -> Broken:
    """Say that the place of the state lets nobody write."""
    hint = "the file and its directory must be writable, even to read (SQLite keeps its log beside it)"
    return Broken(error("HW0603", f"the state `{path}` cannot be opened for writing: {because}", hint=hint))


def lost(place: StatePlace) -> Broken:
    """Say that there is no state where one should be."""
    return Broken(error("HW0601", f"the state `{place}` does not exist, or is empty", hint=REPAIR))


def newer(place: StatePlace, schema: int) -> Broken:
    """Say that a later version has made this state its own."""
    message = f"the state `{place}` was written by a newer Headwater (schema {schema})"
    return Broken(error("HW0606", message, hint="install that version, or a newer one"))


def in_use(place: StatePlace) -> Diagnostic:
    """Say that somebody else keeps the state locked."""
    return error("HW0605", f"the state `{place}` is in use by another process", hint="wait for it, then try again")


def full(place: StatePlace) -> Diagnostic:
    """Say that the disk is full."""
    return error("HW0604", f"the disk of `{place}` is full; nothing was changed", hint="free some space")


def damaged(place: StatePlace, because: str) -> Diagnostic:
    """Say that what is there cannot be read as a state."""
    return error("HW0602", f"the state `{place}` is damaged: {because}", hint=REPAIR)


def lost_over_commit(place: StatePlace) -> Retryable:
    """Say that nobody knows whether a change was made."""
    message = f"the connection to the state `{place}` was lost while a change was made: it may or may not be there"
    hint = "look with `headwater history` and `headwater status`, then try again"
    return Retryable(error("HW1024", message, hint=hint))


def lost_in_the_middle(place: StatePlace) -> Retryable:
    """Say that a change could be made neither then nor afterwards."""
    message = f"the connection to the state `{place}` was lost in the middle of a change; nothing was changed"
    return Retryable(error("HW1025", message, hint="others have changed the state meanwhile: try again"))


def outdated(place: StatePlace, schema: int, needed: int) -> Broken:
    """Say that a state that others may be using must be brought up to date by hand."""
    message = f"the state `{place}` has schema {schema}; this Headwater needs {needed}"
    hint = "stop the servers that use it, then `headwater state upgrade`"
    return Broken(error("HW1026", message, hint=hint))
