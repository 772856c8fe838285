"""The leader among servers: orders what is due, takes back what dead workers held, looks for what is wrong."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from headwater.app.serving.facts import Looker
from headwater.app.serving.firing import Leading, fire
from headwater.app.serving.recovering import Recovery
from headwater.app.workspace import Workspace
from headwater.diagnostics import Conflict, HeadwaterError
from headwater.run.leasing import TTL_S
from headwater.state.environments import environments
from headwater.state.leases import acquire, release_leases

LEADER: Final = "serve:leader"
"""The lease of who leads. One that dies is followed by another as soon as it expires."""
_log: Final = logging.getLogger("headwater")


@dataclass(slots=True)
class Leader:
    """One server's part in leading: each step is a look at everything, and does nothing while another leads."""

    workspace: Workspace
    holder: str
    only: Sequence[str] = ()
    """Environments to order for; empty: all."""
    watch: Callable[[str, datetime, Leading], object] = lambda *_: None
    """Looks for what is wrong in an environment; called after what is due was ordered."""
    looker: Looker = field(init=False)
    recovery: Recovery = field(init=False)
    is_leading: bool = False

    def __post_init__(self) -> None:
        self.looker = Looker(self.workspace)
        self.recovery = Recovery(self.workspace)

    def step(self, now: datetime) -> int:
        """Look once; give how many runs were ordered. What is wrong in one environment stops no other."""
        recovered = self.recovery.look(now)
        for each in recovered:
            _log.warning("run %s was taken back: its worker died", each.request.id)
        granted = acquire(self.workspace.db, [LEADER], self.holder, now, TTL_S)
        self._say(is_leading=bool(granted))
        if not granted:
            return 0
        leading = Leading(LEADER, granted[LEADER])
        return sum(self._step(name, leading, now) for name in self._environments())

    def resign(self) -> None:
        """Let another lead at once."""
        release_leases(self.workspace.db, [LEADER], self.holder)
        self.is_leading = False

    def _step(self, environment: str, leading: Leading, now: datetime) -> int:
        try:
            ordered = fire(self.workspace, environment, leading, self.looker, now)
            for request in ordered:
                _log.info("run %s of `%s` in %s: %s", request.id, request.pipeline, environment, request.because)
            self.watch(environment, now, leading)
        except Conflict as lost:
            _log.info("%s: %s", environment, lost)
        except HeadwaterError as problem:
            _log.warning("%s: %s", environment, problem)
        else:
            return len(ordered)
        return 0

    def _environments(self) -> list[str]:
        known = [row.name for row in environments(self.workspace.db)]
        return [name for name in known if not self.only or name in self.only]

    def _say(self, *, is_leading: bool) -> None:
        if is_leading != self.is_leading:
            _log.info("this server %s", "leads" if is_leading else "no longer leads")
        self.is_leading = is_leading
