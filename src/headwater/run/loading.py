"""Loads sinks after a move, from released fills; the sinks' own ledgers make it exactly once."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from headwater.connect.sinks import Load, Sink, SinkSlot
from headwater.diagnostics import Where
from headwater.events import SinkLoaded
from headwater.graph.values import Input, Node, SinkNode
from headwater.run.context import Context
from headwater.run.engine import Session, as_headwater_error
from headwater.run.loaded import LoadedSinks
from headwater.run.relations import Surroundings, create_macros, define
from headwater.run.serving import served_address, served_relation
from headwater.run.worker import fill_select
from headwater.spec.addresses import ALL, HUB, Slot
from headwater.spec.releases import Head, SlotKey
from headwater.sql.text import literal, quote_relation
from headwater.state.releases import is_taken_back, slots_taken_back

MakeSink = Callable[[SinkNode], Sink]


def load_sinks(
    context: Context,
    head: Head,
    sinks: Iterable[SinkNode],
    make: MakeSink,
    around: Surroundings,
    changed: frozenset[tuple[str, SlotKey]],
) -> LoadedSinks:
    """Bring the targets of sinks to what the head serves; one that fails does not stop the others."""
    result = LoadedSinks()
    for sink in sinks:
        began = time.perf_counter()
        try:
            slots, rows = _load(context, head, sink, make, around, changed)
        except Exception as problem:  # noqa: BLE001 - one dead sink must not stop the rest; it is reported
            where = Where(sink.file, sink.line)
            result.failures[sink.name] = as_headwater_error(problem, f"sink `{sink.name}`", where, store=around.store)
        else:
            result.loaded[sink.name] = (slots, rows)
            if slots:
                context.emit(SinkLoaded(sink.name, slots, rows, time.perf_counter() - began))
    return result


def _load(
    context: Context,
    head: Head,
    sink: SinkNode,
    make: MakeSink,
    around: Surroundings,
    changed: frozenset[tuple[str, SlotKey]],
) -> tuple[int, int]:
    node, target = around.node(sink.from_), make(sink)
    if node.name not in head.nodes:
        return 0, 0
    with context.engine.session(node.timezone) as session:
        slots = _slots(session, context, head, node, around)
        if sink.after_rollback == "none":
            moved = frozenset(key for name, key in changed if name == node.name)
            slots = _as_loaded(slots, target, moved, partial(_taken_back, context, around, node))
        load = Load(
            columns=tuple((c.name, c.type) for c in node.columns),
            mode=sink.mode,
            key=sink.key,
            restate=sink.restate,
            slots=slots,
        )
        loaded = target.load(session.connection, load)
        return loaded.slots, loaded.rows


def _slots(session: Session, context: Context, head: Head, node: Node, around: Surroundings) -> list[SinkSlot]:
    if node.kind == "view":
        relation = served_relation(around.graph, head, Input(node=node.name, columns=("*",)))
        define(session, [relation], around, {"now": literal(context.now)})
        create_macros(session, around.graph, [node.query], {"now": literal(context.now)})
        fill = served_address(around.graph, head, node.name)
        return [SinkSlot(site=HUB, slot=ALL, fill=fill, sql=f"SELECT * FROM {quote_relation(node.name)}")]
    entries = sorted(head.entries_of(node.name).items())
    return [
        SinkSlot(site=site, slot=slot, fill=entry.fill, sql=fill_select(around.fills[entry.fill], around))
        for (site, slot), entry in entries
    ]


def _as_loaded(
    slots: Sequence[SinkSlot], target: Sink, changed: frozenset[SlotKey], taken_back: Callable[[], frozenset[SlotKey]]
) -> list[SinkSlot]:
    """``after_rollback: none``: what a rollback took back stays loaded until a later run changes the slot.

    A slot that was left behind in any other way (a load that failed) is brought up to date.
    """
    ledger = target.ledger()
    behind = {(slot.site, Slot(slot.slot)) for slot in slots if ledger.get((slot.site, slot.slot)) != slot.fill}
    behind = {key for key in behind if key in ledger and key not in changed}
    left = behind & taken_back() if behind else frozenset[SlotKey]()
    return [
        replace(slot, fill=ledger[slot.site, slot.slot]) if (slot.site, Slot(slot.slot)) in left else slot
        for slot in slots
    ]


def _taken_back(context: Context, around: Surroundings, node: Node) -> frozenset[SlotKey]:
    """Slots that a rollback was the last to change; a view stands on the tables that it reads."""
    if node.kind != "view":
        return slots_taken_back(context.db, context.environment, node.name)
    is_left = is_taken_back(context.db, context.environment, _tables_of(around, node))
    return frozenset({(HUB, ALL)}) if is_left else frozenset()


def _tables_of(around: Surroundings, node: Node) -> set[str]:
    if node.kind not in {"view", "inline"}:
        return {node.name}
    return {node.name}.union(*(_tables_of(around, around.node(each.node)) for each in node.inputs))
