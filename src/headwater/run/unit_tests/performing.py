"""Runs a model on given rows in memory: the same path as a real task, over a lake that is thrown away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from headwater.connect.stores import Store
from headwater.diagnostics import Diagnostic, HeadwaterError, Invalid
from headwater.graph.values import Graph, Input, Node
from headwater.plan.calendar import Calendar, Interval, slot_of
from headwater.plan.positions import extended
from headwater.run.engine import Engine, Session
from headwater.run.python.models import Request, perform_in_process
from headwater.run.relations import Surroundings, select_of
from headwater.run.unit_tests.fixtures import Fixture, rows_select
from headwater.run.unit_tests.matching import Difference, Row, compare
from headwater.run.worker import fill_select, perform
from headwater.spec.addresses import ALL, HUB, Digest, FillId, link_slot
from headwater.spec.fills import Entry, Fill, StoredFile
from headwater.tasks.values import Relation, Task, TaskSlot, needed

_NOWHERE = Digest("given")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A test, resolved: nothing in it is a name that may not exist."""

    node: Node
    graph: Graph
    """With the test's variables."""
    now: datetime
    interval: Interval | None
    given: Mapping[str, Fixture]
    expected: Fixture
    ordered: bool
    tolerance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where a test runs: an engine that tests may share, and a store that is its own."""

    engine: Engine
    store: Store
    root: Path
    """The project's directory."""
    lake: Path
    temporary: Path


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a case."""

    difference: Difference = Difference()
    rows: int = 0
    """Rows that the model returned."""
    diagnostics: tuple[Diagnostic, ...] = ()


def given_to(graph: Graph, node: Node) -> tuple[str, ...]:
    """Name what rows can be given for: its inputs, and through views, inline models and changes what those read."""
    nodes = {each.name: each for each in graph.nodes}
    found: dict[str, None] = {}

    def visit(each: Node) -> None:
        for below in each.inputs:
            found[below.node] = None
            if nodes[below.node].kind in {"view", "inline"} or below.node == changes_of(node):
                visit(nodes[below.node])

    visit(node)
    return tuple(found)


def changes_of(node: Node) -> str | None:
    """Name what a merge or history folds; None for other nodes."""
    return node.inputs[0].node if node.chain is not None and node.chain.role == "fold" else None


def try_case(case: Case, bench: Bench) -> Tried:
    """Run a case; whatever goes wrong is a diagnostic."""
    try:
        fills, found = _put_given(case, bench)
        expected, more = _expected_rows(case, bench)
        if found or more:
            return Tried(diagnostics=(*found, *more))
        returned = _returned_rows(case, bench, fills)
    except HeadwaterError as problem:
        return Tried(diagnostics=problem.diagnostics)
    difference = compare(expected, returned, ordered=case.ordered, tolerance=case.tolerance)
    return Tried(difference=difference, rows=len(returned))


def returned_rows(case: Case, bench: Bench) -> list[Row]:
    """Give the rows that the model makes of what a case gives it; raises a HeadwaterError if it cannot."""
    fills, found = _put_given(case, bench)
    if found:
        raise Invalid.from_all(found)
    return _returned_rows(case, bench, fills)


def _put_given(case: Case, bench: Bench) -> tuple[dict[str, Fill], list[Diagnostic]]:
    """Write each given table as a fill: (node → fill) and what is wrong with the values."""
    nodes = {node.name: node for node in case.graph.nodes}
    fills: dict[str, Fill] = {}
    found: list[Diagnostic] = []
    for name, fixture in case.given.items():
        node = nodes[name]
        columns = [(column.name, column.type) for column in node.columns]
        zone = node.source.timezone if node.source else node.timezone
        with bench.engine.session(zone) as session:
            select, problems = rows_select(session, columns, fixture)
            found += problems
            if select:
                fills[name] = _written(session, node, select, bench.store, len(fixture.rows))
    return fills, found


def _written(session: Session, node: Node, select: str, store: Store, rows: int) -> Fill:
    columns = store.stored_columns([(column.name, column.type) for column in node.columns])
    file = "given-0.parquet"
    session.run(store.write_statement(select, columns, store.path(node.name, node.version, file)))
    return Fill(
        id=FillId(f"given:{node.name}"),
        node=node.name,
        version=node.version,
        site=HUB,
        slot=ALL,
        digest=_NOWHERE,
        moving=_NOWHERE,
        columns=columns,
        files=(StoredFile(file, rows, 0, ""),),
    )


def _expected_rows(case: Case, bench: Bench) -> tuple[list[Row], list[Diagnostic]]:
    """Give the expected rows with the types of the model's columns, each with the columns that it names."""
    types = {column.name: column.type for column in case.node.columns}
    named = dict.fromkeys(str(name) for row in case.expected.rows for name in row)
    columns = [(name, types[name]) for name in types if name in named]
    if len(columns) < len(named):
        columns = list(types.items())
    if not columns:
        return [{} for _ in case.expected.rows], []
    with bench.engine.session(case.node.timezone) as session:
        select, found = rows_select(session, columns, case.expected)
        rows = _fetch(session, select) if select else []
    written = zip(rows, case.expected.rows, strict=False)
    return [{name: value for name, value in row.items() if name in said} for row, said in written], found


def _returned_rows(case: Case, bench: Bench, fills: Mapping[str, Fill]) -> list[Row]:
    by_id: dict[str, Fill] = {fill.id: fill for fill in fills.values()}
    graph = _without_sources(case.graph)
    around = Surroundings(graph=graph, store=bench.store, sources={}, inspections={}, fills=by_id)
    changes = changes_of(case.node)
    if changes is not None and changes not in case.given:
        came = _came(replace(case, graph=graph, node=around.node(changes)), bench, fills, around)
        fills, by_id = {**fills, changes: came}, {**by_id, came.id: came}
        case, around = replace(case, interval=None), replace(around, fills=by_id)
    rows: list[Row] = []
    for number, task in enumerate(_tasks(replace(case, graph=graph), fills)):
        made = _perform(task, f"t{number}", bench, around)
        with bench.engine.session(case.node.timezone) as session:
            for fill in made:
                rows += _fetch(session, fill_select(fill, around))
    return rows


def _came(case: Case, bench: Bench, fills: Mapping[str, Fill], around: Surroundings) -> Fill:
    """What the given rows bring to a merge or history, as one fill."""
    made = [
        fill for number, task in enumerate(_tasks(case, fills)) for fill in _perform(task, f"c{number}", bench, around)
    ]
    with bench.engine.session(case.node.timezone) as session:
        select = select_of(around, case.node, made)
        return _written(session, case.node, select, bench.store, sum(fill.rows for fill in made))


def _perform(task: Task, attempt: str, bench: Bench, around: Surroundings) -> Sequence[Fill]:
    if task.node.python is None:
        return perform(task, attempt, bench.engine, around).fills
    request = Request(
        task=task,
        graph=needed(around.graph, task),
        attempt=attempt,
        root=str(bench.root),
        lake=str(bench.lake),
        temp_directory=str(bench.temporary),
        fills=around.fills,
        inspections={},
    )
    return perform_in_process(request, bench.engine).fills


def _tasks(case: Case, fills: Mapping[str, Fill]) -> list[Task]:
    """Cut the interval as a run would: one query where that is proved to be the same, else one for each slot."""
    if case.node.kind == "links":
        return [_task(case, fills, [(link_slot(1), None)], 0)]
    if case.node.kind != "incremental" or case.interval is None or case.node.time is None:
        return [_task(case, fills, [(ALL, None)], 0)]
    calendar = Calendar.of(case.node.time.every, case.node.time.timezone)
    slots = [(slot_of(at), (at, calendar.next(at))) for at in calendar.starts(*case.interval)]
    is_alone = case.node.batch_s == 0 or case.node.python is not None
    groups = [[slot] for slot in slots] if is_alone else [slots]
    return [_task(case, fills, group, number) for number, group in enumerate(groups)]


def _task(case: Case, fills: Mapping[str, Fill], slots: Sequence[tuple[Any, Interval | None]], number: int) -> Task:
    first, last = slots[0][1], slots[-1][1]
    interval = (first[0], last[1]) if first and last else None
    return Task(
        id=f"{case.node.name}#{number}",
        node=case.node,
        slots=tuple(
            TaskSlot(
                site=HUB, slot=slot, entry=Entry(FillId(f"result{number}.{index}"), _NOWHERE, _NOWHERE), interval=at
            )
            for index, (slot, at) in enumerate(slots)
        ),
        relations=tuple(_relation(case, fills, each, interval or case.interval) for each in case.node.inputs),
        now=case.now,
        environment="test",
        interval=interval,
    )


def _relation(case: Case, fills: Mapping[str, Fill], each: Input, reader: Interval | None) -> Relation:
    """Give what an input is: the given rows, else a view over what it reads, else an empty table."""
    node = next(node for node in case.graph.nodes if node.name == each.node)
    interval = extended(each, reader)
    if node.kind in {"view", "inline"} and node.name not in case.given:
        inputs = tuple(_relation(case, fills, below, interval) for below in node.inputs)
        return Relation(name=node.name, kind="view", version=node.version, interval=interval, inputs=inputs)
    ids = (fills[node.name].id,) if node.name in fills else ()
    return Relation(name=node.name, kind="table", version=node.version, interval=interval, time=node.time, fills=ids)


def _without_sources(graph: Graph) -> Graph:
    """Sources are given as tables: nothing is made that would read outside, or need a secret."""
    nodes = tuple(replace(n, kind="full", source=None) if n.source is not None else n for n in graph.nodes)
    return replace(graph, nodes=nodes)


def _fetch(session: Session, select: str) -> list[Row]:
    rows: list[Row] = session.connection.sql(select).to_arrow_table().to_pylist()
    return rows
