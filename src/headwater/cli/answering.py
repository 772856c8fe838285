"""Prints rows in the form that was asked for."""

from typing import TYPE_CHECKING, Final

import click

from headwater.cli.session import Session

if TYPE_CHECKING:
    from headwater.app.reading import Result

_ROWS_IN_TABLE: Final = 100


def rows_asked(session: Session, form: str | None, limit: int | None) -> int | None:
    """How many rows a query should give at most; None: all of them."""
    if limit is not None or _form(session, form) != "table":
        return limit
    return _ROWS_IN_TABLE


def answer(session: Session, result: "Result", form: str | None, limit: int | None) -> None:
    """Print the first rows of a result; it holds one row more than ``limit`` if there are more."""
    from headwater.cli.views.arrow import rows_of
    from headwater.cli.views.rows import as_csv, as_table, objects

    rows, wanted = rows_of(result, limit), _form(session, form)
    if wanted == "json":
        session.out.document(objects(rows))
    else:
        session.out.lines(as_csv(rows) if wanted == "csv" else as_table(rows, session.out.page))


def _form(session: Session, form: str | None) -> str:
    if session.out.json and form not in {None, "json"}:
        raise click.UsageError(f"--json and --format {form} ask for two forms", click.get_current_context())
    return "json" if session.out.json else form or "table"
