"""Tells readers outside what an environment serves, and keeps DuckDB files that say so in step with its head."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headwater.app.environments import require_environment
from headwater.app.graphs import released_graph
from headwater.app.planning import selected_names
from headwater.app.workspace import Workspace
from headwater.connect.durable import alone, explained, put_over, sync_directory, sync_file
from headwater.diagnostics import Invalid
from headwater.graph.values import Graph
from headwater.project.names import file_problem, shown
from headwater.run.catalogs import PROVENANCE, Served, describe, served_names, write
from headwater.run.context import FillBook
from headwater.run.engine import as_headwater_error
from headwater.run.relations import Surroundings
from headwater.spec.project import Catalog
from headwater.sql.text import quote_literal
from headwater.state.compactions import compactions
from headwater.state.heads import read_head
from headwater.state.releases import find_release

_OTHER: Final = "name another file, or move that one away"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogWritten:
    """A DuckDB file that was written."""

    file: Path
    served: Served


def served(workspace: Workspace, environment: str, *, select: Sequence[str] = (), relative: bool = False) -> Served:
    """Say which files hold what an environment serves, as of its newest release.

    ``select`` names nodes as `run --select` does; views come with what they stand on. ``relative``: paths are relative
    to the project's directory. Raises Conflict if nothing was ever applied, Invalid for a selection of nothing.
    """
    return _look(workspace, environment, select, relative=relative)[0]


def write_catalog(
    workspace: Workspace, environment: str, file: Path, *, select: Sequence[str] = (), relative: bool = False
) -> CatalogWritten:
    """Write a DuckDB file with one view per served node, in the place of the one before; readers keep what they have.

    Raises Invalid for a file that is no catalog (HW0681), Broken if it cannot be written (HW0680).
    """
    wanted = _Wanted(file.absolute(), tuple(select), relative)
    with explained("HW0680", f"write {file}"):
        wanted.file.parent.mkdir(parents=True, exist_ok=True)
        with alone(wanted.hidden("lock")):
            return CatalogWritten(file=wanted.file, served=_write(workspace, environment, wanted))


def keep(workspace: Workspace, environment: str, wanted: Catalog, *, again: bool) -> None:
    """Bring one catalog to what its environment serves; ``again``: rows may lie elsewhere now."""
    if problem := file_problem(wanted.duckdb):
        raise Invalid.of("HW0682", f"the catalog `{shown(wanted.duckdb)}` {problem}", hint="such as out/prod.duckdb")
    file = workspace.root / wanted.duckdb
    asked = _Wanted(file, (), wanted.relative)
    release = read_head(workspace.db, environment).release
    if release is not None and (again or not asked.shows([environment, release, *_packed(workspace)])):
        write_catalog(workspace, environment, file, relative=wanted.relative)


def _look(
    workspace: Workspace, environment: str, select: Sequence[str], *, relative: bool
) -> tuple[Served, Surroundings]:
    with workspace.db.read():
        head = read_head(workspace.db, environment)
        if not head.code:
            require_environment(workspace, environment)
        graph = released_graph(workspace.db, environment, head.code)
        release = find_release(workspace.db, head.release) if head.release else None
    around = _around(workspace, graph)
    names = served_names(graph, head, selected_names(graph, select, frozenset()))
    fills = around.fills
    assert isinstance(fills, FillBook)  # noqa: S101 - made just above
    for name in names:
        fills.load(entry.fill for entry in head.entries_of(name).values())
    base = str(workspace.root) if relative else ""
    found = Served(
        environment=environment,
        release=release.id if release else "",
        at=release.at if release else workspace.effects.clock(),
        base=base,
        nodes=tuple(describe(around, head, names, base)),
    )
    return found, around


def _around(workspace: Workspace, graph: Graph) -> Surroundings:
    fills = FillBook(workspace.db, workspace.store)
    return Surroundings(graph=graph, store=workspace.store, sources={}, inspections={}, fills=fills)


def _write(workspace: Workspace, environment: str, wanted: "_Wanted") -> Served:
    """The head is read while nobody else writes this file: a later move is never replaced by an earlier one."""
    wanted.require_own(workspace)
    packed = _packed(workspace)
    found, around = _look(workspace, environment, wanted.select, relative=wanted.relative)
    workspace.temporary.mkdir(parents=True, exist_ok=True)
    with wanted.copy() as copy:
        with workspace.engine.session() as session:
            try:
                write(session, copy, found, around, workspace.settings.lake.absolute())
            except Exception as problem:
                raise as_headwater_error(problem, f"catalog `{wanted.file.name}`", store=workspace.store) from problem
        sync_file(copy)
        wanted.log.unlink(missing_ok=True)  # it belongs to the file that goes, and would be played into the new one
        copy.replace(wanted.file)
    sync_directory(wanted.file.parent)
    wanted.note([environment, found.release, *packed])
    return found


def _packed(workspace: Workspace) -> list[str]:
    """Name the last packing of small files: what is served stays the same, but lies elsewhere."""
    return [f"{each.environment} {each.node} {each.at.isoformat()}" for each in compactions(workspace.db, None, 1)]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A catalog's file, what it is to show, and the hidden files beside it."""

    file: Path
    select: tuple[str, ...]
    relative: bool

    def hidden(self, what: str) -> Path:
        return self.file.with_name(f".hw-{self.file.name}-{what}")

    @property
    def log(self) -> Path:
        return self.file.with_name(f"{self.file.name}.wal")

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """Give the path of a file to write; what is left of it afterwards is deleted."""
        copy = self.hidden("next")
        parts = (copy, copy.with_name(f"{copy.name}.wal"))
        for part in parts:
            part.unlink(missing_ok=True)
        try:
            yield copy
        finally:
            for part in parts:
                part.unlink(missing_ok=True)

    def note(self, shown: list[str]) -> None:
        """Remember what the file shows, and which file it is."""
        content = {"shows": self._shown(shown), "file": self._identity()}
        put_over(self.hidden("note"), json.dumps(content).encode())

    def shows(self, shown: list[str]) -> bool:
        """Whether the file is the one that was written last, and shows this."""
        noted = self._noted()
        is_same = noted.get("file") == self._identity() != []
        return is_same and noted.get("shows") == self._shown(shown)

    def require_own(self, workspace: Workspace) -> None:
        """Raise Invalid if the file is there and was not written as a catalog."""
        if not self.file.exists() or self._noted().get("file") == self._identity():
            return
        if not _is_catalog(workspace, self.file, self.hidden("seen")):
            raise Invalid.of("HW0681", f"{self.file} is no catalog and is not replaced", hint=_OTHER)

    def _shown(self, shown: list[str]) -> list[Any]:
        return [shown, list(self.select), self.relative]

    def _identity(self) -> list[int]:
        try:
            found = self.file.stat()
        except OSError:
            return []
        return [found.st_ino, found.st_size, found.st_mtime_ns]

    def _noted(self) -> dict[str, Any]:
        try:
            found = json.loads(self.hidden("note").read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _is_catalog(workspace: Workspace, file: Path, copy: Path) -> bool:
    """Whether a file is a catalog: asked of a copy, for somebody may have the file open for writing."""
    import duckdb

    workspace.temporary.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(file, copy)
        with workspace.engine.session() as session:
            name = f"{session.name}_seen"
            session.run(f"ATTACH {quote_literal(str(copy))} AS {name} (TYPE duckdb, READ_ONLY)")
            try:
                session.run(f"SELECT environment FROM {name}.{PROVENANCE} LIMIT 1")
            finally:
                session.run(f"DETACH {name}")
    except (duckdb.Error, OSError):
        return False
    finally:
        copy.unlink(missing_ok=True)
    return True
