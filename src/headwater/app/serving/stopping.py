"""How a worker is told to stop."""

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stop:
    """How a worker is told to stop: after the run that it performs, or at once."""

    draining: threading.Event = field(default_factory=threading.Event)
    reason: str | None = None
    """Why to stop at once, in the middle of a run, which goes back into the queue; None: no hurry."""

    def at_once(self, reason: str) -> None:
        """Stop in the middle of a run."""
        self.reason = reason
        self.draining.set()
