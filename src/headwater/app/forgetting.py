"""What is known of runs that ended long ago is forgotten: by the janitor at once, by a server a piece at a time."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from headwater.app.workspace import Workspace
from headwater.state.forgetting import OldRuns, forget_runs, old_runs
from headwater.state.run_events import forget_logs, logged_runs
from headwater.state.values import chunks

RUNS_S: Final = 90 * 86400.0
"""Records of runs are kept for so long, or for ``keep`` if that is longer."""
EVERY: Final = timedelta(days=1)
"""How often a server looks for what is to be forgotten."""
_LOGS: Final = 20
"""So many runs lose their logs in one transaction: each may have thousands of lines."""


def runs_after(workspace: Workspace, now: datetime) -> datetime:
    """Give the time before which runs are forgotten."""
    return now - timedelta(seconds=max(RUNS_S, workspace.settings.keep_s))


def logs_after(workspace: Workspace, now: datetime) -> datetime:
    """Give the time before which the logs of runs are forgotten."""
    return now - timedelta(seconds=workspace.settings.keep_s)


@dataclass(slots=True)
class Forgetting:
    """A server's part: records only, never rows; each step is short, so that nobody waits for it."""

    workspace: Workspace
    _looked_at: datetime | None = None
    _left: "deque[partial[None]]" = field(default_factory=deque)

    def step(self, now: datetime) -> bool:
        """Forget a piece of what is old, which is looked for once a day; say whether there was one."""
        if self._looked_at is None or not timedelta() <= now - self._looked_at < EVERY:
            self._looked_at = now
            self._left = deque(self._pieces(now))
        if not self._left:
            return False
        self._left[0]()  # one that fails is tried again by the next step
        self._left.popleft()
        return True

    def _pieces(self, now: datetime) -> Iterator["partial[None]"]:
        db, before = self.workspace.db, runs_after(self.workspace, now)
        logs = logged_runs(db, logs_after(self.workspace, now))
        for start in range(0, len(logs), _LOGS):
            yield partial(forget_logs, db, logs[start : start + _LOGS])
        old = old_runs(db, before)
        for piece in chunks(old.runs):
            yield partial(forget_runs, db, OldRuns(orders=(), runs=tuple(piece)), before)
        for piece in chunks(old.orders):
            yield partial(forget_runs, db, OldRuns(orders=tuple(piece), runs=()), before)
