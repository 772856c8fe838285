"""Holds a run while a worker performs it: prolongs its lease, tells that the worker lives, and hears of a cancel."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from headwater.diagnostics import HeadwaterError
from headwater.run.leasing import TTL_S
from headwater.state.database import Database
from headwater.state.leases import renew
from headwater.state.requests import Claim, find_request
from headwater.state.workers import Worker, note_worker

BEAT_S: Final = 1.0
"""Seconds between two looks at whether the run is still ours and still wanted; a small part of a lease."""
LOST: Final = "its lease was lost"


@dataclass(slots=True)
class Holding:
    """Keeps a claim alive from a thread of its own, for as long as the block runs."""

    db: Database
    claim: Claim
    worker: Worker
    clock: Callable[[], datetime]
    beat_s: float = BEAT_S
    _reason: str | None = None
    _is_cancelled: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)
    _heart: threading.Thread | None = None

    def why_stop(self) -> str | None:
        """Say why the run must stop: somebody cancelled it, or it is another worker's now; None: it may go on."""
        return self._reason

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody wants the run to end for good."""
        return self._is_cancelled

    @property
    def is_lost(self) -> bool:
        """Whether another worker may have the run."""
        return self._reason == LOST

    def __enter__(self) -> Self:
        self._note(self.claim.request.id)
        self._heart = threading.Thread(target=self._beat, name="holding", daemon=True)
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._heart:
            self._heart.join()
        self._note("")

    def _beat(self) -> None:
        while not self._ended.wait(self.beat_s):
            try:
                self._look()
            except HeadwaterError:  # the state is busy, or away; what matters is checked again when the run moves
                continue
            if self._reason:
                return

    def _look(self) -> None:
        request, now = self.claim.request, self.clock()
        self._note(request.id)
        if not renew(self.db, [request.lease], request.holder, now, TTL_S):
            self._reason = LOST
            return
        found = find_request(self.db, request.id)
        if found and found.cancelled_by:
            self._is_cancelled = True
            self._reason = f"{found.cancelled_by} cancelled it"

    def _note(self, run: str) -> None:
        note_worker(self.db, replace(self.worker, seen_at=self.clock(), run=run))
