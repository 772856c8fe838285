"""What Postgres says when it cannot go on, as diagnostics that a person can act on; passwords are never in them."""

from typing import Final

from headwater.diagnostics import Broken, Conflict, HeadwaterError, Retryable, error
from headwater.state.failures import damaged, full, in_use, lost
from headwater.state.places import PostgresPlace

_INSTALL: Final = "pip install 'headwater[postgres]'"
_REACH: Final = "check that the server runs and that this machine may reach it; nothing is lost"
_NO_TABLE: Final = "42P01"
_NO_SCHEMA: Final = "3F000"
_GONE: Final = frozenset({"08", "57"})
_ONCE_MORE: Final = "try again"
_TRY_AGAIN: Final = frozenset({"40001", "40P01"})
_BUSY: Final = frozenset({"55P03", "57014"})
_FULL: Final = frozenset({"53100", "53200"})
_DENIED: Final = frozenset({"42501", "25006", "0LP01"})


def no_driver() -> Broken:
    """Say that the package is missing that speaks with Postgres."""
    message = "the state is on Postgres, and the package that speaks with it is not installed"
    return Broken(error("HW1023", message, hint=_INSTALL))


def no_answer(place: PostgresPlace, because: str) -> Broken:
    """Say that no connection can be had, or that one was lost."""
    return Broken(error("HW1020", f"the state `{place}` cannot be reached: {because}", hint=_REACH))


def said_by_server(place: PostgresPlace, sqlstate: str | None, because: str, *, is_lost: bool) -> HeadwaterError | None:
    """Turn a state of SQL into the exception that says how to go on; None: it is a defect of the caller."""
    kind = (sqlstate or "")[:2]
    if is_lost or sqlstate == "53300" or (kind in _GONE and sqlstate not in _BUSY):
        return _not_there(place, sqlstate, because)
    if sqlstate in _BUSY:
        return Conflict(in_use(place))
    if sqlstate in _TRY_AGAIN:
        return Retryable(error("HW1029", f"the state `{place}` was changed by two at once: {because}", hint=_ONCE_MORE))
    return _unusable(place, sqlstate, kind, because)


def _unusable(place: PostgresPlace, sqlstate: str | None, kind: str, because: str) -> Broken | None:
    if sqlstate in _FULL:
        return Broken(full(place))
    if sqlstate == _NO_SCHEMA or (sqlstate == _NO_TABLE and '"migrations"' in because):
        return lost(place)
    if sqlstate in _DENIED:
        hint = "the role needs all rights on that schema, and the server must not be a standby"
        return Broken(error("HW0603", f"the state `{place}` cannot be written: {because}", hint=hint))
    if kind in {"53", "54", "58"}:
        return Broken(error("HW0600", f"the state `{place}` cannot be used: {because}", hint="see the server's log"))
    return Broken(damaged(place, because)) if kind in {"XX", "42"} else None


def _not_there(place: PostgresPlace, sqlstate: str | None, because: str) -> Broken:
    if (sqlstate or "").startswith("28") or "authentication failed" in because or "no password supplied" in because:
        hint = "check user and password in `state:`, and the server's pg_hba.conf"
        return Broken(error("HW1021", f"the state `{place}` lets this user not in: {because}", hint=hint))
    if sqlstate == "3D000" or ("database" in because and "does not exist" in because):
        hint = "create it (`createdb`), or name another in `state:`"
        return Broken(error("HW1022", f"the database of the state `{place}` does not exist", hint=hint))
    return no_answer(place, because)
