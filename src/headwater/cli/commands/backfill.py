"""`headwater backfill`: fill a stretch of time in chunks, beside what pipelines do every day."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session

if TYPE_CHECKING:
    from headwater.app.backfilling import Standing
    from headwater.app.workspace import Workspace

_FAILED = 1
_ID = "ID"


@make(
    name="backfill",
    remote="backfill",
    short="Fill a stretch of time in chunks, beside the daily runs.",
    example="headwater backfill daily_delays --from 2013-01-01 --to 2013-03-01 --every 7d --parallel 4\n"
    "headwater backfill --list --env prod\nheadwater backfill --cancel 4f2a9c10d3e7",
    params=[
        click.Argument(["select"], nargs=-1, metavar="[PIPELINE|NODE…]", shell_complete=options.complete_node),
        options.environment(),
        options.moment(["--from", "start"], "The first day or time of the stretch."),
        options.moment(["--to", "end"], "Where the stretch ends: this day or time is not a part of it."),
        click.Option(
            ["--every", "every_s"],
            metavar="DURATION",
            type=options.Duration(),
            default="7d",
            show_default=True,
            help="How long a chunk is, at least.",
        ),
        click.Option(
            ["--parallel"],
            metavar="N",
            type=click.IntRange(1, 64),
            default=1,
            show_default=True,
            help="How many chunks are worked on at once.",
        ),
        click.Option(
            ["--throttle", "throttle_s"],
            metavar="DURATION",
            type=options.Duration(),
            default="0s",
            help="How long to wait between the starts of two chunks.",
        ),
        click.Option(["--again"], is_flag=True, help="Fill slots, too, that stand on what is there now."),
        options.nodes(["--skip"], "Let this and all that reads it keep what they have (repeatable)."),
        click.Option(["--wait/--detach", "wait"], default=True, help="Wait for its end, or leave it to a server."),
        click.Option(["--list", "listed"], is_flag=True, help="List the backfills of the environment, newest first."),
        click.Option(["--cancel"], metavar=_ID, help="Cancel a backfill: what is done stays."),
        click.Option(["--resume"], metavar=_ID, help="Wait for a backfill; without a server, work off what is left."),
        options.yes(),
    ],
)
def command(session: Session, listed: bool, cancel: str | None, resume: str | None, **asked: Any) -> int:
    """Fill the slots of a stretch of time, in chunks that a server's workers take, or else this command itself.

    What pipelines do every day goes first, and does not wait: it leaves to the backfill the slots that are ordered.
    Tables that are not cut by time are filled once all chunks have ended. Ends with 1 if a chunk failed.
    """
    if listed:
        return _list(session, asked["environment"])
    if cancel:
        return _cancel(session, cancel)
    with session.at_work() as workspace:
        standing = _ordered(session, workspace, asked) if resume is None else None
        known = standing.backfill.id if standing else str(resume)
        ended = _awaited(workspace, known) if asked["wait"] else None
    return _say(session, standing, ended)


def _ordered(session: Session, workspace: "Workspace", asked: dict[str, Any]) -> "Standing":
    from headwater.app.backfilling import Asked, order_backfill
    from headwater.app.orders import stretch_of
    from headwater.spec.orders import Order

    _require(asked)
    session.require_environment(workspace, asked["environment"])
    start, end = asked["start"], asked["end"]
    order = Order(environment=asked["environment"], select=asked["select"], skip=asked["skip"], again=asked["again"])
    order = stretch_of(workspace, order, start, end)
    how = {name: asked[name] for name in ("every_s", "parallel", "throttle_s")}
    return order_backfill(workspace, Asked(order=order, **how), by=workspace.user)


def _require(asked: dict[str, Any]) -> None:
    missing = [name for name, key in (("--from", "start"), ("--to", "end")) if not isinstance(asked[key], datetime)]
    if missing:
        raise click.UsageError(f"say which stretch to fill: {' and '.join(missing)} missing")


def _awaited(workspace: "Workspace", backfill: str) -> "Standing":
    from headwater.app.serving.here import is_served
    from headwater.app.working_off import await_backfill
    from headwater.events import Advanced

    return await_backfill(
        workspace,
        backfill,
        here=not is_served(workspace),
        tell=lambda advance: workspace.effects.emit(Advanced("backfill", advance.ended, advance.total)),
    )


def _say(session: Session, ordered: "Standing | None", ended: "Standing | None") -> int:
    from headwater.cli.views.backfills import BACKFILL

    found = [each for each in (ordered, ended) if each is not None]
    session.say(diagnostic for each in found for diagnostic in each.diagnostics)
    session.out.show(found[-1], BACKFILL)
    return _FAILED if ended and ended.advance.status != "done" else 0


def _list(session: Session, environment: str) -> int:
    from headwater.app.backfilling import standings
    from headwater.cli.views.backfills import BACKFILLS

    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        session.out.show(standings(workspace, environment), BACKFILLS)
    return 0


def _cancel(session: Session, backfill: str) -> int:
    from headwater.app.backfilling import cancel_backfill
    from headwater.cli.views.backfills import BACKFILL

    with session.workspace() as workspace:
        standing = cancel_backfill(workspace, backfill, by=workspace.user)
    session.out.show(standing, BACKFILL)
    return 0
