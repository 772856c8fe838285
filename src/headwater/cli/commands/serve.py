"""`headwater serve`: run every pipeline of every environment when it is due."""

from typing import Literal

import click

from headwater.cli.framework import command as make
from headwater.cli.options import Duration, complete_environment
from headwater.cli.session import Session


@make(
    name="serve",
    short="Run every pipeline when it is due.",
    example="headwater serve\nheadwater serve --env prod --workers 4",
    params=[
        click.Option(
            ["--env", "environments"],
            metavar="NAME",
            multiple=True,
            help="Only start pipelines of this environment (repeatable); default: of all.",
            shell_complete=complete_environment,
        ),
        click.Option(
            ["--workers"],
            type=click.IntRange(min=0, max=256),
            default=2,
            show_default=True,
            help="How many runs it performs at once, each in a process.",
        ),
        click.Option(
            ["--grace", "grace_s"],
            metavar="DURATION",
            default="30s",
            show_default=True,
            type=Duration(),
            help="How long runs may go on when it stops, before they are put back into the queue.",
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="How it logs.",
        ),
        click.Option(
            ["--log-level"],
            type=click.Choice(["debug", "info", "warning", "error"]),
            default="info",
            show_default=True,
            help="How much it logs.",
        ),
    ],
)
def command(
    session: Session,
    environments: tuple[str, ...],
    workers: int,
    grace_s: float,
    log_format: Literal["text", "json"],
    log_level: Literal["debug", "info", "warning", "error"],
) -> int:
    """Run every pipeline of every environment when it is due, until it is told to stop (Ctrl-C, SIGTERM).

    Released code decides: what `headwater apply` has put into an environment. Several servers may share a state: one
    leads, all work; when one dies, another takes over, and goes on with what it did.
    """
    from headwater import __version__
    from headwater.app.process_logs import start_logging
    from headwater.app.serving.server import Server, Serving
    from headwater.cli.serving import until_told

    start_logging(log_format, log_level)
    serving = Serving(
        version=__version__,
        workers=workers,
        environments=environments,
        grace_s=grace_s,
        log_format=log_format,
        log_level=log_level,
    )
    with session.workspace() as workspace:
        for name in environments:
            session.require_environment(workspace, name)
        server = Server(workspace, serving)
        with until_told(server.stopped):
            server.serve()
    return 0
