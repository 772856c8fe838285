"""The leader among servers: orders what is due, takes back what dead workers held, looks for what is wrong."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from headwater.app.serving.facts import Looker
from headwater.app.serving.firing import Leading, fire
from headwater.app.serving.looking import AtOnce, Looks
from headwater.app.serving.recovering import Recovery
from headwater.app.serving.silence import DEAD_S, Silence
from headwater.app.workspace import Workspace
from headwater.diagnostics import Conflict, HeadwaterError
from headwater.run.leasing import TTL_S
from headwater.state.environments import environments
from headwater.state.leases import acquire, leases_named, release_leases, renew

LEADER: Final = "serve:leader"
"""The lease of who leads in some environment; in each one, who has ``serve:leader:<environment>`` does. One that dies
is followed by another as soon as its leases expire."""
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
    looks: Looks = field(default_factory=AtOnce)
    """How sources and files are looked at for triggers."""
    looker: Looker = field(init=False)
    recovery: Recovery = field(init=False)
    is_leading: bool = False
    _silence: Silence = field(init=False)
    _led: dict[str, int] = field(default_factory=dict)
    """Lease that it has → its fence."""

    def __post_init__(self) -> None:
        self.looker = Looker(self.workspace, self.looks)
        self.recovery = Recovery(self.workspace)
        self._silence = Silence(self.workspace.effects.monotonic)

    def step(self, now: datetime) -> int:
        """Look once; give how many runs were ordered. What is wrong in one environment stops no other."""
        recovered = self.recovery.look(now)
        for each in recovered:
            _log.warning("run %s was taken back: its worker died", each.request.id)
        for run in self.recovery.look_at_commands(now):
            _log.warning("run %s has failed: its process died", run)
        names = self._environments()
        granted = self._lead([LEADER, *map(_lease, names)], now)
        self._say(is_leading=bool(granted))
        led = {name: Leading(_lease(name), granted[_lease(name)]) for name in names if _lease(name) in granted}
        return sum(self._step(name, leading, now) for name, leading in led.items())

    def _lead(self, names: Sequence[str], now: datetime) -> dict[str, int]:
        """Take the leases that are free, and soon those of who is silent, though by its clock they last."""
        db = self.workspace.db
        kept = renew(db, [name for name in names if name in self._led], self.holder, now, TTL_S)
        # Only what is taken anew waits for the disk: twice a second would be too often.
        missing = [name for name in names if name not in kept]
        anew = acquire(db, missing, self.holder, now, TTL_S) if missing else {}
        self._led = {name: fence for name, fence in self._led.items() if name in kept} | anew
        others = leases_named(db, [name for name in names if name not in self._led])
        silent = self._silence.of({each.name: (each.holder, each.expires_at) for each in others})
        for dead in (each for each in others if silent[each.name] >= DEAD_S):
            release_leases(db, [dead.name], dead.holder)
        return self._led

    def begin_anew(self) -> None:
        """Take nobody for dead who was silent while the state was away."""
        self.recovery.begin_anew()
        self._silence.forget()

    def resign(self) -> None:
        """Let another lead at once."""
        self.looks.close()
        release_leases(self.workspace.db, self._led, self.holder)
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


def _lease(environment: str) -> str:
    return f"{LEADER}:{environment}"
