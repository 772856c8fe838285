"""`headwater pause`: keep a pipeline from starting by itself."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="pause",
    remote="pause",
    short="Keep a pipeline from starting by itself.",
    example='headwater pause morning --env prod --reason "the source is being moved"',
    params=[
        click.Argument(["pipeline"], metavar="PIPELINE"),
        options.environment(),
        click.Option(["--reason"], metavar="TEXT", default="", help="Why, for others."),
        options.yes(),
    ],
)
def command(session: Session, pipeline: str, environment: str, reason: str, yes: bool) -> int:
    """Keep a pipeline from starting by itself until `headwater resume`. What runs goes on; by hand it can be run."""
    from headwater.app.control.stopping import pause
    from headwater.cli.views.requests import PAUSED, Paused

    del yes  # never asks
    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        changed = pause(workspace, environment, pipeline, by=workspace.user, reason=reason)
    session.out.show(Paused(environment, pipeline, is_paused=True, changed=changed), PAUSED)
    return 0
