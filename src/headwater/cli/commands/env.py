"""`headwater env`: environments, made, listed, compared and deleted."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.framework import group
from headwater.cli.session import Session


def _name(argument: str = "name") -> click.Argument:
    return click.Argument([argument], metavar=argument.upper(), shell_complete=options.complete_environment)


@make(name="list", short="List all environments.", example="headwater env list")
def list_(session: Session) -> None:
    """List all environments: what each serves, and since when."""
    from headwater.app.environments import list_environments
    from headwater.cli.views.environments import ENVIRONMENTS

    with session.workspace() as workspace:
        session.out.show(list_environments(workspace), ENVIRONMENTS)


@make(
    name="create",
    short="Make an environment from another one.",
    example="headwater env create pr-12 --like pr\nheadwater env create experiment --from prod",
    params=[
        click.Argument(["name"], metavar="NAME"),
        click.Option(
            ["--from", "parent"],
            metavar="ENV",
            help="Begin with what this one serves.",
            shell_complete=options.complete_environment,
        ),
        click.Option(["--like"], metavar="TEMPLATE", help="Make it after a template of headwater.yaml."),
    ],
)
def create(session: Session, name: str, parent: str | None, like: str | None) -> None:
    """Make an environment; with a parent, it serves the very tables of the parent from the start."""
    from headwater.app.environments import create_environment
    from headwater.cli.views.environments import one_document
    from headwater.cli.views.text import clean, count, moment

    with session.workspace() as workspace:
        made = create_environment(workspace, name, parent=parent, like=like)
    if session.out.json:
        session.out.document(one_document(made))
        return
    origin = f" from {clean(made.parent)} with {count(made.nodes, 'node')}" if made.parent else ""
    until = f", until {moment(made.expires)}" if made.expires else ""
    session.out.remark(f"{click.style('✓', fg='green')} Made {clean(made.name)}{origin}{until}.")


@make(
    name="diff",
    short="Compare what two environments serve.",
    example="headwater env diff dev prod",
    params=[_name("a"), _name("b")],
)
def diff(session: Session, a: str, b: str) -> None:
    """Compare what two environments serve: code and filled slots of each node."""
    from headwater.app.environments import diff_environments
    from headwater.cli.views.environments import differences

    with session.workspace() as workspace:
        session.out.show(diff_environments(workspace, a, b), differences(a, b))


@make(
    name="delete",
    short="Delete an environment.",
    example="headwater env delete pr-12 --yes",
    params=[_name(), options.yes()],
)
def delete(session: Session, name: str, yes: bool) -> None:
    """Delete an environment. Its releases stay in the history; rows that only it used go with the next janitor."""
    from headwater.app.environments import delete_environment, require_environment
    from headwater.cli.views.text import clean

    with session.workspace() as workspace:
        require_environment(workspace, name)
        session.confirm(f"Delete the environment `{name}`?", answered=yes)
        delete_environment(workspace, name, confirmed=True)
    if session.out.json:
        session.out.document({"environment": name, "deleted": True})
    else:
        session.out.remark(f"{click.style('✓', fg='green')} Deleted {clean(name)}.")


command = group(
    "env",
    "List, create, compare and delete environments.",
    short="List, create, compare and delete environments.",
    example="headwater env create pr-12 --like pr",
    commands=[list_, create, diff, delete],
)
