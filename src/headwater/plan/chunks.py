"""Cuts a stretch of time into chunks that no slot of some tables reaches across."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from headwater.graph.values import Graph
from headwater.plan.calendar import Calendar, Interval


def chunks_of(graph: Graph, names: Collection[str], stretch: Interval, every_s: float) -> tuple[Interval, ...]:
    """Cut ``stretch`` into chunks of about ``every_s`` seconds: each ends where slots of all these tables end.

    So every slot lies in one chunk. Where slots seldom end together (weeks and months), chunks are as long as that
    takes; the first and the last may begin and end within slots.
    """
    calendars = _calendars(graph, names, stretch[0])
    if not calendars:
        return (stretch,)
    return tuple(_cut(calendars, stretch, timedelta(seconds=every_s)))


def _calendars(graph: Graph, names: Collection[str], at: datetime) -> list[Calendar]:
    """Give the calendars of the tables, each once, the one with the longest slots last."""

    def length(calendar: Calendar) -> timedelta:
        start = calendar.floor(at)
        return calendar.next(start) - start

    cuts = [node.time for node in graph.nodes if node.name in names and node.kind == "incremental" and node.time]
    found = {Calendar.of(cut.every, cut.timezone) for cut in cuts}
    return sorted(found, key=length)


def _cut(calendars: Collection[Calendar], stretch: Interval, every: timedelta) -> Iterator[Interval]:
    start, end = stretch
    *finer, coarsest = calendars
    for at in coarsest.starts(start, end):
        is_long = at - start >= every and at > start
        if is_long and all(calendar.floor(at) == at for calendar in finer):
            yield start, at
            start = at
    if start < end:
        yield start, end


def joined(stretches: Collection[Interval]) -> tuple[Interval, ...]:
    """Join stretches that touch or overlap; give them in order.

    >>> from datetime import UTC, datetime
    >>> a, b, c, d = (datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4))
    >>> joined([(c, d), (a, b), (b, c)]) == ((a, d),)
    True
    """
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)
