"""`headwater diff`: what differs between code and an environment, or between two environments: code, or rows."""

from shlex import quote
from typing import TYPE_CHECKING, Final

import click

from headwater.cli import options
from headwater.cli.ending import CHANGES, DONE
from headwater.cli.framework import command as make
from headwater.cli.session import Session

if TYPE_CHECKING:
    from headwater.app.compared_sides import Point
    from headwater.app.comparing_rows import Wanted

_SAMPLE: Final = 10
_TWO: Final = 2
_OF_ROWS: Final = ("key", "sample", "tolerance", "show_pii")
"""Options that only a comparison of rows has."""


@make(
    name="diff",
    short="Show what differs: code and environment, or two environments.",
    example="headwater diff prod\nheadwater diff dev prod\nheadwater diff --env dev --env prod daily_delays",
    params=[
        click.Argument(["names"], nargs=-1, metavar="[ENV [ENV] | NODE]", shell_complete=options.complete_environment),
        click.Option(
            ["--env", "environments"],
            metavar="NAME",
            multiple=True,
            help="The environment; default: dev. Twice: the rows of NODE in both.",
            shell_complete=options.complete_environment,
        ),
        click.Option(
            ["--release", "releases"],
            metavar="RELEASE",
            multiple=True,
            help="Rows of NODE as of this release; once: compared with now, twice: with each other.",
            shell_complete=options.complete_release,
        ),
        click.Option(
            ["--key"],
            metavar="COLUMNS",
            multiple=True,
            help="Columns that identify a row, with commas; default: the model's grain or key.",
        ),
        click.Option(
            ["--sample"],
            metavar="N",
            type=click.IntRange(min=0),
            default=_SAMPLE,
            show_default=True,
            help="How many rows of each kind of difference to show.",
        ),
        click.Option(
            ["--tolerance"],
            metavar="X",
            type=click.FloatRange(min=0),
            default=0.0,
            help="Floats and decimals that differ by no more than this are the same.",
        ),
        click.Option(["--show-pii"], is_flag=True, help="Show values of columns whose class is pii."),
        click.Option(["--exit-code"], is_flag=True, help="End with 10 if something differs."),
    ],
)
def command(
    session: Session,
    names: tuple[str, ...],
    environments: tuple[str, ...],
    releases: tuple[str, ...],
    key: tuple[str, ...],
    sample: int,
    tolerance: float,
    show_pii: bool,
    exit_code: bool,
) -> int:
    """Show what differs: code and environment, or two environments.

    With one environment (default dev), from its code to the project's files; with two, from the code of the first to
    that of the second.

    With a NODE and two environments (`--env` twice) or releases, its rows are compared: columns, counts, keys that only
    one has, how often each column agrees, and some of the rows that differ. Fills that both share are not read.
    """
    from headwater.app.comparing_rows import Wanted

    if len(names) == _TWO + 1 and not releases and not environments:
        a, b, node = map(quote, names)
        raise _usage(f"rows of a node in two environments: `headwater diff --env {a} --env {b} {node}`")
    if len(releases) > _TWO or len(environments) > _TWO or len(names) > _TWO:
        raise _usage("a difference is between two")
    if releases or (len(environments) == _TWO and names):
        columns = tuple(each.strip() for text in key for each in text.split(",") if each.strip())
        wanted = Wanted(key=columns, sample=sample, tolerance=tolerance, shows_personal=show_pii)
        same = _rows(session, names, _points(environments, releases), wanted)
    else:
        _refuse_options_of_rows()
        pair = names if len(names) == _TWO else environments if len(environments) == _TWO else ()
        same = _between(session, *pair) if pair else _from_code(session, next(iter((*names, *environments, "dev"))))
    return CHANGES if exit_code and not same else DONE


def _usage(message: str) -> click.UsageError:
    return click.UsageError(message, click.get_current_context())


def _refuse_options_of_rows() -> None:
    context = click.get_current_context()
    for name in _OF_ROWS:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            option = "--" + name.replace("_", "-")
            raise _usage(f"{option} is for rows: name a NODE, and two environments with --env (or a --release)")


def _points(environments: tuple[str, ...], releases: tuple[str, ...]) -> "tuple[Point, Point]":
    """Two environments as they are, or one at two releases (the second may be now)."""
    from headwater.app.compared_sides import Point

    if releases and len(environments) == _TWO:
        raise _usage("two environments are compared as they are: --release is for one")
    if not releases:
        return Point(environments[0]), Point(environments[1])
    environment = environments[0] if environments else "dev"
    return Point(environment, releases[0]), Point(environment, releases[1] if len(releases) == _TWO else None)


def _rows(session: Session, names: tuple[str, ...], points: "tuple[Point, Point]", wanted: "Wanted") -> bool:
    from headwater.app.comparing_rows import compare_rows
    from headwater.cli.views.row_comparison import ROWS

    if len(names) != 1:
        raise _usage("rows are those of one NODE")
    with session.workspace() as workspace:
        for point in points:
            session.require_environment(workspace, point.environment)
        found = compare_rows(workspace, names[0], *points, wanted)
    session.out.show(found, ROWS)
    return found.is_same


def _between(session: Session, a: str, b: str) -> bool:
    from headwater.app.comparing import compare_environments
    from headwater.cli.views.comparison import comparison

    with session.workspace() as workspace:
        for name in (a, b):
            session.require_environment(workspace, name)
        found = compare_environments(workspace, a, b)
        session.out.show(found, comparison(a, b))
    return not found


def _from_code(session: Session, environment: str) -> bool:
    from headwater.app.comparing import compare_code
    from headwater.app.compiling import compiled_for
    from headwater.cli.views.comparison import comparison

    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        graph = compiled_for(workspace, environment).graph
        assert graph is not None  # noqa: S101 - `compiled_for` raises otherwise
        found = compare_code(workspace, environment, graph)
        session.out.show(found, comparison(environment, "the files"))
    return not found
