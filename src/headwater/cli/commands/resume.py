"""`headwater resume`: let a paused pipeline start by itself again."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="resume",
    remote="resume",
    short="Let a paused pipeline start by itself again.",
    example="headwater resume morning --env prod",
    params=[click.Argument(["pipeline"], metavar="PIPELINE"), options.environment(), options.yes()],
)
def command(session: Session, pipeline: str, environment: str, yes: bool) -> int:
    """Let a paused pipeline start by itself again; its `catch_up` says what becomes of the times it has missed."""
    from headwater.app.control.stopping import resume
    from headwater.cli.views.requests import PAUSED, Paused

    del yes  # never asks
    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        changed = resume(workspace, environment, pipeline, by=workspace.user)
    session.out.show(Paused(environment, pipeline, is_paused=False, changed=changed), PAUSED)
    return 0
