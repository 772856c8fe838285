"""`headwater status`: what stands in an environment."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="status",
    remote="status",
    short="Show what stands in an environment, and what is due.",
    example="headwater status --env prod\nheadwater status --observe",
    params=[
        options.environment(),
        click.Option(["--observe"], is_flag=True, help="Look at the sources, too: what is due?"),
    ],
)
def command(session: Session, environment: str, observe: bool) -> None:
    """Show what stands in an environment: version, slots, how far each node is filled, and what is wrong.

    Reads the state only, in milliseconds; with `--observe`, it also looks at the sources and counts what is due.
    """
    from headwater.app.status import status
    from headwater.cli.views.status import STATUS

    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        session.out.show(status(workspace, environment, observe=observe), STATUS)
