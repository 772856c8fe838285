"""`headwater token`: who may use the API."""

from typing import TYPE_CHECKING, cast

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.framework import group
from headwater.cli.session import Session

if TYPE_CHECKING:
    from headwater.state.tokens import Role


@make(
    name="create",
    short="Make a token; it is shown once.",
    example="headwater token create grafana --role viewer\nheadwater token create ci --role operator --expires 90d",
    params=[
        click.Argument(["name"], metavar="NAME"),
        click.Option(
            ["--role"],
            type=click.Choice(["viewer", "operator", "admin"]),
            default="viewer",
            show_default=True,
            help="viewer reads; operator also triggers, cancels and pauses; admin also rolls back.",
        ),
        click.Option(
            ["--expires", "lasts_s"], metavar="DURATION", type=options.Duration(), help="For how long it is good."
        ),
    ],
)
def create(session: Session, name: str, role: str, lasts_s: float | None) -> None:
    """Make a token for the API. It is printed now and never again: only its hash is kept."""
    from headwater.app.access import make as make_token
    from headwater.cli.views.tokens import MADE

    with session.workspace() as workspace:
        session.out.show(make_token(workspace, name, cast("Role", role), lasts_s=lasts_s), MADE)


@make(name="list", short="List all tokens.", example="headwater token list")
def list_(session: Session) -> None:
    """List all tokens with their roles, also those that have expired or were revoked. Secrets are not known."""
    from headwater.app.access import tokens
    from headwater.cli.views.tokens import TOKENS, Listed

    with session.workspace() as workspace:
        session.out.show(Listed(tokens(workspace.db), workspace.effects.clock()), TOKENS)


@make(
    name="revoke",
    short="Take a token away.",
    example="headwater token revoke ci",
    params=[click.Argument(["name"], metavar="NAME")],
)
def revoke(session: Session, name: str) -> None:
    """Take a token away, by its name or id: from now on it opens nothing."""
    from headwater.app.access import revoke as revoke_token
    from headwater.cli.views.text import clean

    with session.workspace() as workspace:
        token = revoke_token(workspace, name)
    if session.out.json:
        session.out.document({"token": token.id, "name": token.name, "revoked": True})
    else:
        session.out.remark(f"{click.style('✓', fg='green')} Revoked {clean(token.name)}.")


command = group(
    "token",
    "Make, list and revoke the tokens with which programs use the API of `headwater serve`.",
    short="Make, list and revoke the API's tokens.",
    example="headwater token create grafana --role viewer",
    commands=[create, list_, revoke],
)
