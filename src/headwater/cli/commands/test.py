"""`headwater test`: the unit tests of models, in memory, and the tests of policies."""

from pathlib import Path

import click

from headwater.cli import options
from headwater.cli.ending import DONE, FAILED
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="test",
    short="Run the tests of models and policies, in memory.",
    example="headwater test\nheadwater test daily_delays --junit report.xml\nheadwater test --new daily_delays",
    params=[
        click.Argument(["select"], nargs=-1, metavar="[TEST…]", shell_complete=options.complete_node),
        click.Option(
            ["--junit"],
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write the results as JUnit XML, too.",
        ),
        click.Option(
            ["--new"],
            metavar="MODEL",
            shell_complete=options.complete_node,
            help="Make a test of a model from real rows that take each branch of its query.",
        ),
        options.environment("--new: the environment whose rows it takes."),
        click.Option(["--rows"], type=int, metavar="N", help="--new: most rows to give; default: 30."),
        click.Option(["--name"], metavar="NAME", help="--new: the name of the test."),
        click.Option(
            ["--write/--print"], "write", default=True, help="--new: write it to tests/MODEL.yaml, or only print it."
        ),
    ],
)
def command(
    session: Session,
    select: tuple[str, ...],
    junit: Path | None,
    new: str | None,
    environment: str,
    rows: int | None,
    name: str | None,
    write: bool,
) -> int:
    """Run the tests of models and policies, in memory; neither data nor state is touched. Exit code 6 if one fails.

    A test of policies (`policy_tests:`) is a query that must be refused, or allowed, by the rules as they are; no site
    is asked.

    TEST is the name of a test (`*` stands for any text), or selects models: a name, +name, name+, tag:x, path:x.

    With --new it makes a test instead: few rows of what an environment serves (sources: as they are) that take each
    branch of the model's query, columns with a class masked, and what the model makes of them. The same rows give the
    same test, and no test is ever replaced.
    """
    if new is None and (rows is not None or name is not None or not write):
        raise click.UsageError("--rows, --name and --print say how --new makes a test", click.get_current_context())
    if new is not None and (select or junit):
        raise click.UsageError("--new makes one test and runs no others", click.get_current_context())
    if new is not None:
        return _make(session, new, environment, rows, name or "", write=write)
    from headwater.app.unit_tests.running import run_tests
    from headwater.app.workspace import find_root
    from headwater.cli.views.tests import junit as as_junit
    from headwater.cli.views.tests import tests_view

    root = find_root(session.project.absolute())
    report = run_tests(root, select=select, variables=session.variables)
    if junit is not None:
        session.write(junit, as_junit(report))
    session.out.show(report, tests_view(root))
    return FAILED if report.failed else DONE


def _make(session: Session, model: str, environment: str, rows: int | None, name: str, *, write: bool) -> int:
    from headwater.app.checking import compiled
    from headwater.app.unit_tests.making import DEFAULT_ROWS, new_test
    from headwater.cli.views.new_test import new_test_view

    with session.at_work() as workspace:
        session.require_environment(workspace, environment)
        checked = compiled(workspace.root, environment, session.variables)
        most = DEFAULT_ROWS if rows is None else rows
        made = new_test(workspace, checked, model, environment=environment, most_rows=most, name=name)
        if write:
            session.write(workspace.root / made.file.path, made.file.after.encode())
    session.say(made.diagnostics)
    session.out.show(made, new_test_view(written=write))
    return DONE
