"""Cancels a run, and pauses and resumes pipelines."""

from headwater.app.control.ordering import pipeline_in, released
from headwater.app.workspace import Workspace
from headwater.diagnostics import Invalid
from headwater.state import audit
from headwater.state.pipeline_states import pause as note_pause
from headwater.state.pipeline_states import resume as note_resume
from headwater.state.requests import Request, ask_to_cancel, find_request
from headwater.state.runs import find_run


def cancel(workspace: Workspace, run: str, *, by: str) -> Request:
    """Cancel a run: at once if it waits; if it runs, its worker stops it. Raises Invalid if it is unknown or has ended.

    Gives the request as it is then: a running one stays ``running`` until its worker has let go.
    """
    db, now = workspace.db, workspace.effects.clock()
    with db.write() as connection:
        before = ask_to_cancel(db, run, by, now)
        if before is None:
            raise _not_ours(workspace, run)
        if before.has_ended:
            hint = f"`headwater runs --env {before.environment}` shows what runs"
            raise Invalid.of("HW1124", f"the run {run} has ended: {before.status.replace('_', ' ')}", hint=hint)
        audit.append(connection, "run cancelled", {"run": run, "by": by, "was": before.status}, now)
        after = find_request(db, run)
    return after or before


def _not_ours(workspace: Workspace, run: str) -> Invalid:
    found = find_run(workspace.db, run)
    if found is None:
        return Invalid.of("HW1145", f"there is no run {run}", hint="`headwater runs` shows them")
    if found.ended_at is not None:
        return Invalid.of("HW1124", f"the run {run} has ended: {found.status}", hint="`headwater runs` shows what runs")
    hint = "it belongs to a command in a terminal: press Ctrl-C there"
    return Invalid.of("HW1125", f"no server works on the run {run}", hint=hint)


def pause(workspace: Workspace, environment: str, pipeline: str, *, by: str, reason: str = "") -> bool:
    """Stop a pipeline from starting by itself; what runs goes on. False if it was paused already."""
    pipeline_in(released(workspace, environment), environment, pipeline)
    db, now = workspace.db, workspace.effects.clock()
    with db.write() as connection:
        changed = note_pause(db, environment, pipeline, by, reason, now)
        if changed:
            document = {"environment": environment, "pipeline": pipeline, "by": by, "reason": reason}
            audit.append(connection, "pipeline paused", document, now)
    return changed


def resume(workspace: Workspace, environment: str, pipeline: str, *, by: str) -> bool:
    """Let a paused pipeline start by itself again; ``catch_up`` says what becomes of the times it has missed."""
    pipeline_in(released(workspace, environment), environment, pipeline)
    db, now = workspace.db, workspace.effects.clock()
    with db.write() as connection:
        changed = note_resume(db, environment, pipeline)
        if changed:
            document = {"environment": environment, "pipeline": pipeline, "by": by}
            audit.append(connection, "pipeline resumed", document, now)
    return changed
