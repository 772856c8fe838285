"""Performs one task: define what its query names, compute, stage, verify that the sources stood still, seal, check."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from headwater.diagnostics import Retryable, Where
from headwater.graph.values import Node
from headwater.run.engine import Engine, Session, as_headwater_error
from headwater.run.folding import stage_fold
from headwater.run.linking import link_select
from headwater.run.measuring import fill_checks, measure_fills
from headwater.run.metering import Meter
from headwater.run.relations import Scanned, Surroundings, create_macros, define, query_of, select_of
from headwater.run.staging import Stage, Staged, stage
from headwater.spec.fills import Fill
from headwater.spec.observations import SetAside
from headwater.spec.quality import Measurement
from headwater.spec.releases import Verdict
from headwater.sql.text import literal
from headwater.tasks.values import Relation, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a task leaves: sealed fills, the verdicts of their own checks, and rows that scans set aside."""

    task: str
    fills: tuple[Fill, ...]
    verdicts: tuple[Verdict, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    set_aside: Mapping[str, tuple[SetAside, ...]] = field(default_factory=dict)


class Compute(Protocol):
    """How the rows of a task come about in a session whose relations are defined; gives a SELECT of them."""

    def __call__(self, session: Session, task: Task) -> str:
        """Compute, or prepare computing."""
        ...


def perform(
    task: Task,
    attempt: str,
    engine: Engine,
    around: Surroundings,
    compute: Compute | None = None,
    meter: Meter | None = None,
) -> Receipt:
    """Perform a task as one attempt; raises a HeadwaterError that says whether another attempt makes sense."""
    began = time.perf_counter()
    try:
        node, what = task.node, f"`{task.node.name}`"
        with engine.session(task.node.timezone, meter) as session, engine.deadline(session, node.timeout_s, what):
            staged, set_aside = _stage(session, task, Stage(store=around.store, attempt=attempt), around, compute)
            seconds = round((time.perf_counter() - began) / len(staged.fills), 6)
            sealed = around.store.seal_all([replace(fill, seconds=seconds) for fill in staged.fills])
            verdicts = staged.verdicts
            if verdicts is None:
                verdicts = check_fills(session, task.node, sealed, around)
            return Receipt(
                task=task.id,
                fills=sealed,
                verdicts=tuple(verdicts),
                measurements=tuple(staged.measurements),
                set_aside=set_aside,
            )
    except Exception as problem:
        where = Where(task.node.file, task.node.line) if task.node.file else None
        raise as_headwater_error(problem, f"`{task.node.name}`", where, store=around.store) from problem


def check_fills(session: Session, node: Node, fills: Sequence[Fill], around: Surroundings) -> list[Verdict]:
    """Evaluate the checks that need one fill only, on sealed fills."""
    subjects = [(fill.id, fill.slot, fill_select(fill, around)) for fill in fills]
    return measure_fills(session, node, fill_checks(node), subjects)


def fill_select(fill: Fill, around: Surroundings) -> str:
    """Give a SELECT of a fill's rows."""
    return select_of(around, around.node(fill.node), [fill])


def parameters_of(task: Task) -> dict[str, str]:
    """Give the literals of the parameters that every query of a task may use."""
    return {"now": literal(task.now)}


def _stage(
    session: Session, task: Task, to: Stage, around: Surroundings, compute: Compute | None
) -> tuple[Staged, dict[str, tuple[SetAside, ...]]]:
    recovered: dict[str, list[SetAside]] = {}
    folds = task.node.chain is not None and task.node.chain.role == "fold"
    # A fold says itself which part of what came it sees: the longest part of it need not even be opened.
    relations = () if folds else task.relations
    while True:
        try:
            scanned = define(session, relations, around, parameters_of(task), recovered)
            select = compute(session, task) if compute else _query(session, task, around)
            if task.node.kind == "links":
                select = link_select(session, task, select, around)
            staged = stage_fold(session, task, select, to, around) if folds else stage(session, task, select, to)
            set_aside = _collect(session, scanned, around)
        finally:
            # A file that has changed or gone explains whatever the engine said of it.
            _refuse_changed(task.relations, around)
        again = {name: [r for r in rows if r.recovered] for name, rows in set_aside.items()}
        if not any(again.values()) or recovered:
            return staged, set_aside
        # Rows that only the exact parser can read belong to the source: scan once more with them.
        recovered = again
        session.reset()


def _query(session: Session, task: Task, around: Surroundings) -> str:
    query = query_of(task.node, around.graph, parameters_of(task), task)
    create_macros(session, around.graph, [query], parameters_of(task))
    return query


def _collect(session: Session, scanned: Sequence[Scanned], around: Surroundings) -> dict[str, tuple[SetAside, ...]]:
    found: dict[str, tuple[SetAside, ...]] = {}
    for each in scanned:
        source = around.sources[each.source]
        if not source.needs_inspection:
            found[each.source] = found.get(each.source, ()) + source.collect(session.connection, each.items)
    return found


def _refuse_changed(relations: Sequence[Relation], around: Surroundings) -> None:
    for each in relations:
        _refuse_changed(each.inputs, around)
        changed = around.sources[each.name].changed([item for _, item in each.items]) if each.kind == "source" else ()
        if changed:
            node = around.node(each.name)
            message = f"`{changed[0]}` of source `{each.name}` changed or vanished while it was read"
            raise Retryable.of("HW0511", message, Where(node.file, node.line))
