"""`headwater diff`: what differs between code and an environment, or between two environments."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="diff",
    short="Show what differs: code and environment, or two environments.",
    example="headwater diff prod\nheadwater diff dev prod",
    params=[
        click.Argument(["environments"], nargs=-1, metavar="[ENV [ENV]]", shell_complete=options.complete_environment),
        options.environment("The environment, if none is named."),
    ],
)
def command(session: Session, environments: tuple[str, ...], environment: str) -> None:
    """Show what differs: code and environment, or two environments.

    With one environment (default dev), compares the project's files with its code, node by node; source data is not
    looked at (`headwater plan` does). With two, compares what they serve.
    """
    if len(environments) > 2:  # noqa: PLR2004 - a difference is of two
        raise click.UsageError("a difference is between two environments", click.get_current_context())
    if len(environments) == 2:  # noqa: PLR2004 - as above
        _between(session, *environments)
    else:
        _from_code(session, environments[0] if environments else environment)


def _between(session: Session, a: str, b: str) -> None:
    from headwater.app.environments import diff_environments
    from headwater.cli.views.environments import differences

    with session.workspace() as workspace:
        session.out.show(diff_environments(workspace, a, b), differences(a, b))


def _from_code(session: Session, environment: str) -> None:
    from headwater.app.comparing import diff_code
    from headwater.cli.views.comparison import comparison

    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        found = diff_code(workspace, environment)
    session.out.show(found, comparison(environment))
