"""`headwater apply`: bring an environment to what the files say."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli import options
from headwater.cli.ending import DONE
from headwater.cli.framework import command as make
from headwater.cli.session import Session

if TYPE_CHECKING:
    from headwater.app.saved_plans import SavedPlan
    from headwater.app.workspace import Workspace
    from headwater.graph.values import Graph
    from headwater.spec.project import Project


@make(
    name="apply",
    short="Bring an environment to what the files say.",
    example="headwater apply\nheadwater apply --env prod --message 'fares in euros'\nheadwater apply prod.plan",
    params=[
        click.Argument(["plan"], required=False, metavar="[PLAN]", type=click.Path(dir_okay=False, path_type=Path)),
        options.environment("The environment; with a saved plan, the one it was made for."),
        options.message(),
        options.wait(),
        click.Option(["--approve"], is_flag=True, help="Only add your approval to PLAN."),
        options.yes(),
    ],
)
def command(
    session: Session, plan: Path | None, environment: str, message: str, wait_s: float, approve: bool, yes: bool
) -> int:
    """Bring an environment to what the files say.

    Computes what is missing, checks it, and then makes all tables visible at once. If anything fails, or Ctrl-C is
    pressed, the environment stays as it was; what was computed is kept for the next time.

    With PLAN, a file made by `headwater plan --out`, exactly that is applied, or nothing.
    """
    from headwater.app.applying import apply
    from headwater.cli.views.outcome import OUTCOME, Done

    if approve:
        return _approve(session, plan)
    saved = _read(plan, environment)
    name = saved.environment if saved else environment
    began = time.monotonic()
    graph, asked_s = _prepare(session, saved, name, yes=yes)
    with session.at_work() as workspace:
        outcome = apply(workspace, graph, name, base=saved.base if saved else None, message=message, wait_s=wait_s)
    session.say(outcome.diagnostics)
    session.out.show(Done(outcome, time.monotonic() - began - asked_s), OUTCOME)
    return outcome.exit_code


def _approve(session: Session, path: Path | None) -> int:
    from headwater.app.saved_plans import approve_plan

    if path is None:
        raise click.UsageError("--approve needs a PLAN", click.get_current_context())
    with session.workspace() as workspace:
        saved = approve_plan(path, workspace.user)
    if session.out.json:
        session.out.document({"plan": str(path), "environment": saved.environment, "approvals": list(saved.approvals)})
    else:
        session.out.remark(f"{click.style('✓', fg='green')} {path} is approved by {', '.join(saved.approvals)}.")
    return DONE


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


def _prepare(session: Session, saved: "SavedPlan | None", environment: str, *, yes: bool) -> "tuple[Graph, float]":
    """Give the code to apply, once it is allowed and confirmed; and how many seconds the answer took."""
    from headwater.app.declared import settings_of
    from headwater.app.saved_plans import require_allowed
    from headwater.app.workspace import find_root

    root = find_root(session.project.absolute())
    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        project, graph = _code(session, workspace, saved, environment)
    settings = settings_of(project, root, environment)
    require_allowed(settings, saved)
    began = time.monotonic()
    if settings is not None and settings.protected:
        session.confirm(f"`{environment}` is protected. Apply to it?", answered=yes)
    return graph, time.monotonic() - began


def _code(
    session: Session, workspace: "Workspace", saved: "SavedPlan | None", environment: str
) -> "tuple[Project, Graph]":
    from headwater.app.compiling import compiled_for
    from headwater.app.declared import load_project
    from headwater.diagnostics import Invalid

    if saved is None:
        checked = compiled_for(workspace, environment)
        session.say(checked.diagnostics)
        assert checked.project is not None  # noqa: S101 - `compiled` raises otherwise
        assert checked.graph is not None  # noqa: S101 - as above
        return checked.project, checked.graph
    project, found = load_project(workspace.root)
    if project is None:
        raise Invalid.from_all(found)
    return project, saved.graph
