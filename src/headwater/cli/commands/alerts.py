"""`headwater alerts`: what is wrong, and who was told."""

import click

from headwater.cli import options
from headwater.cli.framework import Group, group
from headwater.cli.framework import command as make
from headwater.cli.session import Session

_BROKEN = 5
_incident = click.Argument(["incident"], metavar="ID")


@make(
    name="list",
    remote="alerts",
    short="List what is wrong, newest first.",
    example="headwater alerts list --env prod --all",
    params=[
        click.Option(
            ["--env", "environment"],
            metavar="NAME",
            help="One environment; default: all.",
            shell_complete=options.complete_environment,
        ),
        click.Option(["--all", "closed"], is_flag=True, help="Also what is over."),
        click.Option(["--limit", "-n"], type=click.IntRange(min=1), default=50, show_default=True, help="How many."),
    ],
)
def list_(session: Session, environment: str | None, closed: bool, limit: int) -> None:
    """List the incidents that alerts have opened, newest first, and what channels did not take."""
    from headwater.app.alerting.asking import list_incidents
    from headwater.cli.views.alerts import INCIDENTS

    with session.watching() as workspace:
        if environment is not None:
            session.require_environment(workspace, environment)
        session.out.show(list_incidents(workspace, environment, closed=closed, limit=limit), INCIDENTS)


@make(
    name="show",
    short="Show an incident, and who was told of it.",
    example="headwater alerts show 4f1c",
    params=[_incident],
)
def show(session: Session, incident: str) -> None:
    """Show an incident by its id, or the beginning of it: what is wrong, since when, what to do, and who was told."""
    from headwater.app.alerting.asking import show_incident
    from headwater.cli.views.alerts import INCIDENT

    with session.workspace() as workspace:
        session.out.show(show_incident(workspace, incident), INCIDENT)


@make(
    name="test",
    short="Send a test message to the channels of an alert.",
    example="headwater alerts test team",
    params=[click.Argument(["name"], metavar="ALERT")],
)
def test(session: Session, name: str) -> int:
    """Send a test message to the channels of an alert, as the project's files have it.

    ALERT is its name; of an alert that stands in a pipeline, `pipeline.name`. Ends with 5 if a channel did not take it.
    """
    from headwater.app.alerting.asking import try_alert
    from headwater.cli.views.alerts import TRIED

    with session.workspace() as workspace:
        tried = try_alert(workspace, name)
    session.out.show(tried, TRIED)
    return _BROKEN if any(each.problem for each in tried) else 0


@make(
    name="ack",
    short="Say that you look after an incident: it is not told again.",
    example="headwater alerts ack 4f1c",
    params=[_incident],
)
def ack(session: Session, incident: str) -> None:
    """Say that you look after an incident: it is not told again. That it is over is still told."""
    from headwater.app.alerting.asking import acknowledge_incident, show_incident
    from headwater.cli.views.alerts import INCIDENT

    with session.workspace() as workspace:
        session.out.show(show_incident(workspace, acknowledge_incident(workspace, incident).id), INCIDENT)


class _ListByDefault(Group):
    """`headwater alerts` alone lists."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read arguments; those that name no command are the list's."""
        is_option = bool(args) and args[0].startswith("-") and args[0] != "--help"
        return super().parse_args(ctx, ["list", *args] if not args or is_option else args)


_made = group(
    "alerts",
    "Show what is wrong and who was told, take an incident over, or try a channel. Alone: `alerts list`.",
    short="Show what is wrong and who was told.",
    example="headwater alerts",
    commands=[list_, show, test, ack],
)
command = _ListByDefault(
    name=_made.name,
    help=_made.help,
    short_help=_made.short_help,
    example=_made.example,
    sections=_made.sections,
    commands=_made.commands,
)
