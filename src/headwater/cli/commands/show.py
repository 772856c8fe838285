"""`headwater show`: the first rows of a table."""

from typing import Final

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session

_ROWS: Final = 20


@make(
    name="show",
    short="Show the first rows of a table.",
    example="headwater show daily_delays --env prod --limit 5",
    params=[
        click.Argument(["node"], metavar="NODE", shell_complete=options.complete_node),
        options.environment(),
        options.limit(f"At most so many rows; default: {_ROWS}."),
        options.form(),
    ],
)
def command(session: Session, node: str, environment: str, limit: int | None, form: str | None) -> None:
    """Show rows of a table or view, as an environment serves it; in no particular order."""
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
