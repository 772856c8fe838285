"""`headwater serve`: run every pipeline of every environment when it is due."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Literal

import click

from headwater.cli import cycles
from headwater.cli.framework import command as make
from headwater.cli.options import Duration, complete_environment
from headwater.cli.session import Session

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


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
            ["--host"], metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Where the API answers."
        ),
        click.Option(
            ["--port"],
            type=click.IntRange(min=0, max=65535),
            default=8650,
            show_default=True,
            help="Its port; 0 takes a free one.",
        ),
        click.Option(["--no-api"], is_flag=True, help="Serve without the API."),
        click.Option(["--allow-remote"], is_flag=True, help="Let other machines reach the API, too."),
        click.Option(["--tls-cert"], metavar="FILE", type=_FILE, help="Certificate of the API (PEM)."),
        click.Option(["--tls-key"], metavar="FILE", type=_FILE, help="Key of the certificate (PEM)."),
        click.Option(["--open-metrics"], is_flag=True, help="Give /metrics and /ready to anybody who reaches them."),
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
    **api: Any,
) -> int:
    """Run every pipeline of every environment when it is due, until it is told to stop (Ctrl-C, SIGTERM).

    Released code decides: what `headwater apply` has put into an environment. Several servers may share a state: one
    leads, all work; when one dies, another takes over, and goes on with what it did.
    """
    from headwater import __version__
    from headwater.app.process_logs import start_logging
    from headwater.app.serving.server import Server, Serving
    from headwater.cli.serving import until_told

    _require_consent(**api)
    cycles.look_often()
    start_logging(log_format, log_level)
    with session.workspace() as workspace, ExitStack() as opened:
        for name in environments:
            session.require_environment(workspace, name)
        serving = Serving(
            version=__version__,
            workers=workers,
            environments=environments,
            url="" if api["no_api"] else _start_api(workspace.root, opened, **api),
            grace_s=grace_s,
            log_format=log_format,
            log_level=log_level,
        )
        server = Server(workspace, serving)
        with until_told(server.stopped):
            server.serve()
    return 0


def _require_consent(*, host: str, no_api: bool, allow_remote: bool, **others: Any) -> None:
    """Other machines reach the API only if somebody wants that."""
    from headwater.web.serving import is_loopback

    del others
    if not (no_api or allow_remote or is_loopback(host)):
        context = click.get_current_context()
        raise click.UsageError(f"other machines would reach the API at {host}: --allow-remote lets them", context)


def _start_api(
    root: Path,
    opened: ExitStack,
    *,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    open_metrics: bool,
    **others: Any,
) -> str:
    from headwater.web.serving import start_api

    del others
    api = start_api(root, host, port, tls_cert=tls_cert, tls_key=tls_key, open_metrics=open_metrics)
    opened.callback(api.stop)
    return api.url
