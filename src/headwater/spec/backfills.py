"""A backfill: a stretch of time that is filled in chunks, beside what pipelines do every day."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

BackfillStatus = Literal["running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """What was ordered; how far it is stands in the orders of its chunks."""

    id: str
    environment: str
    select: tuple[str, ...]
    """Names of pipelines, or patterns of nodes, as they were given."""
    nodes: tuple[str, ...]
    """The tables cut by time that these meant."""
    start: datetime
    end: datetime
    every_s: float
    chunks: int
    slots: int
    """Of all tables together."""
    parallel: int = 1
    """How many chunks may be worked on at once."""
    throttle_s: float = 0.0
    """Seconds between the starts of two chunks, at least."""
    again: bool = False
    created_at: datetime
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """How far a backfill is: its chunks by what has become of them."""

    queued: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    ended_at: datetime | None = None
    """When the last of them ended, if all have."""

    @property
    def total(self) -> int:
        """All chunks."""
        return self.queued + self.running + self.ended

    @property
    def ended(self) -> int:
        """Chunks on which nobody will work any more."""
        return self.done + self.failed + self.cancelled

    @property
    def status(self) -> BackfillStatus:
        """What has become of it."""
        if self.queued or self.running:
            return "running"
        if self.cancelled:
            return "cancelled"
        return "failed" if self.failed else "done"
