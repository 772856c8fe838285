"""`headwater rerun`: do a run again, or what failed in it."""

import time

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="rerun",
    remote="rerun",
    short="Do a run again, or only what failed in it.",
    example="headwater rerun 4f2a9c --failed\nheadwater rerun 4f2a9c --release latest",
    params=[
        click.Argument(["run"], metavar="RUN", shell_complete=options.complete_run),
        click.Option(["--failed"], is_flag=True, help="Only what failed, was refused or waited, and its readers."),
        click.Option(
            ["--release"],
            metavar="ID",
            default="",
            help="The release whose code to use, or `latest`; default: the one that the run used.",
            shell_complete=options.complete_release,
        ),
        options.wait(),
        options.yes(),
    ],
)
def command(session: Session, run: str, failed: bool, release: str, wait_s: float, yes: bool) -> int:
    """Do a run again: the same order, with the release that it used or another one, and say which.

    Tables of which the environment has other code than that release are left as they are; the others are filled.
    `headwater runs` lists the runs.
    """
    from headwater.app.direct_runs import end_dead_runs
    from headwater.app.rerunning import rerun_of
    from headwater.app.running import run as perform
    from headwater.cli.views.outcome import Done
    from headwater.cli.views.rerun import RERUN, Repeated

    del yes  # never asks
    began = time.monotonic()
    with session.at_work() as workspace:
        end_dead_runs(workspace.db, workspace.effects.clock())
        repeated = rerun_of(workspace, run, failed=failed, release=release)
        outcome = perform(workspace, repeated.order, wait_s=wait_s)
    session.say(outcome.diagnostics)
    session.out.show(Repeated(repeated, Done(outcome, time.monotonic() - began)), RERUN)
    return outcome.exit_code
