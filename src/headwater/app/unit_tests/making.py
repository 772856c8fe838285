"""Makes a unit test of a model from real rows: few rows that take every branch of its query which some row takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from headwater.app.checking import Checked
from headwater.app.unit_tests.placing import NewFile, place_test
from headwater.app.unit_tests.row_chooser import RowChooser
from headwater.app.unit_tests.running import Runner, TestResult
from headwater.app.unit_tests.writing import Draft, section
from headwater.app.workspace import Workspace
from headwater.diagnostics import Diagnostic, Invalid, Where, error, suggest, warning
from headwater.graph.split_chains import AT, CHANGES, LINK
from headwater.graph.values import Graph, Node
from headwater.project.assembling import read_tests
from headwater.project.names import shown
from headwater.run.unit_tests.matching import Row
from headwater.spec.tests import UnitTest

DEFAULT_ROWS: Final = 30
_MOST_ATTEMPTS: Final = 4


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
    chooser = RowChooser(workspace, checked, node)
    chosen, slot, now = chooser.choose(environment, most_rows)
    draft = Draft(
        name=title,
        model=node.name,
        given={each.node: [cell.values for cell in chosen.rows.get(each.node, ())] for each in node.inputs},
        slot=slot,
        now=now,
        remarks=chosen.remarks,
    )
    draft, notes = _proved(draft, file.path, workspace.root, checked.graph)
    return NewTest(
        name=title,
        model=node.name,
        text=section(draft),
        file=file.holding(draft),
        given={input_: len(rows) for input_, rows in draft.given.items()},
        expected=len(draft.expect),
        covered=chosen.covered,
        diagnostics=(*chooser.notes, *chosen.notes, *notes),
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


def _proved(draft: Draft, path: str, root: Path, graph: Graph) -> tuple[Draft, list[Diagnostic]]:
    with TemporaryDirectory(prefix="headwater-test-") as directory:
        runner = Runner(root, graph, Path(directory), lambda _: None)
        try:
            return _expecting(draft, path, runner)
        finally:
            runner.engine.close()


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
