"""`headwater cancel`: stop a run."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="cancel",
    remote="cancel",
    short="Stop a run that waits or runs on a server.",
    example="headwater cancel 3f2a91c0d1e2",
    params=[click.Argument(["run"], metavar="RUN"), options.yes()],
)
def command(session: Session, run: str, yes: bool) -> int:
    """Stop a run: at once if it waits in the queue; one that is under way ends within a second or two.

    Nothing of it becomes visible. What it has computed is kept: the next run goes on from there.
    """
    from headwater.app.control.stopping import cancel
    from headwater.cli.views.requests import REQUEST

    del yes  # never asks
    with session.watching() as workspace:
        request = cancel(workspace, run, by=workspace.user)
    session.out.show(request, REQUEST)
    return 0
