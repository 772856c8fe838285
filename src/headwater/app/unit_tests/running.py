"""Runs a project's tests, of models (given rows in, expected rows out) and of policies; no data or state is touched."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar
from zoneinfo import ZoneInfo

from headwater.app.checking import compiled
from headwater.app.unit_tests.fixture_files import read_fixture
from headwater.app.workspace import cores
from headwater.diagnostics import Diagnostic, Invalid, Where, error, has_errors, suggest
from headwater.graph.selection import select as select_nodes
from headwater.graph.values import Graph, Node
from headwater.plan.calendar import Calendar, Interval
from headwater.project.names import shown
from headwater.run.binding import Binder
from headwater.run.engine import Engine, EngineLimits
from headwater.run.unit_tests.fixtures import Fixture
from headwater.run.unit_tests.matching import Difference, Row, RowPair
from headwater.run.unit_tests.performing import Bench, Case, changes_of, given_to, returned_rows, try_case
from headwater.spec.policies import PolicyTest
from headwater.spec.tests import Expectation, Rows, UnitTest

DEFAULT_NOW = datetime(2000, 1, 1, tzinfo=UTC)
"""What ``$now`` is in a test that does not say."""
_MOST_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What came of one test. Rows that differ are paired with those most like them."""

    __test__: ClassVar[bool] = False  # not a test of our own

    name: str
    model: str
    """Empty: it tests policies."""
    passed: bool
    seconds: float
    where: Where
    rows: int = 0
    """Rows that the model returned."""
    missing: tuple[Row, ...] = ()
    """Expected, but not returned."""
    unexpected: tuple[Row, ...] = ()
    """Returned, but not expected."""
    differing: tuple[RowPair, ...] = ()
    """Expected and returned rows that nearly met, and the columns in which they differ."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Why the test could not be run, or what the model raised."""
    site: str = ""
    """Of a test of policies: who asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """What came of all tests, in the order of the files."""

    __test__: ClassVar[bool] = False

    results: tuple[TestResult, ...]
    seconds: float

    @property
    def failed(self) -> tuple[TestResult, ...]:
        """Tests that failed."""
        return tuple(each for each in self.results if not each.passed)


def run_tests(
    root: Path,
    *,
    select: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    done: Callable[[TestResult], None] | None = None,
) -> TestReport:
    """Run a project's tests, several at once. ``select`` names tests or models (``+a``, ``tag:x`` and ``*`` work).

    ``done`` is told of each result as it comes, from any thread. Raises Invalid if the project is not sound, or a
    selection finds nothing.
    """
    began = time.perf_counter()
    checked = compiled(root, "", variables)
    assert checked.project is not None  # noqa: S101 - a sound check has both
    assert checked.graph is not None  # noqa: S101 - a sound check has both
    project, graph = checked.project, checked.graph
    tests, asked = _selected(project.tests, tuple(project.policy_tests.values()), graph, select)
    with TemporaryDirectory(prefix="headwater-test-") as directory:
        runner = Runner(root, graph, Path(directory), done or (lambda _: None))
        try:
            with ThreadPoolExecutor(min(_MOST_AT_ONCE, cores()), thread_name_prefix="test") as pool:
                results = tuple(pool.map(runner.result, range(len(tests)), tests))
        finally:
            runner.engine.close()
    results += tuple(_of_policies(asked, graph, done or (lambda _: None)))
    return TestReport(results=results, seconds=time.perf_counter() - began)


def _of_policies(tests: Sequence[PolicyTest], graph: Graph, done: Callable[[TestResult], None]) -> Iterator[TestResult]:
    """Run tests of policies: nothing is read and no site is asked, so one after the other."""
    if not tests:
        return
    from headwater.app.policy_testing import run_policy_test

    binder = Binder()
    for test in tests:
        began = time.perf_counter()
        found = run_policy_test(test, graph, binder).diagnostics
        seconds, passed = time.perf_counter() - began, not found
        result = TestResult(
            name=test.name,
            model="",
            site=test.at_sites,
            passed=passed,
            seconds=seconds,
            where=test.at.where,
            diagnostics=found,
        )
        done(result)
        yield result
    binder.close()


class Runner:
    """Runs tests of one graph, each in a lake of its own below ``directory``; close its ``engine`` afterwards."""

    def __init__(self, root: Path, graph: Graph, directory: Path, done: Callable[[TestResult], None]) -> None:
        self._root, self._graph, self._directory, self._done = root, graph, directory, done
        # One thread for each query: tests run beside each other, and rows keep their order.
        self.engine = Engine(EngineLimits(threads=1, temp_directory=str(directory / "spill")))
        with self.engine.session() as session:
            session.run("SET GLOBAL preserve_insertion_order = true")

    def result(self, number: int, test: UnitTest) -> TestResult:
        """Run one test."""
        began = time.perf_counter()
        difference, rows = Difference(), 0
        case, found = resolve(test, self._graph, self._root)
        if case is not None:
            tried = try_case(case, self._bench(number))
            difference, rows, found = tried.difference, tried.rows, list(tried.diagnostics)
        result = TestResult(
            name=test.name,
            model=test.model,
            passed=difference.is_empty and not found,
            seconds=time.perf_counter() - began,
            where=test.at.where,
            rows=rows,
            missing=difference.missing,
            unexpected=difference.unexpected,
            differing=difference.differing,
            diagnostics=tuple(found),
        )
        self._done(result)
        return result

    def returned(self, number: int, test: UnitTest) -> list[Row]:
        """Give the rows that the model returns; a HeadwaterError if the test names what does not exist, or it fails."""
        case, found = resolve(test, self._graph, self._root)
        if case is None:
            raise Invalid.from_all(found)
        return returned_rows(case, self._bench(number))

    def _bench(self, number: int) -> Bench:
        from headwater.connectors.stores.lake import Lake

        lake = self._directory / str(number)
        return Bench(engine=self.engine, store=Lake(lake), root=self._root, lake=lake, temporary=self._directory)


def resolve(test: UnitTest, graph: Graph, root: Path) -> tuple[Case | None, list[Diagnostic]]:
    """Find everything that a test names; None with diagnostics if something does not exist."""
    nodes = {node.name: node for node in graph.nodes}
    node = nodes.get(test.model)
    if node is None or node.kind == "source":
        return None, [_no_model(test, nodes)]
    found = [*_foreign_variables(test, graph), *_foreign_inputs(test, graph, node)]
    interval = _interval(test, nodes.get(changes_of(node) or "", node), found)
    given = {
        name: _fixture(rows, test, f"given.{name}", root, found) for name, rows in test.given.items() if name in nodes
    }
    expected = _fixture(test.expect, test, "expect", root, found)
    if found:
        return None, found
    case = Case(
        node=node,
        graph=replace(graph, variables={**graph.variables, **test.variables}),
        now=test.now or DEFAULT_NOW,
        interval=interval,
        given=given,
        expected=expected,
        ordered=test.expect.ordered,
        tolerance=test.expect.tolerance,
    )
    return case, []


def _no_model(test: UnitTest, nodes: Mapping[str, Node]) -> Diagnostic:
    where = test.at.of("model")
    if test.model in nodes:
        hint = "test a model that reads it"
        return error("HW0412", f"`{test.model}` is a source: it has no query to test", where, hint=hint)
    models = [name for name, each in nodes.items() if each.kind != "source"]
    return error("HW0411", f"there is no model `{shown(test.model)}`", where, hint=suggest(test.model[:100], models))


def _foreign_variables(test: UnitTest, graph: Graph) -> Iterator[Diagnostic]:
    for name in test.variables:
        if name not in graph.variables:
            hint = suggest(name[:100], graph.variables) or "declare it under `variables:` in headwater.yaml"
            where = test.at.of(f"variables.{name}")
            yield error("HW0418", f"there is no variable `{shown(name)}`", where, hint=hint)


def _foreign_inputs(test: UnitTest, graph: Graph, node: Node) -> Iterator[Diagnostic]:
    known = given_to(graph, node)
    for name in test.given:
        if name not in known:
            hint = suggest(name[:100], known) or f"it reads {', '.join(known) or 'nothing'}"
            where = test.at.of(f"given.{name}")
            yield error("HW0413", f"`{shown(name)}` is not an input of `{node.name}`", where, hint=hint)


def _interval(test: UnitTest, node: Node, found: list[Diagnostic]) -> Interval | None:
    """Give the slot (or slots) of a test, in the model's own time zone where it is written without one."""
    where = test.at.of("slot")
    if test.slot is None:
        if node.kind == "incremental":
            hint = f"say which: `slot: [start, end]`, of {node.time.every if node.time else 'its length'}"
            found.append(error("HW0416", f"`{node.name}` is filled slot by slot", test.at.where, hint=hint))
        return None
    if node.kind == "full":
        hint = "take `slot` out, or set `now`"
        found.append(error("HW0416", f"`{node.name}` is not cut by time, so it has no slots", where, hint=hint))
    if node.time is None or node.kind != "incremental":
        return test.slot
    calendar = Calendar.of(node.time.every, node.time.timezone)
    zone = ZoneInfo(node.time.timezone)
    for interval in (test.slot, tuple(at.replace(tzinfo=zone).astimezone(UTC) for at in test.slot)):
        start, end = interval
        if start < end and calendar.floor(start) == start and calendar.floor(end) == end:
            return start, end
    message = f"[{test.slot[0]:%Y-%m-%dT%H:%MZ}, {test.slot[1]:%Y-%m-%dT%H:%MZ}) is not made of slots of `{node.name}`"
    hint = f"slots are {node.time.every} long and counted in {node.time.timezone}"
    found.append(error("HW0416", message, where, hint=hint))
    return None


def _fixture(rows: Rows | Expectation, test: UnitTest, path: str, root: Path, found: list[Diagnostic]) -> Fixture:
    if rows.file is not None:
        fixture, problem = read_fixture(root, rows.file, test.at.of(f"{path}.file"))
        found += [problem] if problem else []
        return fixture

    def where(row: int, column: str) -> Where:
        for prefix in (f"{path}.rows.{row}", f"{path}.{row}"):
            place = f"{prefix}.{column}" if column else prefix
            if place in test.at.keys:
                return test.at.keys[place]
        known = f"{path}.rows.{row}" in test.at.keys
        return test.at.of(f"{path}.rows.{row}" if known else f"{path}.{row}")

    return Fixture(rows.rows, where)


def _selected(
    tests: Sequence[UnitTest], asked: Sequence[PolicyTest], graph: Graph, patterns: Sequence[str]
) -> tuple[list[UnitTest], list[PolicyTest]]:
    if not patterns:
        return list(tests), list(asked)
    wanted: set[str] = set()
    names = [*(each.name for each in tests), *(each.name for each in asked)]
    for pattern in patterns:
        named = {name for name in names if fnmatchcase(name.casefold(), pattern.casefold())}
        nodes, problems = (set(), []) if named else select_nodes(graph, [pattern])
        if has_errors(problems):
            hint = suggest(pattern[:100], [*names, *(node.name for node in graph.nodes)])
            raise Invalid.of("HW0410", f"no test and no model is called `{shown(pattern)}`", hint=hint)
        wanted |= named or {test.name for test in tests if test.model in nodes}
    return [each for each in tests if each.name in wanted], [each for each in asked if each.name in wanted]
