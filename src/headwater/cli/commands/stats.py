"""`headwater stats`: how well pipelines do."""

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="stats",
    remote="stats",
    short="Show how well pipelines do: success, durations, recovery.",
    example="headwater stats --env prod --since 7d\nheadwater stats morning --json",
    params=[
        click.Argument(["pipeline"], required=False, metavar="[PIPELINE]"),
        click.Option(
            ["--env", "environment"],
            metavar="NAME",
            help="Only of an environment; default: of all.",
            shell_complete=options.complete_environment,
        ),
        click.Option(
            ["--since", "since_s"],
            metavar="DURATION",
            default="30d",
            show_default=True,
            type=options.Duration(),
            help="How far back.",
        ),
    ],
)
def command(session: Session, pipeline: str | None, environment: str | None, since_s: float) -> None:
    """Show how well pipelines do: success, durations, lateness, and how long it takes to detect and mend a failure.

    It is computed from the records of runs. An outage lasts from the moment in which what failed had begun to the end
    of the next run that went well; it is detected when an alert's incident opens, or else when the failed run ends.
    """
    from datetime import timedelta

    from headwater.app.statistics import statistics
    from headwater.cli.views.stats import STATS, Statistics, of_pipeline

    with session.watching() as workspace:
        if environment is not None:
            session.require_environment(workspace, environment)
        now = workspace.effects.clock()
        since = now - timedelta(seconds=since_s)
        every = statistics(workspace.db, environment, since, now)
    session.out.show(of_pipeline(Statistics(since, now, every), pipeline), STATS)
