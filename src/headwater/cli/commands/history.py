"""`headwater history`: the releases of an environment, newest first."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="history",
    remote="history",
    short="List the releases of an environment, newest first.",
    example="headwater history --env prod --limit 5",
    params=[
        options.environment(),
        click.Option(["--limit", "-n"], type=click.IntRange(min=1), default=20, show_default=True, help="How many."),
    ],
)
def command(session: Session, environment: str, limit: int) -> None:
    """List the releases of an environment, newest first.

    Each apply, run and rollback that moved something made one; the list says who did it, when, and whether code moved
    or only data.
    """
    from headwater.app.history import history
    from headwater.cli.views.history import HISTORY

    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        session.out.show(history(workspace, environment, limit), HISTORY)
