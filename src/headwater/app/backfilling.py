"""Orders backfills, says how far they are, and cancels them: a stretch of time, filled in chunks by workers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from headwater.app.contexts import horizon_of
from headwater.app.control.ordering import released
from headwater.app.orders import Names, meaning_of, require_slots, shown
from headwater.app.reserving import left_to_backfills
from headwater.app.workspace import Workspace
from headwater.diagnostics import Diagnostic, Invalid, error, warning
from headwater.graph.values import TABLE_KINDS, Graph
from headwater.plan.calendar import Calendar, Interval, overlap
from headwater.plan.chunks import chunks_of
from headwater.plan.wanted import Horizon, slots_within, wanted_ranges
from headwater.spec.backfills import Advance, Backfill
from headwater.spec.orders import Order, encode_order
from headwater.state import audit
from headwater.state.backfills import add_backfill, advance_of, backfills, find_backfill
from headwater.state.requests import Request, ask_to_cancel, enqueue, requests_of

PRIORITY: Final = -10
"""What is due every day goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A backfill, and how far it is."""

    backfill: Backfill
    advance: Advance
    requests: tuple[Request, ...] = ()
    """Its chunks, where they were asked for."""
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a backfill is asked for."""

    order: Order
    """Environment, selection, stretch of time, and whether slots are filled again."""
    every_s: float
    parallel: int = 1
    throttle_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """What a backfill comes to in the code that the environment has."""

    graph: Graph
    tables: Names
    """All that is selected."""
    slots: Mapping[str, Interval]
    """Table cut by time → its slots in the stretch."""
    stretch: Interval
    """The part of what was asked for in which there are slots."""


def order_backfill(workspace: Workspace, asked: Asked, *, by: str) -> Standing:
    """Put a backfill's chunks into the queue, all or none.

    The first chunks come first; tables that are not cut by time come last, when all chunks have ended. Raises Invalid
    if nothing in the stretch is to be filled, or another backfill has ordered some of it and not yet done.
    """
    db, now = workspace.db, workspace.effects.clock()
    horizon, scope = _scope(workspace, asked.order, now)
    chunks = chunks_of(scope.graph, scope.slots, scope.stretch, asked.every_s)
    with db.write() as connection:
        _refuse_ordered(workspace, asked.order, scope, horizon)
        backfill = Backfill(
            id=workspace.effects.token(),
            environment=asked.order.environment,
            select=asked.order.select,
            nodes=tuple(sorted(name for name, each in scope.slots.items() if each[0] < each[1])),
            start=scope.stretch[0],
            end=scope.stretch[1],
            every_s=asked.every_s,
            chunks=len(chunks),
            slots=sum(_count(scope.graph, scope.slots)),
            parallel=asked.parallel,
            throttle_s=asked.throttle_s,
            again=asked.order.again,
            created_at=now,
            author=by,
        )
        add_backfill(connection, backfill)
        for request in _requests(backfill, asked.order, chunks, scope):
            enqueue(db, request)
        document = {"backfill": backfill.id, "environment": backfill.environment, "by": by, "nodes": backfill.nodes}
        audit.append(connection, "backfill ordered", {**document, "of": shown(scope.stretch)}, now)
    beyond = _beyond(asked.order, scope.stretch)
    return Standing(backfill=backfill, advance=advance_of(db, [backfill.id])[backfill.id], diagnostics=beyond)


def standing_of(workspace: Workspace, backfill_id: str) -> Standing:
    """Say how far a backfill is; raises Invalid if there is none of this id."""
    found = find_backfill(workspace.db, backfill_id)
    if found is None:
        raise Invalid.of("HW1152", f"there is no backfill `{backfill_id}`")
    advance = advance_of(workspace.db, [found.id])[found.id]
    chunks = requests_of(workspace.db, backfill=found.id)
    return Standing(backfill=found, advance=advance, requests=chunks, diagnostics=_failures(found, chunks))


def standings(workspace: Workspace, environment: str | None = None, limit: int = 50) -> tuple[Standing, ...]:
    """Say how far the last backfills are, newest first."""
    found = backfills(workspace.db, environment, limit)
    advances = advance_of(workspace.db, [each.id for each in found])
    return tuple(Standing(backfill=each, advance=advances[each.id]) for each in found)


def cancel_backfill(workspace: Workspace, backfill_id: str, *, by: str) -> Standing:
    """Cancel a backfill: what waits at once, what runs within a second or two; what is done stays.

    Its slots are given back: other runs fill what is due of them. Raises Invalid if it is unknown or has ended.
    """
    db, now = workspace.db, workspace.effects.clock()
    before = standing_of(workspace, backfill_id)
    if before.advance.status != "running":
        raise Invalid.of("HW1153", f"the backfill {backfill_id} has ended: {before.advance.status}")
    with db.write() as connection:
        for request in before.requests:
            ask_to_cancel(db, request.id, by, now)
        audit.append(connection, "backfill cancelled", {"backfill": backfill_id, "by": by}, now)
    return standing_of(workspace, backfill_id)


def _scope(workspace: Workspace, order: Order, now: datetime) -> tuple[Horizon, _Scope]:
    graph = released(workspace, order.environment)
    horizon, meaning = horizon_of(graph, now), meaning_of(order, graph)
    require_slots(meaning, horizon)
    assert order.within is not None  # noqa: S101 - a backfill is one of a stretch of time
    tables = meaning.groups[-1] or frozenset()
    wanted = wanted_ranges(graph, horizon)
    own, _ = slots_within(graph, wanted, wanted.keys() & tables, order.within)
    some = [each for each in own.values() if each[0] < each[1]]
    stretch = (max(order.within[0], min(s for s, _ in some)), min(order.within[1], max(e for _, e in some)))
    names = frozenset(node.name for node in graph.nodes if node.kind in TABLE_KINDS and node.name in tables)
    return horizon, _Scope(graph=graph, tables=names, slots=own, stretch=stretch)


def _refuse_ordered(workspace: Workspace, order: Order, scope: _Scope, horizon: Horizon) -> None:
    ordered = left_to_backfills(workspace.db, order.environment, scope.graph, horizon)
    found = [
        error(
            "HW1151",
            f"slots of `{name}` in {shown(scope.stretch)} are ordered already: {', '.join(map(shown, ordered[name]))}",
        )
        for name, stretch in sorted(scope.slots.items())
        if name in ordered and stretch[0] < stretch[1] and overlap(stretch, ordered[name])
    ]
    if found:
        raise Invalid.from_all(found)


def _requests(backfill: Backfill, order: Order, chunks: Sequence[Interval], scope: _Scope) -> Iterator[Request]:
    """Give the orders of the chunks, oldest first, and of what comes last."""
    width = len(str(len(chunks)))
    for number, chunk in enumerate(chunks, 1):
        part = Order(
            environment=order.environment,
            select=order.select,
            skip=order.skip,
            within=chunk,
            again=order.again,
            release_holds=order.release_holds,
            priority=PRIORITY,
            because=f"backfill {backfill.id}: {shown(chunk)}",
            backfill=backfill.id,
            parts_at_once=backfill.parallel,
        )
        wait = timedelta(seconds=(number - 1) * backfill.throttle_s)
        yield _request(backfill, part, f"{number:0{width}}", wait)
    rest = tuple(sorted(scope.tables - scope.slots.keys()))
    if rest:
        because = f"backfill {backfill.id}: what is not cut by time"
        last = Order(
            environment=order.environment, select=rest, priority=PRIORITY, because=because, backfill=backfill.id
        )
        yield _request(backfill, last, "last", timedelta())


def _request(backfill: Backfill, order: Order, name: str, wait: timedelta) -> Request:
    return Request(
        id=f"{backfill.id}-{name}",
        environment=order.environment,
        kind="backfill",
        because=order.because,
        body=encode_order(order),
        priority=order.priority,
        created_at=backfill.created_at,
        author=backfill.author,
        not_before=backfill.created_at + wait,
        backfill=backfill.id,
    )


def _count(graph: Graph, slots: Mapping[str, Interval]) -> Iterator[int]:
    for node in graph.nodes:
        if node.name in slots and node.time is not None:
            calendar = Calendar.of(node.time.every, node.time.timezone)
            yield sum(1 for _ in calendar.starts(*slots[node.name]))


def _beyond(order: Order, stretch: Interval) -> tuple[Diagnostic, ...]:
    """Say what of the stretch there is nothing to fill in."""
    if order.within is None or (order.within[0] >= stretch[0] and order.within[1] <= stretch[1]):
        return ()
    return (warning("HW1154", f"there are slots in {shown(stretch)} only: the rest of the range is left out"),)


def _failures(backfill: Backfill, chunks: Sequence[Request]) -> tuple[Diagnostic, ...]:
    failed = [each for each in chunks if each.status in {"failed", "set_aside"}]
    if not failed:
        return ()
    message = f"{len(failed)} of {len(chunks)} chunks of the backfill {backfill.id} failed, first {failed[0].id}"
    return (error("HW1155", f"{message}: {failed[0].message}" if failed[0].message else message),)
