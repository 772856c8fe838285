"""Loads sinks after a move, from released fills; the sinks' own ledgers make it exactly once."""

import time
from collections.abc import Callable, Iterable, Sequence

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
            slots = _as_loaded(slots, target, node, changed)
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
    slots: Sequence[SinkSlot], target: Sink, node: Node, changed: frozenset[tuple[str, SlotKey]]
) -> list[SinkSlot]:
    """``after_rollback: none``: what a rollback took back stays loaded until a later run changes the slot."""
    ledger = target.ledger()
    kept = []
    for slot in slots:
        key = (slot.site, Slot(slot.slot))
        is_left = (node.name, key) not in changed and key in ledger
        fill = ledger[key] if is_left else slot.fill
        kept.append(SinkSlot(site=slot.site, slot=slot.slot, fill=fill, sql=slot.sql))
    return kept
