"""`headwater lineage`: who reads what, down to columns."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="lineage",
    short="Show who reads what, down to columns.",
    example="headwater lineage daily_delays\nheadwater lineage daily_delays mean_delay --env prod",
    params=[
        click.Argument(["node"], metavar="NODE", shell_complete=options.complete_node),
        click.Argument(["column"], required=False, metavar="[COLUMN]"),
        click.Option(
            ["--env", "environment"],
            metavar="NAME",
            help="The code that an environment has, instead of the project's files.",
            shell_complete=options.complete_environment,
        ),
    ],
)
def command(session: Session, node: str, column: str | None, environment: str | None) -> None:
    """Show what a node, or one of its columns, is made of, and what is made of it, directly and indirectly.

    Columns count that become values, and those that decide which rows exist (WHERE, JOIN, GROUP BY).
    """
    from headwater.app.lineage import lineage
    from headwater.cli.views.lineage import LINEAGE

    with session.workspace() as workspace:
        if environment is not None:
            session.require_environment(workspace, environment)
        session.out.show(lineage(workspace, node, column, environment=environment), LINEAGE)
