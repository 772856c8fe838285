"""Tokens of the API, and a new one with its secret."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, moment

if TYPE_CHECKING:
    from headwater.app.access import Made, Token

_HEADER: Final = ("token", "role", "id", "made", "by", "expires", "")


@dataclass(frozen=True, slots=True)
class Listed:
    """Tokens as they are at a time."""

    tokens: "tuple[Token, ...]"
    now: datetime


def _document(found: Listed) -> list[dict[str, object]]:
    return [_one(each) | {"live": each.is_live(found.now)} for each in found.tokens]


def _one(each: "Token") -> dict[str, object]:
    return {
        "token": each.id,
        "name": each.name,
        "role": each.role,
        "created_at": each.created_at,
        "by": each.author,
        "expires": each.expires_at,
        "revoked_at": each.revoked_at,
    }


def _lines(found: Listed, page: Page) -> Iterator[str]:
    if not found.tokens:
        yield "No tokens yet: `headwater token create NAME --role viewer` makes one."
        return
    rows = [
        (
            each.name,
            each.role,
            each.id,
            moment(each.created_at),
            each.author,
            moment(each.expires_at),
            _end(each, found),
        )
        for each in found.tokens
    ]
    yield from table(_HEADER, rows, columns=page.columns)


def _end(each: "Token", found: Listed) -> str:
    if each.revoked_at is not None:
        return f"revoked {moment(each.revoked_at)}"
    return "" if each.is_live(found.now) else "expired"


def _made_document(made: "Made") -> dict[str, object]:
    return _one(made.token) | {"secret": made.secret}


def _made_lines(made: "Made", page: Page) -> Iterator[str]:
    del page
    until = f", until {moment(made.token.expires_at)}" if made.token.expires_at else ""
    yield made.secret
    yield click.style(
        f"{clean(made.token.name)} has the role {made.token.role}{until}. The secret is not shown again.", dim=True
    )


TOKENS: "Final[View[Listed]]" = View(_document, _lines)
MADE: "Final[View[Made]]" = View(_made_document, _made_lines)
