"""`headwater scan`: proposes classes for columns that have none."""

import click

from headwater.cli import options
from headwater.cli.ending import CHANGES, DONE
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    short="Propose classes for columns that have none.",
    example="headwater scan\nheadwater scan customers --rows 5000 --accept\nheadwater scan --exit-code --json",
    params=[
        click.Argument(["source"], nargs=-1, metavar="[SOURCE…]", shell_complete=options.complete_node),
        options.environment("The environment whose tables are looked at."),
        click.Option(
            ["--rows"],
            type=click.IntRange(min=1),
            default=1000,
            show_default=True,
            metavar="N",
            help="Rows to look at.",
        ),
        click.Option(["--accept"], is_flag=True, help="Write the classes into the project's files (asks first)."),
        click.Option(["--exit-code"], is_flag=True, help="Exit code 10 if a class is proposed."),
        options.yes(),
    ],
)
def command(
    session: Session, source: tuple[str, ...], environment: str, rows: int, accept: bool, exit_code: bool, yes: bool
) -> int:
    """Propose classes for columns of sources and models that have none, from their names and some of their values.

    Each with how sure it is, from 0 to 1, and as the line that would change. No value is ever shown or written.
    Sources at sites that compute for themselves are judged by names only; columns made of columns with a class need
    none. A proposal is a guess: what holds personal data is for you to say, and what is not proposed may hold some.
    """
    from headwater.app.checking import check
    from headwater.app.scanning.scanning import scan, write
    from headwater.cli.views.scan import SCAN
    from headwater.diagnostics import Invalid

    with session.at_work() as workspace:
        session.require_environment(workspace, environment)
        checked = check(workspace.root, environment=environment, variables=session.variables)
        if checked.graph is None:
            raise Invalid.from_all(checked.diagnostics)
        found = scan(workspace, checked, source, environment=environment, most_rows=rows)
        session.say(found.diagnostics)
        session.out.show(found, SCAN)
        if accept and found.files:
            written = sum(each.is_written for each in found.proposals)
            session.confirm(f"Write {written} of them into {', '.join(sorted(found.files))}?", answered=yes)
            paths = write(workspace.root, found)
            session.out.remark(f"{click.style('✓', fg='green')} Written: {', '.join(paths)}.")
    return CHANGES if exit_code and found.proposals else DONE
