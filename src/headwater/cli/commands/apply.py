"""`headwater apply`: bring an environment to what the files say."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session

if TYPE_CHECKING:
    from headwater.app.outcomes import Outcome
    from headwater.app.saved_plans import SavedPlan


@make(
    name="apply",
    short="Bring an environment to what the files say.",
    example="headwater apply\nheadwater apply --env prod --message 'fares in euros'",
    params=[
        click.Argument(["plan"], required=False, metavar="[PLAN]", type=click.Path(dir_okay=False, path_type=Path)),
        options.environment("The environment; with a saved plan, the one it was made for."),
        options.message(),
        options.wait(),
        options.yes(),
    ],
)
def command(session: Session, plan: Path | None, environment: str, message: str, wait_s: float, yes: bool) -> int:
    """Bring an environment to what the files say.

    Computes what is missing, checks it, and then makes all tables visible at once. If anything fails, or Ctrl-C is
    pressed, the environment stays as it was; what was computed is kept for the next time.

    With PLAN, a file made by `headwater plan --out`, exactly that is applied, or nothing.
    """
    from headwater.cli.views.outcome import OUTCOME, Done

    saved = _read(plan, environment)
    began = time.monotonic()
    outcome = _apply(session, saved, saved.environment if saved else environment, message, wait_s, yes)
    session.say(outcome.diagnostics)
    session.out.show(Done(outcome, time.monotonic() - began), OUTCOME)
    return outcome.exit_code


def _read(path: Path | None, environment: str) -> "SavedPlan | None":
    if path is None:
        return None
    from headwater.app.saved_plans import read_plan

    saved = read_plan(path)
    context = click.get_current_context()
    said = context.get_parameter_source("environment")
    if said is click.core.ParameterSource.COMMANDLINE and saved.environment != environment:
        raise click.UsageError(f"`{path}` is a plan for `{saved.environment}`, not for `{environment}`", context)
    return saved


def _apply(
    session: Session, saved: "SavedPlan | None", environment: str, message: str, wait_s: float, yes: bool
) -> "Outcome":
    from headwater.app.applying import apply
    from headwater.app.checking import check, compiled
    from headwater.app.workspace import find_root

    root = find_root(session.project.absolute())
    if saved is None:
        checked = compiled(root, environment, session.variables)
        session.say(checked.diagnostics)
    else:
        checked = check(root, variables=session.variables, environment=environment)
    known = checked.project.environments if checked.project else {}
    if checked.project is None or (environment in known and known[environment].protected):
        session.confirm(f"`{environment}` is protected. Apply to it?", answered=yes)
    graph = saved.graph if saved else checked.graph
    assert graph is not None  # noqa: S101 - `compiled` raises otherwise
    with session.at_work() as workspace:
        base = saved.base if saved else None
        return apply(workspace, graph, environment, base=base, message=message, wait_s=wait_s)
