"""Global options as click remembers them, wherever on the line they were said."""

from typing import Any, Final

import click

META: Final = "headwater."
"""Begins the keys under which they are kept in click's context."""


def remembered(context: click.Context) -> dict[str, Any]:
    """Give the global options that were said, by name."""
    return {key.removeprefix(META): value for key, value in context.meta.items() if key.startswith(META)}
