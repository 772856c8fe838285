"""`headwater show`: the first rows of a table, or how good it has been."""

from typing import Final

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session

_ROWS: Final = 20
_BARS: Final = 30


@make(
    name="show",
    short="Show the first rows of a table.",
    example="headwater show daily_delays --env prod --limit 5\nheadwater show daily_delays --quality",
    params=[
        click.Argument(["node"], metavar="NODE", shell_complete=options.complete_node),
        options.environment(),
        options.limit(f"At most so many rows; default: {_ROWS}. With --quality: releases and slots; default: {_BARS}."),
        click.Option(["--quality"], is_flag=True, help="Show how good it has been, instead of its rows."),
        options.form(),
    ],
)
def command(session: Session, node: str, environment: str, limit: int | None, quality: bool, form: str | None) -> None:
    """Show rows of a table or view, as an environment serves it; in no particular order.

    With `--quality`: its score release by release, its rows slot by slot, what its checks found, and rows that fail.
    """
    if quality:
        _show_quality(session, node, environment, limit, form)
        return
    from headwater.app.contexts import released_graph
    from headwater.app.reading import read_table, require_served
    from headwater.cli.answering import answer
    from headwater.state.heads import read_head

    asked = _ROWS if limit is None else limit
    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        head = read_head(workspace.db, environment)
        require_served(released_graph(workspace.db, environment, head.code), head, node)
        result = read_table(workspace, environment, node, limit=asked + 1)
    answer(session, result, form, asked)


def _show_quality(session: Session, node: str, environment: str, limit: int | None, form: str | None) -> None:
    from headwater.app.quality import node_quality
    from headwater.cli.views.quality import QUALITY

    if form is not None:
        raise click.UsageError("--quality is a chart, or with --json a document: it takes no --format")
    asked = _BARS if limit is None else max(1, limit)
    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        session.out.show(node_quality(workspace, environment, node, limit=asked), QUALITY)
