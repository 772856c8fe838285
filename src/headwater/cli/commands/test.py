"""`headwater test`: the unit tests of models, in memory."""

from pathlib import Path

import click

from headwater.cli import options
from headwater.cli.ending import DONE, FAILED
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="test",
    short="Run the unit tests of models, in memory.",
    example="headwater test\nheadwater test daily_delays --junit report.xml",
    params=[
        click.Argument(["select"], nargs=-1, metavar="[TEST…]", shell_complete=options.complete_node),
        click.Option(
            ["--junit"],
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write the results as JUnit XML, too.",
        ),
    ],
)
def command(session: Session, select: tuple[str, ...], junit: Path | None) -> int:
    """Run the unit tests of models, in memory; neither data nor state is touched. Exit code 6 if one fails.

    TEST is the name of a test (`*` stands for any text), or selects models: a name, +name, name+, tag:x, path:x.
    """
    from headwater.app.testing import run_tests
    from headwater.app.workspace import find_root
    from headwater.cli.views.tests import junit as as_junit
    from headwater.cli.views.tests import tests_view

    root = find_root(session.project.absolute())
    report = run_tests(root, select=select, variables=session.variables)
    if junit is not None:
        session.write(junit, as_junit(report))
    session.out.show(report, tests_view(root))
    return FAILED if report.failed else DONE
