"""`headwater check`: everything that is wrong with the project's files, at once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from headwater.cli import options
from headwater.cli.ending import DONE, MISTAKE, REFUSED
from headwater.cli.framework import command as make
from headwater.cli.pages import Page, View
from headwater.cli.session import Session
from headwater.cli.views.text import count

if TYPE_CHECKING:
    from headwater.app.checking import Checked


def _document(checked: "Checked") -> dict[str, object]:
    graph, project = checked.graph, checked.project
    return {
        "sound": checked.is_sound,
        "nodes": len(project.sources) + len(project.models) if graph and project else None,
        "sinks": len(graph.sinks) if graph else None,
        "tests": len(project.tests) + len(project.policy_tests) if project else None,
        "diagnostics": [each.as_json() for each in checked.diagnostics],
    }


def _lines(checked: "Checked", page: Page) -> Iterator[str]:
    from headwater.cli.views.diagnostics import tally

    del page
    if not checked.is_sound or checked.graph is None or checked.project is None:
        yield f"{click.style('✗', fg='red')} {tally(checked.diagnostics)}"
        return
    project = checked.project
    parts = [(len(project.sources), "source"), (len(project.models), "model"), (len(checked.graph.sinks), "sink")]
    parts.append((len(project.tests) + len(project.policy_tests), "test"))
    what = ", ".join(count(number, noun) for number, noun in parts if number) or "an empty project"
    yield f"{click.style('✓', fg='green')} {what}: {tally(checked.diagnostics)}"


@make(
    short="Read the whole project and report every mistake at once.",
    example="headwater check\nheadwater check --env prod --json",
    params=[options.environment("Use this environment's variables.")],
)
def command(session: Session, environment: str) -> int:
    """Read the whole project and report every mistake at once.

    Each has a code, a place, and a hint. Nothing is run and nothing is changed. Exit code 1 if something is wrong,
    3 if only the project's own policies stand against it.
    """
    from headwater.app.checking import check
    from headwater.app.editor import stale_schema
    from headwater.app.unit_tests.checking import problems_of_tests
    from headwater.app.workspace import find_root

    root = find_root(session.project.absolute())
    checked = check(root, variables=session.variables, environment=environment)
    more = [each for each in (stale_schema(root),) if each is not None]
    if checked.project is not None and checked.graph is not None:
        more += problems_of_tests(checked.project, checked.graph, root)
    checked = replace(checked, diagnostics=(*checked.diagnostics, *more))
    if not session.out.json:
        session.out.diagnostics(checked.diagnostics, root, err=False)
    session.out.show(checked, View(_document, _lines))
    return DONE if checked.is_sound else REFUSED if checked.is_forbidden else MISTAKE
