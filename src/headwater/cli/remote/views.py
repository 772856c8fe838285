"""What only a server elsewhere answers."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.text import clean


@dataclass(frozen=True, slots=True)
class Back:
    """A rollback that a server has done."""

    environment: str
    to: str | None
    release: str
    nodes: tuple[str, ...] = ()
    sinks_not_reverted: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, environment: str, done: Mapping[str, Any]) -> "Back":
        """Read the answer."""
        lists = [tuple(map(str, done.get(name) or ())) for name in ("nodes", "sinks_not_reverted", "problems")]
        return cls(environment, done.get("to"), str(done.get("release")), *lists)


def document(back: Back) -> dict[str, object]:
    """Give the API's shape, with the environment."""
    return asdict(back)


def lines(back: Back, page: Page) -> Iterator[str]:
    """Say that it is done, and what could not follow."""
    del page
    name = click.style(clean(back.environment), bold=True)
    to = clean(back.to or "the beginning")
    yield f"{click.style('✓', fg='green')} {name} is back at {to}, as release {clean(back.release)}."
    for sink in back.sinks_not_reverted:
        yield f"Sink {clean(sink)} was not taken back."
    for problem in back.problems:
        yield click.style(f"! {clean(problem)}", fg="yellow")


BACK: Final[View[Back]] = View(document, lines)
