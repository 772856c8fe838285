"""A project opened for work: its settings, state and lake, and the effects that everything below is handed."""

import getpass
import os
import random
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.app.settings import Settings, find_root, read_settings
from headwater.connect.stores import Store
from headwater.diagnostics import Broken
from headwater.events import Emit, silent
from headwater.state.database import Database, open_database

if TYPE_CHECKING:
    from headwater.connect.runtimes import Runtime
    from headwater.graph.borders import Borders
    from headwater.run.engine import Engine

__all__ = ["Effects", "Workspace", "find_root", "open_workspace"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Time, chance and observers, as everything below receives them; tests bring their own."""

    clock: Callable[[], datetime] = _now
    monotonic: Callable[[], float] = time.monotonic
    """Seconds that pass, whatever is done to the clock."""
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    token: Callable[[], str] = field(default=lambda: secrets.token_hex(6))
    emit: Emit = silent


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A project whose state is open. Lake and engine are made when first used."""

    settings: Settings
    db: Database
    effects: Effects
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables given on the command line."""
    _runtimes: dict[str, "Runtime"] = field(default_factory=dict, repr=False)

    def runtime(self, borders: "Borders") -> "Runtime":
        """Give what talks to a project's remote sites; the workers that it starts end with the workspace."""
        from headwater.app.runtimes import open_runtime, places_of

        key = repr(sorted(places_of(borders, self.root).items()))
        found = self._runtimes.get(key)
        return found or self._runtimes.setdefault(key, open_runtime(borders, self.root))

    def close(self) -> None:
        """End what was started for it."""
        for runtime in self._runtimes.values():
            runtime.close()
        self._runtimes.clear()

    @property
    def root(self) -> Path:
        """Directory of the project."""
        return self.settings.root

    @cached_property
    def store(self) -> Store:
        """The lake."""
        from headwater.connectors.stores.lake import Lake

        return Lake(self.settings.lake)

    @cached_property
    def engine(self) -> "Engine":
        """The embedded engine: all cores, and disk beside the state when memory runs out."""
        from headwater.run.engine import Engine, EngineLimits

        return Engine(EngineLimits(threads=cores(), temp_directory=str(self.temporary)))

    @property
    def temporary(self) -> Path:
        """Where the engine spills."""
        return self.settings.home / "tmp"

    @cached_property
    def user(self) -> str:
        """Who does it."""
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return str(os.getuid()) if hasattr(os, "getuid") else "unknown"

    @cached_property
    def commit(self) -> str:
        """The Git commit of the project, with ``+`` where files differ from it; empty outside Git."""
        commit = self._git("rev-parse", "--short=12", "HEAD")
        return f"{commit}+" if commit and not self.is_clean else commit

    @cached_property
    def is_clean(self) -> bool:
        """Whether Git sees no difference between the project's files and its commit."""
        return bool(self._git("rev-parse", "--git-dir")) and not self._git("status", "--porcelain", "--", ".")

    def _git(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                ["git", *arguments],  # noqa: S607 - the user's own git
                cwd=self.root,
                capture_output=True,
                text=True,
                check=False,
                timeout=20,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def open_workspace(
    root: Path,
    *,
    variables: Mapping[str, str] | None = None,
    emit: Emit = silent,
    effects: Effects | None = None,
) -> Iterator[Workspace]:
    """Open a project: read its settings and its state (made if there is none); close what was opened afterwards."""
    settings = read_settings(find_root(root.absolute()))
    given = effects or Effects(emit=emit)
    if emit is not silent:
        given = replace(given, emit=emit)
    with _opened(settings) as db:
        workspace = Workspace(settings=settings, db=db, effects=given, variables=variables or {})
        try:
            yield workspace
        finally:
            workspace.close()
            if "engine" in workspace.__dict__:
                workspace.engine.close()


def _opened(settings: Settings) -> Database:
    """Open the state. Only where there never was one, it is made: with a new state, the lake's releases would be lost.

    Raises Broken if there is no state but the lake has releases.
    """
    place = settings.state
    try:
        return open_database(place, create=False)
    except Broken as problem:
        if problem.diagnostics[0].code != "HW0601":
            raise
    from headwater.connectors.stores.lake import Lake

    if next(iter(Lake(settings.lake).releases()), None) is not None:
        message = f"the state `{place}` is lost: the lake `{settings.lake}` holds releases"
        hint = "`headwater doctor --repair` rebuilds the state from the lake; or name another `state:` or `lake:`"
        raise Broken.of("HW0601", message, hint=hint)
    return open_database(place)


@contextmanager
def state_if_any(settings: Settings) -> Iterator[Database | None]:
    """Open the state if there is one: looking at a project must not make it."""
    try:
        opened = open_database(settings.state, create=False)
    except Broken as problem:
        if problem.diagnostics[0].code != "HW0601":
            raise
        yield None
        return
    with opened as db:
        yield db
