"""How far tables that are cut by time are filled, and how far that lies behind."""

from datetime import datetime
from typing import Protocol

from headwater.graph.values import NodeKind, TimeCut
from headwater.plan.calendar import Calendar
from headwater.spec.addresses import Slot


class Timed(Protocol):
    """What is asked of a node here."""

    @property
    def kind(self) -> NodeKind: ...  # noqa: D102 - as in graph.values.Node
    @property
    def time(self) -> TimeCut | None: ...  # noqa: D102 - as above


def filled_until(node: Timed, last_slot: str | None) -> datetime | None:
    """Give the end of a node's last filled slot; None where slots are not cut by time, or nothing is filled."""
    if node.kind != "incremental" or node.time is None or last_slot is None:
        return None
    return Calendar.of(node.time.every, node.time.timezone).interval(Slot(last_slot))[1]


def behind_s(node: Timed, until: datetime | None, as_of: datetime | None, now: datetime) -> float | None:
    """Say by how many seconds a node is filled less far than it could be; None where time does not cut it.

    A slot that waits for its end is not late before it; nothing is late after a node's own end, or after ``as_of``.
    """
    if until is None or node.time is None:
        return None
    target = min(as_of or now, now)
    if node.time.complete:
        target = Calendar.of(node.time.every, node.time.timezone).floor(target)
    if node.time.end is not None:
        target = min(target, node.time.end)
    return max(0.0, (target - until).total_seconds())
