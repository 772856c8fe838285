"""`headwater audit`: who did what, and who was refused."""

import click

from headwater.cli.framework import command as make
from headwater.cli.session import Session


@make(
    name="audit",
    short="List who did what, and who was refused.",
    example='headwater audit\nheadwater audit --kind "webhook refused"',
    params=[
        click.Option(["--kind"], metavar="TEXT", help="Only entries of a kind, such as `release`."),
        click.Option(["--limit", "-n"], type=click.IntRange(min=1), default=20, show_default=True, help="How many."),
    ],
)
def command(session: Session, kind: str | None, limit: int) -> None:
    """List the entries of the audit chain, newest first: releases, orders, pauses, tokens, webhooks that were refused.

    Each entry holds the hash of the one before it; `headwater doctor` proves that none was changed or taken out.
    """
    from headwater.cli.views.audit import AUDIT
    from headwater.state.audit import last_entries

    with session.workspace() as workspace:
        session.out.show(last_entries(workspace.db, limit, kind), AUDIT)
