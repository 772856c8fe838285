"""`headwater run`: fill what is due, with the code that an environment has."""

import time

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="run",
    short="Fill what is due in an environment, with the code it has.",
    example="headwater run --env prod\nheadwater run +daily_delays tag:ops",
    params=[
        click.Argument(["select"], nargs=-1, metavar="[NODE…]", shell_complete=options.complete_node),
        options.environment(),
        click.Option(["--release-holds"], is_flag=True, help="Fill slots that a rollback holds, too."),
        options.message(),
        options.wait(),
        options.yes(),
    ],
)
def command(
    session: Session,
    select: tuple[str, ...],
    environment: str,
    release_holds: bool,
    message: str,
    wait_s: float,
    yes: bool,
) -> int:
    """Fill what is due in an environment, with the code it has.

    NODE selects: a pipeline, a name, +name (and all it reads), name+ (and all that read it), tag:x,
    path:models/x/*. What fails or is refused by a check is withheld, with all that reads it; the rest becomes visible
    at once.
    """
    from headwater.app.running import run
    from headwater.cli.views.outcome import OUTCOME, Done

    del yes  # never asks
    began = time.monotonic()
    with session.at_work() as workspace:
        session.require_environment(workspace, environment)
        outcome = run(
            workspace, environment, select=select, release_holds=release_holds, message=message, wait_s=wait_s
        )
    session.say(outcome.diagnostics)
    session.out.show(Done(outcome, time.monotonic() - began), OUTCOME)
    return outcome.exit_code
