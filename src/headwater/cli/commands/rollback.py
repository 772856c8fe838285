"""`headwater rollback`: take an environment back to an earlier release."""

import time

import click

from headwater.cli import options
from headwater.cli.ending import DONE, exit_code
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="rollback",
    remote="rollback",
    short="Take an environment back to an earlier release.",
    example="headwater rollback --env prod\nheadwater rollback --env prod --to 3f2a91c0 --data --yes",
    params=[
        click.Argument(["release"], required=False, metavar="[RELEASE]", shell_complete=options.complete_release),
        options.environment(),
        click.Option(
            ["--to"], metavar="RELEASE", help="The release to go back to.", shell_complete=options.complete_release
        ),
        click.Option(["--data"], is_flag=True, help="Take rows back too, and hold them until their inputs move."),
        click.Option(["--dry-run"], is_flag=True, help="Only say what would change."),
        options.message(),
        options.yes(),
    ],
)
def command(
    session: Session,
    release: str | None,
    environment: str,
    to: str | None,
    data: bool,
    dry_run: bool,
    message: str,
    yes: bool,
) -> int:
    """Take an environment back to an earlier release.

    RELEASE (or its beginning; see `headwater history`) is the one that comes back; without it, the one before the last
    change of code. Code goes back and rows stay, unless `--data`. No table is touched: it takes milliseconds.
    """
    from headwater.app.rolling_back import preview_rollback, rollback
    from headwater.cli.views.rollback import BACK, PREVIEW, Back

    if release and to and release != to:
        raise click.UsageError("RELEASE and --to name two releases", click.get_current_context())
    began = time.monotonic()
    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        planned = preview_rollback(workspace, environment, to=release or to, data=data)
        if dry_run:
            session.out.show(planned, PREVIEW)
            return DONE
        if not session.out.json and not session.out.quiet:
            session.out.show(planned, PREVIEW)
        if not yes:
            session.confirm(f"Take `{environment}` back?", answered=False)
            began = time.monotonic()
        done = rollback(workspace, planned, message=message)
    failures = list(done.sinks.failures.values())
    session.say([*done.diagnostics, *(each for failure in failures for each in failure.diagnostics)])
    session.out.show(Back(done, time.monotonic() - began), BACK)
    return exit_code(failures[0]) if failures else DONE
