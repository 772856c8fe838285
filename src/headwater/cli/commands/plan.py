"""`headwater plan`: what an apply would change, and why."""

from dataclasses import replace
from pathlib import Path

import click

from headwater.cli import options
from headwater.cli.ending import CHANGES, DONE
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="plan",
    short="Show what an apply would change, and why.",
    example="headwater plan\nheadwater plan --env prod --out prod.plan && headwater apply prod.plan",
    params=[
        options.environment(),
        click.Option(
            ["--out"], metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan for apply."
        ),
        click.Option(["--exit-code"], is_flag=True, help="Exit with 10 if there is something to do."),
    ],
)
def command(session: Session, environment: str, out: Path | None, exit_code: bool) -> int:
    """Show what an apply would change, and why.

    Compares the project's files and the source data with what the environment has. Nothing is computed or changed.
    """
    from headwater.app.compiling import compiled_for
    from headwater.app.planning import make_plan
    from headwater.app.saved_plans import write_plan
    from headwater.cli.views.plan import PLAN, step_document

    with session.at_work() as workspace:
        session.require_environment(workspace, environment)
        checked = compiled_for(workspace, environment)
        assert checked.graph is not None  # noqa: S101 - `compiled` raises otherwise
        plan = make_plan(workspace, checked.graph, environment)
        plan = replace(plan, diagnostics=(*checked.diagnostics, *plan.diagnostics))
        if out is not None:
            steps = [step_document(step) for step in plan.steps]
            write_plan(
                out, plan, by=workspace.user, commit=workspace.commit, is_clean=workspace.is_clean, summary=steps
            )
    session.say(plan.diagnostics)
    session.out.show(plan, PLAN)
    if out is not None and not session.out.json:
        session.out.remark(f"Saved: `headwater apply {out}` does exactly this, or refuses.")
    return CHANGES if exit_code and (plan.lands or not plan.is_empty) else DONE
