"""`headwater logs`: what a run said, or says."""

from typing import TYPE_CHECKING

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headwater.app.run_reading import Said, Wanted
    from headwater.app.workspace import Workspace
    from headwater.events.words import Level


@make(
    name="logs",
    remote="logs",
    short="Show what a run said, or follow what it says.",
    example="headwater logs last\nheadwater logs -f last --env prod --level warning",
    params=[
        click.Argument(["run"], default="last", metavar="[RUN]", shell_complete=options.complete_run),
        click.Option(
            ["--env", "environment"],
            metavar="NAME",
            help="Of which environment `last` is the last run; default: of all.",
            shell_complete=options.complete_environment,
        ),
        click.Option(["--follow", "-f"], is_flag=True, help="Go on until the run has ended."),
        click.Option(
            ["--node"], metavar="NODE", help="Only what is about a node.", shell_complete=options.complete_node
        ),
        click.Option(
            ["--level"],
            type=click.Choice(["debug", "info", "warning", "error"]),
            default="info",
            show_default=True,
            help="The least urgent lines to show.",
        ),
        click.Option(
            ["--format", "form"],
            type=click.Choice(["text", "jsonl"]),
            default="text",
            show_default=True,
            help="jsonl: one JSON object a line, as they come.",
        ),
    ],
)
def command(
    session: Session,
    run: str,
    environment: str | None,
    follow: bool,
    node: str | None,
    level: "Level",
    form: str,
) -> None:
    """Show what a run said, or follow what it says.

    RUN is the id of a run (or its beginning), as `headwater runs` lists them; default: the last. Runs are read from
    the state, wherever they work; one that is still queued is waited for.
    """
    from headwater.app.run_reading import Wanted, find_run, log_of
    from headwater.cli.telling import require_one_form, show
    from headwater.cli.views.logs import LOG

    require_one_form(session, form)
    wanted = Wanted(node=node, level=level)
    with session.watching() as workspace:
        found = find_run(workspace.db, run, environment)
        if session.out.json:
            _wait(workspace, found.id, wanted, follow)
            session.out.show(log_of(workspace.db, found.id, wanted), LOG)
        else:
            show(session, _every(workspace, found.id, wanted, follow), form)


def _wait(workspace: "Workspace", run: str, wanted: "Wanted", is_followed: bool) -> None:
    """A document is printed once everything that belongs to it has happened."""
    from headwater.app.run_reading import follow

    for _ in follow(workspace.db, run, wanted, _sleep(workspace)) if is_followed else ():
        continue


def _sleep(workspace: "Workspace") -> "Callable[[float], None]":
    """Between two looks it is seen whether the process of a run by hand has died: it would never end else."""
    from headwater.app.direct_runs import end_dead_runs

    def sleep(seconds: float) -> None:
        workspace.effects.sleep(seconds)
        end_dead_runs(workspace.db, workspace.effects.clock())

    return sleep


def _every(workspace: "Workspace", run: str, wanted: "Wanted", is_followed: bool) -> "Iterator[Said]":
    from headwater.app.run_reading import follow, log_of

    if is_followed:
        return follow(workspace.db, run, wanted, _sleep(workspace))
    return iter([log_of(workspace.db, run, wanted)])
