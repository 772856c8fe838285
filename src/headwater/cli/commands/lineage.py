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
    from headwater.cli.views.lineage import LINEAGE
    from headwater.graph.lineage import trace

    if environment is None:
        from headwater.app.checking import compiled
        from headwater.app.workspace import find_root

        checked = compiled(find_root(session.project.absolute()), "dev", session.variables)
        assert checked.graph is not None  # noqa: S101 - `compiled` raises otherwise
        graph = checked.graph
    else:
        from headwater.app.contexts import released_graph
        from headwater.state.heads import read_head

        with session.workspace() as workspace:
            session.require_environment(workspace, environment)
            graph = released_graph(workspace.db, environment, read_head(workspace.db, environment).code)
    session.out.show(trace(graph, node, column), LINEAGE)
