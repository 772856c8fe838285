"""A screen that is drawn again and again until a key ends it."""

import os
import select
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from headwater.cli.pages import Page

EVERY_S: Final = 0.5
"""Between two frames: what a person follows, at little cost."""
_QUIT: Final = frozenset(b"qQ\x04")
"""q and Ctrl-D; Ctrl-C is an interrupt as ever."""


def show_live(draw: Callable[[Page], Iterable[str]], *, color: bool | None, every_s: float = EVERY_S) -> None:
    """Draw lines on the whole terminal, anew every half second, as large as it is then; q ends it."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(no_color=color is False, highlight=False)

    def frame() -> Text:
        every = list(draw(Page(console.width)))
        room = max(1, console.height - 1)
        shown = every if len(every) <= room else [*every[: room - 1], "… (the screen is too small for all)"]
        text = Text("\n", no_wrap=True, overflow="ellipsis").join(Text.from_ansi(line) for line in shown)
        text.append("\nq quits", style="dim")
        return text

    with _keys() as pressed, Live(frame(), console=console, screen=True, auto_refresh=False) as live:
        while not pressed(every_s):
            live.update(frame(), refresh=True)


@contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Give a function that waits for a while, and says whether a key was pressed that ends the screen."""
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        yield lambda wait_s: _is_ended(terminal, wait_s)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _is_ended(terminal: int, wait_s: float) -> bool:
    ready, _, _ = select.select([terminal], [], [], wait_s)
    if not ready:
        return False
    pressed = os.read(terminal, 64)
    return not pressed or bool(_QUIT.intersection(pressed))
