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

    With one environment (default dev), from its code to the project's files; with two, from the code of the first to
    that of the second. Rows are not looked at: `headwater plan` and `headwater env diff` do that.
    """
    if len(environments) > 2:  # noqa: PLR2004 - a difference is of two
        raise click.UsageError("a difference is between two environments", click.get_current_context())
    if len(environments) == 2:  # noqa: PLR2004 - as above
        _between(session, *environments)
    else:
        _from_code(session, environments[0] if environments else environment)


def _between(session: Session, a: str, b: str) -> None:
    from headwater.app.comparing import compare_environments
    from headwater.cli.views.comparison import comparison

    with session.workspace() as workspace:
        for name in (a, b):
            session.require_environment(workspace, name)
        session.out.show(compare_environments(workspace, a, b), comparison(a, b))


def _from_code(session: Session, environment: str) -> None:
    from headwater.app.comparing import compare_code
    from headwater.app.compiling import compiled_for
    from headwater.cli.views.comparison import comparison

    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        graph = compiled_for(workspace, environment).graph
        assert graph is not None  # noqa: S101 - `compiled` raises otherwise
        session.out.show(compare_code(workspace, environment, graph), comparison(environment, "the files"))
