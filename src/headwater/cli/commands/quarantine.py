"""`headwater quarantine`: rows that were set aside."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.framework import group
from headwater.cli.session import Session


def _node() -> click.Argument:
    return click.Argument(["node"], metavar="NODE", shell_complete=options.complete_node)


@make(
    name="list",
    short="Count the rows that were set aside.",
    example="headwater quarantine list --env prod",
    params=[options.environment()],
)
def list_(session: Session, environment: str) -> None:
    """Count the rows that were set aside in what an environment stands on, by node and reason."""
    from headwater.app.quarantine import list_rejects
    from headwater.cli.views.quarantine import SUMMARY

    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        session.out.show(list_rejects(workspace, environment), SUMMARY)


@make(
    name="show",
    short="Show rows that were set aside.",
    example="headwater quarantine show flights --limit 5",
    params=[
        _node(),
        options.environment(),
        click.Option(["--reason"], metavar="REASON", help="Only those set aside for this reason."),
        click.Option(["--limit", "-n"], type=click.IntRange(min=1), default=20, show_default=True, help="How many."),
    ],
)
def show(session: Session, node: str, environment: str, reason: str | None, limit: int) -> None:
    """Show rows that a node set aside: where each stands, why it was set aside, and the row as it was."""
    from headwater.app.quarantine import show_rejects
    from headwater.cli.views.quarantine import ROWS

    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        session.out.show(show_rejects(workspace, environment, node, limit, reason=reason), ROWS)


@make(
    name="replay",
    short="Read files with rows set aside again.",
    example="headwater quarantine replay flights && headwater run",
    params=[_node(), options.environment(), options.yes()],
)
def replay(session: Session, node: str, environment: str, yes: bool) -> None:
    """Read a source's files with rows set aside again: rows that lay in the future may belong to it today."""
    from headwater.app.quarantine import replay
    from headwater.cli.views.quarantine import REPLAYED

    del yes  # never asks
    with session.at_work() as workspace:
        session.require_environment(workspace, environment)
        found = replay(workspace, environment, node)
    session.out.show(found, REPLAYED)


command = group(
    "quarantine",
    "Look at rows that were set aside, or read them again.",
    short="Look at rows that were set aside, or read them again.",
    example="headwater quarantine list",
    commands=[list_, show, replay],
)
