"""Two ways in which a person ends a command: by Ctrl-C, and by not being there to answer."""

import click


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; its argument, if it has one, is the release that was made before."""


class Unanswered(click.UsageError):
    """A question that nobody is there to answer."""

    def __init__(self, question: str) -> None:
        super().__init__(f"there is no terminal to ask on: {question}")
