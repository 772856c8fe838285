"""`headwater completion`: the script that completes commands in a shell."""

from typing import Final

import click

from headwater.cli.framework import command as make
from headwater.cli.session import Session

_SHELLS: Final = ("bash", "zsh", "fish")
_PROGRAMS: Final = ("headwater", "hw")


@make(
    name="completion",
    short="Print the script that completes commands in a shell.",
    example=(
        'eval "$(headwater completion bash)"\nheadwater completion fish > ~/.config/fish/completions/headwater.fish'
    ),
    params=[click.Argument(["shell"], type=click.Choice(_SHELLS))],
)
def command(session: Session, shell: str) -> None:
    """Print the script that completes commands, options, environments and nodes in a shell.

    Put the example's line into ~/.bashrc or ~/.zshrc.
    """
    from click.shell_completion import ShellComplete, get_completion_class

    from headwater.cli.main import cli

    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - the three that click brings
    scripts = (ShellComplete.source(made(cli, {}, program, f"_{program.upper()}_COMPLETE")) for program in _PROGRAMS)
    text = "\n".join(scripts)
    if session.out.json:
        session.out.document({"shell": shell, "script": text})
    else:
        session.out.lines([text])
