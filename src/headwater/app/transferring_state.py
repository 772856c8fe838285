"""The state as a whole: exported, imported into another database, backed up, brought up to date."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from headwater import __version__
from headwater.app.settings import Settings, find_root, read_settings
from headwater.app.workspace import Effects
from headwater.diagnostics import Broken, Diagnostic, Invalid, Refused
from headwater.state.archives import open_archive
from headwater.state.database import Database, find_schema, open_database
from headwater.state.health import examine
from headwater.state.migrations import MIGRATIONS, TITLES
from headwater.state.moving_states import back_up_file, read_archive, write_archive
from headwater.state.places import StatePlace, name_of
from headwater.state.replacing import beside, put_in_place, remove_rest
from headwater.state.values import stamp
from headwater.state.workers import workers

_LIVES_S: Final = 60.0
"""Who was seen within this time is at work."""
_WORKERS_SINCE: Final = 8
"""The schema that knows who works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file that holds a state."""

    path: Path
    state: str
    kind: str
    """``export``, which any kind of database can be filled from, or ``database``: a file of SQLite itself."""
    bytes: int
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A state that was filled from a file."""

    state: str
    rows: int
    exported_at: str
    schema_before: int
    schema: int
    kept_as: str = ""
    """Where the state is now that was there before."""
    findings: tuple[Diagnostic, ...] = ()
    """What is wrong with it, as it was before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """A state that was brought up to date."""

    state: str
    before: int
    after: int
    steps: tuple[tuple[int, str], ...]
    """Number and meaning of each step that was, or would be, taken."""
    is_preview: bool = False


def export_state(root: Path, path: Path, *, effects: Effects | None = None) -> Written:
    """Write the whole state to one portable file, while others may work on it.

    Raises Invalid if the file exists or cannot be written, Broken for a state that is lost or of another version.
    """
    settings, given = _settings(root), effects or Effects()

    def write(beside_it: Path) -> int:
        with open_database(settings.state, create=False) as db, open_archive(beside_it, "w") as archive:
            return write_archive(db, archive, version=__version__, at=stamp(given.clock())).rows

    rows = _written(path, given, write)
    return Written(path=path, state=str(settings.state), kind="export", bytes=path.stat().st_size, rows=rows)


def back_up_state(root: Path, path: Path, *, effects: Effects | None = None) -> Written:
    """Copy the state as it is at one moment: a file of SQLite as such a file, one on Postgres as an export."""
    settings, given = _settings(root), effects or Effects()
    place = settings.state
    if not isinstance(place, Path):
        return export_state(root, path, effects=given)

    def write(beside_it: Path) -> None:
        open_database(place, create=False).close()
        back_up_file(place, beside_it)

    _written(path, given, write)
    return Written(path=path, state=str(place), kind="database", bytes=path.stat().st_size)


def import_state(root: Path, path: Path, *, replace: bool = False, effects: Effects | None = None) -> Imported:
    """Fill the project's state, which must be empty, from an export; then it changes places with what is there.

    ``replace`` takes the place of a state that is not empty; that one is kept under another name. Nothing is changed
    if anything fails. Raises Refused if the state is not empty, or somebody works on it.
    """
    settings, given = _settings(root), effects or Effects()
    place = settings.state
    before = _refuse_used(place, given, replace=replace)
    fresh = beside(place, given.token())
    try:
        if isinstance(fresh, Path):
            fresh.parent.mkdir(parents=True, exist_ok=True)
        with open_archive(path) as archive:
            contents = read_archive(archive, fresh)
        with open_database(fresh) as db:
            findings = examine(db)
        aside = put_in_place(fresh, place, given.clock(), word="replaced")
    except OSError as problem:
        raise Broken.of("HW0582", f"the state `{place}` cannot be replaced: {problem.strerror}") from None
    finally:
        remove_rest(fresh)
    if aside is not None and not before:
        remove_rest(aside)
    return Imported(
        state=str(place),
        rows=contents.rows,
        exported_at=contents.at,
        schema_before=contents.schema,
        schema=len(MIGRATIONS),
        kept_as=name_of(aside) if aside is not None and before else "",
        findings=findings,
    )


def upgrade_state(
    root: Path, *, preview: bool = False, regardless: bool = False, effects: Effects | None = None
) -> Upgraded:
    """Bring the state's schema up to date, and say which steps that takes (``preview``: would take).

    Raises Broken for a state that is lost or newer, Refused while somebody works on it (unless ``regardless``).
    """
    settings, given = _settings(root), effects or Effects()
    place = settings.state
    found = find_schema(place)
    if found >= len(MIGRATIONS) or not found:
        open_database(place, create=False, upgrade=False).close()  # says what is wrong with it, if anything is
    steps = tuple((number + 1, TITLES[number]) for number in range(found, len(MIGRATIONS)))
    if steps and not preview:
        if not regardless and found >= _WORKERS_SINCE:
            _refuse_while_used(place, found, given)
        open_database(place, create=False, upgrade=True).close()
    after = found if preview else max(found, len(MIGRATIONS))
    return Upgraded(state=str(place), before=found, after=after, steps=steps, is_preview=preview)


def _settings(root: Path) -> Settings:
    return read_settings(find_root(root.absolute()))


def _written(path: Path, effects: Effects, write: Callable[[Path], int | None]) -> int | None:
    """Write a file beside its place, and put it there when it is whole and on the disk."""
    if path.exists():
        raise Invalid.of("HW1031", f"`{path}` exists already", hint="name a file that does not")
    made = path.with_name(f"{path.name}.{effects.token()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = write(made)
        with made.open("rb+") as file:
            os.fsync(file.fileno())
        made.rename(path)
    except OSError as problem:
        raise Broken.of("HW0903", f"`{path}` cannot be written: {problem.strerror}") from None
    finally:
        made.unlink(missing_ok=True)
    return rows


def _refuse_used(place: StatePlace, effects: Effects, *, replace: bool) -> bool:
    """Tell whether there is a state that is not empty; raises Refused if it may not be replaced."""
    if not find_schema(place):
        return False
    with open_database(place, create=False) as db:
        if _is_empty(db):
            return False
        if not replace:
            hint = "`--replace` takes its place, and keeps it under another name"
            raise Refused.of("HW1032", f"the state `{place}` is not empty", hint=hint)
        _refuse_workers(db, place, effects)
    return True


def _is_empty(db: Database) -> bool:
    with db.read() as connection:
        tables = [name for name in db.backend.columns(connection) if name not in {"migrations", "counters"}]
        return not any(connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() for name in tables)


def _refuse_while_used(place: StatePlace, schema: int, effects: Effects) -> None:
    with _as_found(place, schema) as db:
        _refuse_workers(db, place, effects)


@contextmanager
def _as_found(place: StatePlace, schema: int) -> Iterator[Database]:
    """Open a state of an older schema, to be looked at."""
    with Database.at(place) as db:
        db.prepare(create=False, upgrade=False, to=schema)
        yield db


def _refuse_workers(db: Database, place: StatePlace, effects: Effects) -> None:
    alive = workers(db, effects.clock() - timedelta(seconds=_LIVES_S))
    if alive:
        names = ", ".join(sorted({f"{each.kind} {each.pid} on {each.host} ({each.version})" for each in alive})[:5])
        message = f"somebody works on the state `{place}`: {names}"
        raise Refused.of("HW1034", message, hint="stop them first: `systemctl stop headwater`, or end the process")
