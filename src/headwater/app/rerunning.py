"""Repeats a run: the same order again, or only what it left undone, with the release it used or another."""

from dataclasses import dataclass, replace
from typing import Final

from headwater.app.workspace import Workspace
from headwater.diagnostics import Invalid
from headwater.spec.orders import Order
from headwater.state.heads import read_head
from headwater.state.releases import find_release
from headwater.state.requests import find_request
from headwater.state.run_orders import RunOrder, order_of_run
from headwater.state.runs import RunRow, find_run

LATEST: Final = "latest"
"""In the place of a release's id: that of the environment when the rerun starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """A run to repeat: the order, and with which release."""

    run: str
    order: Order
    used: str
    """Id of the release that the run used."""
    release: str
    """Id of the release that the rerun uses."""

    @property
    def said(self) -> str:
        """Say which release is used."""
        if self.release == self.used:
            return f"with release {self.release}, which {self.run} used"
        which = "with release" if self.order.release else "with the current release"
        return f"{which} {self.release}; {self.run} used {self.used}"


def rerun_of(workspace: Workspace, run: str, *, failed: bool = False, release: str = "") -> Rerun:
    """Make the order that repeats a run; ``failed``: only what failed in it, was refused or waited, and its readers.

    ``release`` is an id or ``latest``; empty: the release that the run used. Raises Invalid for a run that is not
    known, was no run, or (``failed``) left nothing undone, and for a release that there is not.
    """
    row, before = _found(workspace, run)
    order = replace(before.order, rerun_of=run, because=f"rerun of {run}", backfill="", message="")
    if failed:
        order = replace(order, start_from=_undone(row, before) or order.start_from)
    if release == LATEST:
        current = read_head(workspace.db, order.environment).release or ""
        return Rerun(run=run, order=replace(order, release=""), used=before.release, release=current)
    chosen = find_release(workspace.db, release).id if release else before.release
    return Rerun(run=run, order=replace(order, release=chosen), used=before.release, release=chosen)


def _found(workspace: Workspace, run: str) -> tuple[RunRow, RunOrder]:
    row, before = find_run(workspace.db, run), order_of_run(workspace.db, run)
    if row is not None and before is not None:
        return row, before
    if row is not None:
        hint = "plan and apply again" if row.kind == "apply" else "order it again: `headwater run`"
        raise Invalid.of("HW1146", f"{run} is an {row.kind}: there is no order to repeat", hint=hint)
    if find_request(workspace.db, run) is not None:
        hint = "wait for it, or cancel it with `headwater cancel`"
        raise Invalid.of("HW1146", f"the run {run} has not started yet", hint=hint)
    raise Invalid.of("HW1145", f"there is no run `{run}`")


def _undone(row: RunRow, before: RunOrder) -> tuple[str, ...]:
    """Give the nodes to begin with; nothing where the run broke off before it knew."""
    if row.status == "running":
        raise Invalid.of("HW1146", f"the run {row.id} is under way", hint="wait until it has ended")
    if row.status == "done" and not before.undone:
        raise Invalid.of("HW1148", f"nothing failed in {row.id}")
    return before.undone
