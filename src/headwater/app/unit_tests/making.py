"""Makes a unit test of a model from real rows: few rows that take every branch of its query which some row takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from headwater.app.checking import Checked
from headwater.app.unit_tests.placing import NewFile, place_test
from headwater.app.unit_tests.running import DEFAULT_NOW, Runner, TestResult
from headwater.app.unit_tests.served_inputs import served_inputs
from headwater.app.unit_tests.writing import Draft, section
from headwater.app.workspace import Workspace
from headwater.diagnostics import Diagnostic, Invalid, Where, error, suggest, warning
from headwater.graph.classes import columns_of_class, is_guarded
from headwater.graph.drafts import Macros
from headwater.graph.resolve_references import parse, read_macros
from headwater.graph.split_chains import AT, CHANGES, LINK
from headwater.graph.values import Graph, Node
from headwater.plan.calendar import Calendar, Interval
from headwater.plan.positions import extended
from headwater.project.assembling import read_tests
from headwater.project.names import shown
from headwater.run.binding import Binder
from headwater.run.engine import as_headwater_error, deadline
from headwater.run.relations import define
from headwater.run.unit_tests.choosing import Chosen, Moment, Question, best_slot, choose
from headwater.run.unit_tests.masking import Place
from headwater.run.unit_tests.matching import Row
from headwater.run.unit_tests.probing import MOST_ROWS, Laboratory, ProbedInput
from headwater.spec.nodes import Model
from headwater.spec.project import Project
from headwater.spec.tests import UnitTest
from headwater.sql.binding import BindError
from headwater.sql.equated import equated
from headwater.sql.macros import expand
from headwater.sql.outline import Json
from headwater.sql.queries import read_query
from headwater.sql.text import literal, now_like, time_literal
from headwater.sql.tree import Unclear
from headwater.tasks.values import Relation

DEFAULT_ROWS: Final = 30
_MOST_SECONDS: Final = 600.0
_MOST_SLOTS: Final = 5000
_MOST_ATTEMPTS: Final = 4
_MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTest:
    """A test that was made, and runs green. ``file`` says where it belongs and what the file then holds."""

    name: str
    model: str
    text: str
    file: NewFile
    given: Mapping[str, int]
    """Rows of each input."""
    expected: int
    covered: tuple[tuple[Where, str], ...]
    """Branches that its rows take."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """What it does not cover, and why."""


def new_test(
    workspace: Workspace,
    checked: Checked,
    model: str,
    *,
    environment: str,
    most_rows: int = DEFAULT_ROWS,
    name: str = "",
) -> NewTest:
    """Make a test of a model from rows that an environment serves (sources: as observed); nothing is written.

    The same data gives the same test. Raises Invalid if the model does not exist, has no query or no rows to read, or
    if there is a test of that name.
    """
    assert checked.graph is not None  # noqa: S101 - a sound check has both
    assert checked.project is not None  # noqa: S101 - a sound check has both
    node = _model(checked.graph, model)
    if most_rows < 1:
        raise Invalid.of("HW0674", f"a test of {most_rows} rows shows nothing", hint="`--rows` is 1 or more")
    own = node.name.removesuffix(CHANGES)
    title = name or f"{own} on real rows"
    file = place_test(workspace.root, title, own, checked.project)
    maker = _Maker(workspace, checked, node)
    chosen, slot, now = maker.choose(environment, most_rows)
    draft = Draft(
        name=title,
        model=node.name,
        given={each.node: [cell.values for cell in chosen.rows.get(each.node, ())] for each in node.inputs},
        slot=slot,
        now=now,
        remarks=chosen.remarks,
    )
    with TemporaryDirectory(prefix="headwater-test-") as directory:
        runner = Runner(workspace.root, checked.graph, Path(directory), lambda _: None)
        try:
            draft, notes = _expecting(draft, file.path, runner)
        finally:
            runner.engine.close()
    return NewTest(
        name=title,
        model=node.name,
        text=section(draft),
        file=file.holding(draft),
        given={input_: len(rows) for input_, rows in draft.given.items()},
        expected=len(draft.expect),
        covered=chosen.covered,
        diagnostics=(*maker.notes, *chosen.notes, *notes),
    )


def _model(graph: Graph, name: str) -> Node:
    nodes = {node.name.casefold(): node for node in graph.nodes}
    node = nodes.get(f"{name}{CHANGES}".casefold()) or nodes.get(name.casefold())  # of a chain, the user's own query
    models = [each.name for each in graph.nodes if each.source is None]
    if node is None:
        hint = suggest(name[:100], models) or f"models: {', '.join(models[:10]) or 'none'}"
        raise Invalid.of("HW0670", f"there is no model `{shown(name)}`", hint=hint)
    if node.source is not None:
        hint = "make a test of a model that reads it"
        raise Invalid.of("HW0671", f"`{node.name}` is a source: it has no query to test", hint=hint)
    if not node.inputs:
        hint = "write its test by hand: it needs no rows"
        raise Invalid.of("HW0674", f"`{node.name}` reads no rows", Where(node.file, node.line), hint=hint)
    return node


class _Maker:
    def __init__(self, workspace: Workspace, checked: Checked, node: Node) -> None:
        assert checked.graph is not None  # noqa: S101 - a sound check has both
        assert checked.project is not None  # noqa: S101 - a sound check has both
        self._workspace, self._graph, self._project, self._node = workspace, checked.graph, checked.project, node
        self._where = Where(node.file, node.line)
        self.notes: list[Diagnostic] = []

    def choose(self, environment: str, most: int) -> tuple[Chosen, Interval | None, datetime | None]:
        """Choose rows, the slot that they are of, and what ``$now`` is."""
        node, workspace = self._node, self._workspace
        relations, around = served_inputs(workspace, environment, self._graph, node)
        what = f"making a test of `{node.name}`"
        try:
            with workspace.engine.session(node.timezone) as session, deadline(session, _MOST_SECONDS, what):
                define(session, relations, around, {"now": literal(workspace.effects.clock())})
                laboratory = Laboratory(session, [self._probed(each, around.graph) for each in relations])
                self._require_rows(laboratory, environment)
                question = question_of(self._project, self._graph, node, most)
                slot = self._slot(laboratory, question) if node.kind == "incremental" else None
                now = self._now(laboratory, slot)
                return choose(laboratory, question, self._moment(slot, now)), slot, now
        except Exception as problem:
            raise as_headwater_error(problem, what, self._where, store=workspace.store) from problem

    def _probed(self, relation: Relation, served: Graph) -> ProbedInput:
        """Columns that the model reads, and the one that cuts its time; as the environment has them."""
        each = next(i for i in self._node.inputs if i.node == relation.name)
        node = next(n for n in served.nodes if n.name == relation.name)
        wanted = {*each.columns, relation.time.column if relation.time else ""}
        columns = tuple((c.name, c.type) for c in node.columns if "*" in wanted or c.name in wanted)
        return ProbedInput(relation=relation, columns=columns)

    def _require_rows(self, laboratory: Laboratory, environment: str) -> None:
        counts = laboratory.count()
        if not any(counts.values()):
            hint = "fill its inputs first (`headwater run`), or look at their sources"
            message = f"nothing that `{self._node.name}` reads has rows in `{environment}`: {', '.join(counts)}"
            raise Invalid.of("HW0674", message, self._where, hint=hint)
        for name in laboratory.truncated:
            message = f"`{name}` has more than {MOST_ROWS:,} rows: the test is made from {MOST_ROWS:,} of them"
            self.notes.append(warning("HW0675", message, self._where))

    def _slot(self, laboratory: Laboratory, question: Question) -> Interval:
        """Choose the slot whose rows take most branches; of several such the first."""
        cut = self._node.time
        assert cut is not None  # noqa: S101 - incremental models have one
        calendar = Calendar.of(cut.every, cut.timezone)
        first, last = self._span(laboratory, cut.start or DEFAULT_NOW)
        first, last = max(first, cut.start or first), min(last, cut.end or last)
        starts = list(calendar.starts(first, max(last, first + _MOMENT)))[-_MOST_SLOTS:]
        whole = (starts[0], calendar.next(starts[-1]))
        best = best_slot(laboratory, question, self._moment(whole, None), starts) if len(starts) > 1 else 0
        return starts[best], calendar.next(starts[best])

    def _span(self, laboratory: Laboratory, default: datetime) -> Interval:
        """From the first row to the last, of the inputs that are cut by time with the model."""
        spans = [laboratory.span(each.node) for each in self._node.inputs if each.cut]
        known = [span for span in spans if span is not None]
        first = min((span[0] for span in known), default=default)
        return first, max((span[1] for span in known), default=first) + _MOMENT

    def _now(self, laboratory: Laboratory, slot: Interval | None) -> datetime | None:
        """Fix ``$now`` where the model uses it: when its slot ends, or the day after its newest row."""
        if not now_like(self._node.query) and "now" not in self._node.parameters:
            return None
        if slot is not None:
            return slot[1]
        spans = [laboratory.span(each.name) for each in laboratory.inputs if each.relation.time is not None]
        newest = max((span[1] for span in spans if span), default=DEFAULT_NOW)
        return (newest + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)

    def _moment(self, slot: Interval | None, now: datetime | None) -> Moment:
        values = {name: literal(value) for name, value in self._graph.variables.items()}
        values["now"] = literal(now or DEFAULT_NOW)
        if slot is not None and self._node.time is not None:
            cut = self._node.time
            for name, at in zip(("start", "end"), slot, strict=True):
                values[name] = time_literal(at, cut.type, cut.timezone)
        intervals = {each.node: extended(each, slot) for each in self._node.inputs}
        return Moment(values=values, intervals=intervals)


def question_of(project: Project, graph: Graph, node: Node, most: int) -> Question:
    """Say what rows a test of a node needs."""
    nodes = {each.name: each for each in graph.nodes}
    guarded = columns_of_class(graph, is_guarded)
    sources = [(each.node, nodes[each.node].source) for each in node.inputs]
    query, equalities, unclear = _parsed(project, nodes, node)
    return Question(
        model=_as_compiled(project.models[node.name.removesuffix(CHANGES)], node),
        where=Where(node.file, node.line),
        most=most,
        query=query,
        unclear=unclear,
        guarded=frozenset((each.node, column) for each in node.inputs for column in guarded[each.node]),
        equated=equalities,
        required=frozenset((name, column) for name, source in sources if source for column in source.required),
        variables=graph.variables,
    )


def _as_compiled(model: Model, node: Node) -> Model:
    """Give a model with the query that its node has: something may stand before what the user wrote."""
    before = node.query.find(model.query) if model.query else -1
    return replace(model, query=node.query, query_column=model.query_column - before) if before > 0 else model


def _parsed(
    project: Project, nodes: Mapping[str, Node], node: Node
) -> tuple[Json | None, list[tuple[Place, Place]], str]:
    """Give a node's query parsed, the columns that it compares, and why either cannot be had."""
    if node.python is not None:
        return None, [], "it is a Python function"
    bind = Binder()
    try:
        tree = parse(bind, node.query)
        if isinstance(tree, BindError):
            return None, [], tree.message
        query = expand(tree, read_macros(Macros.of(project.macros), node.query, bind))
        inputs = {each.node.casefold(): (each.node, _relation(nodes[each.node])) for each in node.inputs}
        return query, list(equated(read_query(query, inputs)[0])), ""
    except Unclear as why:
        return None, [], str(why)
    except RecursionError:
        return None, [], "nested too deeply"
    finally:
        bind.close()


def _relation(node: Node) -> tuple[tuple[str, str], ...]:
    return tuple((column.name, column.type) for column in node.columns)


def _expecting(draft: Draft, path: str, runner: Runner) -> tuple[Draft, list[Diagnostic]]:
    """Fill in what the model makes of the given rows, and prove that the test passes as it is written."""
    notes: list[Diagnostic] = []
    left_out = {LINK, AT} if draft.model.endswith(CHANGES) else set[str]()
    silent = frozenset(left_out)
    rows = runner.returned(0, _read(draft, path))
    for attempt in range(1, _MOST_ATTEMPTS):
        kept = [{name: value for name, value in row.items() if name not in left_out} for row in rows]
        tried = replace(draft, expect=sorted(kept, key=repr))
        result = runner.result(attempt, _read(tried, path))
        if result.passed:
            if left_out - silent:
                message = f"not expected, because they are not the same twice: {', '.join(sorted(left_out - silent))}"
                notes.append(warning("HW0676", message, result.where))
            return tried, notes
        changing = _changing(result, rows)
        if not changing - left_out or result.diagnostics:
            break
        left_out |= changing
    hint = "does it depend on chance, or on an order of rows that nothing says?"
    message = f"the test of `{draft.model}` does not pass the second time"
    raise Invalid(*(result.diagnostics or (error("HW0676", message, hint=hint),)))


def _changing(result: TestResult, rows: Sequence[Row]) -> set[str]:
    """Columns that come out otherwise the second time."""
    differing = {column for pair in result.differing for column in pair.columns}
    return differing or (set(rows[0]) if rows and (result.missing or result.unexpected) else set())


def _read(draft: Draft, path: str) -> UnitTest:
    """Give a draft as the test that a reader of its file reads."""
    tests, found = read_tests("tests:\n" + section(draft), path)
    if len(tests) != 1 or found:
        raise Invalid(*found, error("HW0676", f"a test of `{draft.model}` cannot be written down as YAML"))
    return tests[0]
