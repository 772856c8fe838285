"""`headwater resume`: let a paused pipeline start by itself again."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="resume",
    short="Let a paused pipeline start by itself again.",
    example="headwater resume morning --env prod",
    params=[click.Argument(["pipeline"], metavar="PIPELINE"), options.environment(), options.yes()],
)
def command(session: Session, pipeline: str, environment: str, yes: bool) -> int:
    """Let a paused pipeline start by itself again; its `catch_up` says what becomes of the times it has missed."""
    from headwater.app.control.stopping import resume

    del yes  # never asks
    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        changed = resume(workspace, environment, pipeline, by=workspace.user)
    if session.out.json:
        session.out.document({"environment": environment, "pipeline": pipeline, "paused": False, "changed": changed})
    else:
        session.out.remark(f"`{pipeline}` of {environment} {'starts by itself again' if changed else 'was not paused'}")
    return 0
