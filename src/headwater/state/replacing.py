"""A state put in the place of another one, which is kept under a name of its own."""

from contextlib import suppress
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from headwater.state.backends.postgres import PostgresBackend
from headwater.state.places import PostgresPlace, StatePlace

_LOG_SUFFIXES = ("-wal", "-shm", "")
_WAIT_S = 30.0


def beside(place: StatePlace, mark: str) -> StatePlace:
    """Give the place of a new state beside one."""
    if isinstance(place, PostgresPlace):
        return place.beside(f"rebuilt_{mark}")
    return place.with_name(f"{place.name}.rebuilt-{mark}")


def put_in_place(fresh: StatePlace, place: StatePlace, at: datetime, *, word: str = "broken") -> StatePlace | None:
    """Move what is at a place aside, and the fresh state there; give where the old one is now, if there was one.

    The old one's name gets a ``word``, and the time.

    Both must be of one kind, and closed. On Postgres both happen at once. Raises OSError, or what the driver raises.
    """
    if isinstance(fresh, PostgresPlace) and isinstance(place, PostgresPlace):
        return _rename_schemas(fresh, place, f"{word}_{at:%Y%m%dT%H%M%S}")
    if isinstance(fresh, Path) and isinstance(place, Path):
        aside = _move_aside(place, f"{place.name}.{word}-{at:%Y%m%dT%H%M%S}")
        fresh.rename(place)
        return aside
    raise ValueError(f"{fresh} and {place} are of two kinds")


def remove_rest(fresh: StatePlace) -> None:
    """Remove what is left of a fresh state that was not put in place."""
    if isinstance(fresh, PostgresPlace):
        backend = PostgresBackend(fresh, _WAIT_S)
        with suppress(*backend.errors):
            session = backend.connect()
            session.connection.execute(f'DROP SCHEMA IF EXISTS "{fresh.schema}" CASCADE')
            session.close()
        return
    for suffix in _LOG_SUFFIXES:
        with suppress(OSError):
            fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)


def _move_aside(path: Path, stem: str) -> Path | None:
    """Rename a state with its log; a name that is taken is never overwritten."""
    if not path.exists():
        return None
    taken = {each.name for each in path.parent.iterdir()}
    name = next(n for n in chain([stem], (f"{stem}-{i}" for i in count(2))) if n not in taken)
    for suffix in _LOG_SUFFIXES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(path.with_name(name + suffix))
    return path.with_name(name)


def _rename_schemas(fresh: PostgresPlace, place: PostgresPlace, mark: str) -> PostgresPlace | None:
    backend = PostgresBackend(place, _WAIT_S)
    session = backend.connect()
    try:
        session.begin(writes=True, durable=True, numbered=False)
        rows = session.connection.execute("SELECT nspname::text FROM pg_namespace")
        taken = {name for (name,) in rows}
        marks = chain([mark], (f"{mark}_{i}" for i in count(2)))
        aside = next(found for found in map(place.beside, marks) if found.schema not in taken)
        if place.schema in taken:
            session.connection.execute(f'ALTER SCHEMA "{place.schema}" RENAME TO "{aside.schema}"')
        session.connection.execute(f'ALTER SCHEMA "{fresh.schema}" RENAME TO "{place.schema}"')
        session.commit()
        return aside if place.schema in taken else None
    finally:
        session.close()
