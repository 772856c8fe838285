"""`headwater query`: a question to an environment, in SQL."""

import sys

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="query",
    short="Ask an environment a question in SQL.",
    example=(
        'headwater query "SELECT carrier, sum(flights) FROM daily_delays GROUP BY carrier"\n'
        "headwater query --env prod --format csv - < question.sql > answer.csv"
    ),
    params=[
        click.Argument(["sql"], metavar="SQL"),
        options.environment(),
        options.limit("At most so many rows; default: 100 in a table, all otherwise."),
        options.form(),
    ],
)
def command(session: Session, sql: str, environment: str, limit: int | None, form: str | None) -> None:
    """Ask an environment a question in SQL (DuckDB's dialect).

    SQL sees the tables and views that the environment serves, all as of one release. `-` reads it from stdin.
    """
    from headwater.app.reading import read
    from headwater.cli.answering import answer, rows_asked

    text = sys.stdin.read() if sql == "-" else sql
    with session.workspace() as workspace:
        session.require_environment(workspace, environment)
        asked = rows_asked(session, form, limit)
        result = read(workspace, text, environment, limit=None if asked is None else asked + 1)
    answer(session, result, form, asked)
