"""`headwater runs`: what ran, runs and waits to run."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session

_STATUSES = ("queued", "running", "done", "failed", "cancelled", "set_aside")


@make(
    name="runs",
    remote="runs",
    short="List runs, newest first: why, how long, what came of it.",
    example="headwater runs --env prod --pipeline morning\nheadwater runs --status failed",
    params=[
        click.Option(
            ["--env", "environment"],
            metavar="NAME",
            help="Only of an environment; default: of all.",
            shell_complete=options.complete_environment,
        ),
        click.Option(["--pipeline"], metavar="NAME", help="Only of a pipeline."),
        click.Option(["--status"], type=click.Choice(_STATUSES), multiple=True, help="Only such (repeatable)."),
        click.Option(["--limit", "-n"], type=click.IntRange(min=1), default=20, show_default=True, help="How many."),
    ],
)
def command(
    session: Session, environment: str | None, pipeline: str | None, status: tuple[str, ...], limit: int
) -> None:
    """List runs, newest first: those by hand, those that a server was asked for, and those that wait in its queue.

    `headwater logs RUN` shows what one of them said.
    """
    from headwater.cli.views.runs import RUNS
    from headwater.state.run_records import run_records

    with session.watching() as workspace:
        if environment is not None:
            session.require_environment(workspace, environment)
        found = run_records(workspace.db, environment, pipeline=pipeline, statuses=status, limit=limit)
        session.out.show(found, RUNS)
