"""`headwater top`: a live screen of what goes on."""

import sys
from typing import TYPE_CHECKING

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session

if TYPE_CHECKING:
    from datetime import datetime

    from headwater.app.watching import Look, Watcher


@make(
    name="top",
    short="Watch runs, queue, workers and incidents, live.",
    example="headwater top\nheadwater top --once --env prod",
    params=[
        click.Option(
            ["--env", "environment"],
            metavar="NAME",
            help="Only of an environment; default: of all.",
            shell_complete=options.complete_environment,
        ),
        click.Option(["--once"], is_flag=True, help="Print one frame and end, as without a terminal."),
    ],
)
def command(session: Session, environment: str | None, once: bool) -> None:
    """Watch what goes on: runs with their tasks, the queue, what starts next, workers, sites, open incidents.

    All of it is read from the state, so it shows what every server and every command does. q ends it.
    """
    from headwater.app.watching import Watcher
    from headwater.cli.screen import show_live
    from headwater.cli.views.top import TOP

    with session.watching() as workspace:
        if environment is not None:
            session.require_environment(workspace, environment)
        watcher, clock = Watcher(workspace.db, environment), workspace.effects.clock
        if once or not session.out.is_live or not sys.stdin.isatty():
            session.out.show(watcher.look(clock()), TOP)
            return
        try:
            show_live(lambda page: TOP.lines(_look(watcher, clock()), page), color=session.out.color)
        except KeyboardInterrupt:
            return  # as good a way to end it as q


def _look(watcher: "Watcher", now: "datetime") -> "Look":
    from headwater.app.direct_runs import end_dead_runs

    end_dead_runs(watcher.db, now)
    return watcher.look(now)
