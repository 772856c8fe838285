"""Names for shell completion, from the state alone: quick, and silent where there is no project."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.remembering import remembered

if TYPE_CHECKING:
    from headwater.state.database import Database

_MOST_RELEASES: Final = 50


def environment_names(context: click.Context) -> list[str]:
    """Give the environments that were made or written; `dev` always."""
    names = {"dev"}
    with _state(context) as db:
        if db is not None:
            from headwater.state.environments import environments

            names |= {row.name for row in environments(db)}
    return sorted(names)


def node_names(context: click.Context) -> list[str]:
    """Give the nodes that the environment serves."""
    with _state(context) as db:
        if db is None:
            return []
        from headwater.state.heads import read_head

        return sorted(read_head(db, str(context.params.get("environment") or "dev")).nodes)


def release_ids(context: click.Context) -> list[str]:
    """Give the latest releases of the environment, newest first."""
    with _state(context) as db:
        if db is None:
            return []
        from headwater.state.releases import history

        environment = str(context.params.get("environment") or "dev")
        return [release.id for release in history(db, environment, _MOST_RELEASES)]


def run_ids(context: click.Context) -> list[str]:
    """Give the latest runs, newest first."""
    with _state(context) as db:
        if db is None:
            return []
        from headwater.state.run_records import run_records

        return [run.id for run in run_records(db, context.params.get("environment"), limit=_MOST_RELEASES)]


@contextmanager
def _state(context: click.Context) -> "Iterator[Database | None]":
    """Open the state if there is one; completion says nothing about what is wrong, and makes nothing."""
    from headwater.app.settings import find_root, read_settings
    from headwater.app.workspace import state_if_any
    from headwater.diagnostics import HeadwaterError

    with ExitStack() as opened:
        try:
            root = find_root(Path(remembered(context).get("project", "")).absolute())
            db = opened.enter_context(state_if_any(read_settings(root)))
        except (HeadwaterError, OSError):
            db = None
        yield db
