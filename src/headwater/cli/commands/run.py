"""`headwater run`: fill what is due, with the code that an environment has."""

import time
from typing import TYPE_CHECKING, Any

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session

if TYPE_CHECKING:
    from headwater.diagnostics import Diagnostic


@make(
    name="run",
    short="Fill what is due in an environment, with the code it has.",
    example="headwater run --env prod\nheadwater run +daily_delays tag:ops\nheadwater run --from clean --skip report",
    params=[
        click.Argument(["select"], nargs=-1, metavar="[NODE…]", shell_complete=options.complete_node),
        options.environment(),
        options.nodes(["--from", "start_from"], "Fill only this and all that reads it (repeatable)."),
        options.nodes(["--skip"], "Let this and all that reads it keep what they have (repeatable)."),
        options.moment(["--since"], "Fill only slots that reach beyond this time."),
        options.moment(["--until"], "Fill only slots that begin before this time."),
        click.Option(["--again"], is_flag=True, help="Fill slots, too, that stand on what is there now."),
        click.Option(
            ["--timeout", "timeout_s"],
            metavar="DURATION",
            type=options.Duration(),
            help="Stop the run after this time.",
        ),
        options.nodes(["--retry-set-aside"], "Try again what was set aside because it crashed (repeatable)."),
        click.Option(["--release-holds"], is_flag=True, help="Fill slots that a rollback holds, too."),
        options.message(),
        options.wait(),
        options.yes(),
    ],
)
def command(session: Session, since: Any, until: Any, wait_s: float, yes: bool, **asked: Any) -> int:
    """Fill what is due in an environment, with the code it has.

    NODE selects: a pipeline, a name, +name (and all it reads), name+ (and all that read it), tag:x,
    path:models/x/*. What fails or is refused by a check is withheld, with all that reads it; the rest becomes visible
    at once.

    With --since or --until, only tables that are cut by time are filled, in the slots that hold some of that stretch
    and what those need of each other. A time without a zone is one in the zone of the models.
    """
    from headwater.app.alerting.after_run import told_afterwards
    from headwater.app.orders import stretch_of
    from headwater.app.running import run
    from headwater.cli.views.outcome import OUTCOME, Done
    from headwater.spec.orders import Order

    del yes  # never asks
    began = time.monotonic()
    remarks: list[Diagnostic] = []
    with session.at_work() as workspace:
        session.require_environment(workspace, asked["environment"])
        order = Order(**asked, because="by hand")
        stretch = stretch_of(workspace, order, since, until)
        with told_afterwards(workspace, order.environment, remarks.extend):
            outcome = run(workspace, stretch, wait_s=wait_s)
    session.say((*outcome.diagnostics, *remarks))
    session.out.show(Done(outcome, time.monotonic() - began), OUTCOME)
    return outcome.exit_code
