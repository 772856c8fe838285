"""The commands that can do without the project's files, as a server elsewhere performs them; named as in the table."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from headwater.cli.remote import asking
from headwater.cli.remote.calling import Server
from headwater.cli.session import Session

if TYPE_CHECKING:
    from headwater.app.backfilling import Standing
    from headwater.events.words import Level

_CODES: Final = {"done": 0, "failed": 1, "set_aside": 1, "cancelled": 1}
_NOWHERE: Final = "HW1117"


def trigger(
    session: Session, server: Server, *, pipeline: str, environment: str, detach: bool, message: str, yes: bool
) -> int:
    """Order a run, and wait for its end unless ``detach``."""
    del yes
    ordered = server.post("environments", environment, "pipelines", pipeline, "trigger", message=message)
    return _ordered(session, server, ordered, detach=detach)


def rerun(session: Session, server: Server, *, run: str, failed: bool, release: str, wait_s: float, yes: bool) -> int:
    """Order a run again, and wait for its end."""
    del yes, wait_s
    ordered = server.post("runs", asking.run_called(server, run).id, "rerun", failed=failed, release=release)
    return _ordered(session, server, ordered, detach=False)


def cancel(session: Session, server: Server, *, run: str, yes: bool) -> None:
    """Stop a run."""
    from headwater.cli.views.requests import REQUEST

    del yes
    server.post("runs", run, "cancel")
    session.out.show(asking.request_of(server, run), REQUEST)


def pause(session: Session, server: Server, *, pipeline: str, environment: str, reason: str, yes: bool) -> None:
    """Keep a pipeline from starting by itself."""
    from headwater.cli.views.requests import PAUSED, Paused

    del yes
    done = server.post("environments", environment, "pipelines", pipeline, "pause", reason=reason)
    session.out.show(Paused(environment, pipeline, is_paused=True, changed=bool(done.get("changed"))), PAUSED)


def resume(session: Session, server: Server, *, pipeline: str, environment: str, yes: bool) -> None:
    """Let a paused pipeline start by itself again."""
    from headwater.cli.views.requests import PAUSED, Paused

    del yes
    done = server.post("environments", environment, "pipelines", pipeline, "resume")
    session.out.show(Paused(environment, pipeline, is_paused=False, changed=bool(done.get("changed"))), PAUSED)


def runs(
    session: Session,
    server: Server,
    *,
    environment: str | None,
    pipeline: str | None,
    status: Sequence[str],
    limit: int,
) -> None:
    """List runs."""
    from headwater.cli.views.runs import RUNS

    found = asking.runs(server, environment, pipeline=pipeline, statuses=status, limit=limit)
    session.out.show(found, RUNS)


def logs(
    session: Session,
    server: Server,
    *,
    run: str,
    environment: str | None,
    follow: bool,
    node: str | None,
    level: "Level",
    form: str,
) -> None:
    """Show what a run said, or follow what it says."""
    from headwater.app.run_reading import Wanted
    from headwater.cli.telling import require_one_form, show
    from headwater.cli.views.logs import LOG

    require_one_form(session, form)
    found, wanted = asking.run_called(server, run, environment), Wanted(node=node, level=level)
    every = asking.follow(server, found, wanted) if follow else iter([asking.said(server, found, wanted)])
    if not session.out.json:
        show(session, every, form)
        return
    for last in every:  # a document is printed once everything that belongs to it has happened
        if not follow or last.run.has_ended:
            break
    session.out.show(asking.said(server, found, wanted), LOG)


def stats(session: Session, server: Server, *, pipeline: str | None, environment: str | None, since_s: float) -> None:
    """Show how well pipelines do."""
    from headwater.cli.views.stats import STATS, of_pipeline

    session.out.show(of_pipeline(asking.statistics(server, environment, since_s), pipeline), STATS)


def status(session: Session, server: Server, *, environment: str, observe: bool) -> None:
    """Show what stands in an environment."""
    from headwater.cli.views.status import STATUS

    if observe:
        raise _only_here("`--observe` looks at the sources")
    session.out.show(asking.status(server, environment), STATUS)


def history(session: Session, server: Server, *, environment: str, limit: int) -> None:
    """List releases."""
    from headwater.cli.views.history import HISTORY

    session.out.show(asking.history(server, environment, limit), HISTORY)


def alerts(session: Session, server: Server, *, environment: str | None, closed: bool, limit: int) -> None:
    """List what is wrong."""
    from headwater.cli.views.alerts import INCIDENTS

    session.out.show(asking.incidents(server, environment, closed=closed, limit=limit), INCIDENTS)


def backfill(
    session: Session, server: Server, *, listed: bool, cancel: str | None, resume: str | None, **asked: Any
) -> int:
    """Order a backfill, list backfills, cancel one or wait for one."""
    from headwater.cli.views.backfills import BACKFILL, BACKFILLS

    if listed:
        session.out.show(asking.backfills(server, asked["environment"]), BACKFILLS)
        return 0
    if cancel:
        session.out.show(asking.cancel_backfill(server, cancel), BACKFILL)
        return 0
    found = _order_backfill(server, asked) if resume is None else asking.backfill_of(server, resume)
    remarks = list(found.diagnostics) if resume is None else []
    if asked["wait"]:
        found = asking.await_backfill(server, found.backfill.id)
    session.say([*remarks, *(each for each in found.diagnostics if each not in remarks)])
    session.out.show(found, BACKFILL)
    return 1 if asked["wait"] and found.advance.status != "done" else 0


def rollback(
    session: Session,
    server: Server,
    *,
    release: str | None,
    environment: str,
    to: str | None,
    data: bool,
    dry_run: bool,
    message: str,
    yes: bool,
) -> int:
    """Take an environment back to an earlier release."""
    from headwater.cli.remote.views import BACK, Back

    if release and to and release != to:
        raise click.UsageError("RELEASE and --to name two releases", click.get_current_context())
    if dry_run:
        raise _only_here("`--dry-run` compares releases")
    where = release or to
    session.confirm(f"Take `{environment}` back to {where or 'before the last change of code'}?", answered=yes)
    done = server.post("environments", environment, "rollback", to=where, data=data, message=message)
    back = Back.of(environment, done)
    session.out.show(back, BACK)
    return 0


def _ordered(session: Session, server: Server, ordered: dict[str, Any], *, detach: bool) -> int:
    from headwater.cli.views.requests import REQUEST

    run = str(ordered.get("run"))
    request = asking.request_of(server, run) if detach else asking.await_run(server, run)
    session.out.show(request, REQUEST)
    return 0 if detach else _CODES.get(request.status, 1)


def _order_backfill(server: Server, asked: dict[str, Any]) -> "Standing":
    missing = [name for name, key in (("--from", "start"), ("--to", "end")) if not isinstance(asked[key], datetime)]
    if missing:
        raise click.UsageError(f"say which stretch to fill: {' and '.join(missing)} missing")
    if any(asked[key].tzinfo is None for key in ("start", "end")):
        raise click.UsageError("a server elsewhere wants times with their zone, such as 2024-01-31T00:00Z")
    how = {
        name: asked[name] for name in ("select", "skip", "start", "end", "every_s", "parallel", "throttle_s", "again")
    }
    return asking.order_backfill(server, asked["environment"], **how)


def _only_here(what: str) -> Exception:
    from headwater.diagnostics import Invalid

    return Invalid.of(_NOWHERE, f"{what}: that is not done over a server's API")
