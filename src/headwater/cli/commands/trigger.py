"""`headwater trigger`: run a pipeline now, as its schedule would."""

from typing import TYPE_CHECKING

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session

if TYPE_CHECKING:
    from headwater.diagnostics import Diagnostic

_CODES = {"done": 0, "failed": 1, "set_aside": 1, "cancelled": 1}


@make(
    name="trigger",
    remote="trigger",
    short="Run a pipeline now, on a server if one serves.",
    example="headwater trigger morning --env prod\nheadwater trigger morning --env prod --detach",
    params=[
        click.Argument(["pipeline"], metavar="PIPELINE"),
        options.environment(),
        click.Option(["--detach"], is_flag=True, help="Do not wait for its end."),
        options.message(),
        options.yes(),
    ],
)
def command(session: Session, pipeline: str, environment: str, detach: bool, message: str, yes: bool) -> int:
    """Run a pipeline now: its order goes into the queue, where a worker of `headwater serve` takes it.

    Where nobody serves, this command performs it itself. A run that waits already for the same will do for both.
    """
    from headwater.app.alerting.after_run import told_afterwards
    from headwater.app.control.ordering import order_run
    from headwater.app.serving.here import await_request, is_served
    from headwater.cli.views.requests import REQUEST
    from headwater.spec.orders import Order

    del yes  # never asks
    remarks: list[Diagnostic] = []
    with session.at_work() as workspace:
        session.require_environment(workspace, environment)
        order = Order(
            environment=environment, select=(pipeline,), pipeline=pipeline, message=message, because="by hand"
        )
        ordered = order_run(workspace, order, kind="hand", by=workspace.user)
        served = is_served(workspace)
        request = ordered.request
        if not detach:
            with told_afterwards(workspace, environment, remarks.extend):
                request = await_request(workspace, request.id, here=not served)
    session.say(remarks)
    session.out.show(request, REQUEST)
    return 0 if detach else _CODES.get(request.status, 1)
