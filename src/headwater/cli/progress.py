"""Follows a command while it works: a live display on a terminal, plain lines elsewhere. Facts come from any thread."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import click

from headwater.cli.printing import Printer
from headwater.cli.views.text import clean, count, size
from headwater.diagnostics import conceal
from headwater.events import (
    Advanced,
    Blocked,
    Emit,
    Event,
    FileInspected,
    Phase,
    SinkLoaded,
    SourceLanded,
    StatePaused,
    StateResumed,
    TaskFailed,
    TaskFinished,
    TaskStarted,
    silent,
)
from headwater.events.words import PHASES, words_of

if TYPE_CHECKING:
    from rich.progress import Progress

_EVERY_S: Final = 10.0
"""How often a plain display says how far it is."""
_SIGNS: Final[dict[str, tuple[str, str]]] = {
    "done": ("+", "green"),
    "failed": ("✗", "red"),
    "withheld": ("!", "magenta"),
    "blocked": ("!", "red"),
    "warned": ("!", "yellow"),
    "passed": ("✓", "green"),
    "noted": ("·", "yellow"),
    "landed": ("<", "blue"),
    "reused": ("=", "cyan"),
    "loaded": ("»", "blue"),
}


@contextmanager
def progress(out: Printer) -> Iterator[Emit]:
    """Give the observer of a command: live on a terminal, lines elsewhere, nothing where a document is printed."""
    if out.json or out.quiet:
        yield silent
    elif out.is_live:
        with _live(out) as emit:
            yield emit
    else:
        yield Follower(out).take


@dataclass(slots=True)
class Totals:
    """What has happened so far."""

    phase: str = ""
    total: int = 0
    done: int = 0
    in_parts: bool = False
    """It counts parts, each of which has phases and tasks of its own."""
    running: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    bytes: int = 0
    rejects: int = 0
    files: int = 0

    def add(self, event: Event) -> None:
        """Count a fact."""
        match event:
            case Advanced(name=name, done=done, total=total):
                self.phase, self.total, self.done, self.in_parts = name, total, done, True
            case Phase() if self.in_parts:
                self.running.clear()
            case Phase(name=name, total=total):
                self.phase, self.total, self.done = name, total, 0
                self.running.clear()
            case TaskStarted(node=node, task=task):
                self.running[task] = node
            case TaskFinished(task=task, rows=rows, bytes=size_bytes, rejects=rejects):
                self.running.pop(task, None)
                self._count()
                self.rows += rows
                self.bytes += size_bytes
                self.rejects += rejects
            case TaskFailed(task=task, retry_in_s=None):
                self.running.pop(task, None)
                self._count()
            case FileInspected(rejects=rejects):
                self.files += 1
                self.rejects += rejects
            case SinkLoaded() | SourceLanded():
                self._count()
            case _:
                return

    def _count(self) -> None:
        if not self.in_parts:
            self.done += 1

    @property
    def title(self) -> str:
        """Give the phase in a person's words."""
        return PHASES.get(self.phase, self.phase)


def remark_on(event: Event, *, verbose: bool) -> str:
    """Give the line that a fact deserves; empty if it is only counted."""
    if not (verbose or _is_trouble(event)):
        return ""
    words = words_of(event)
    if words.mark == "":
        return ""
    sign, color = _SIGNS["blocked"] if words.mark == "withheld" and words.level == "error" else _SIGNS[words.mark]
    return f"{click.style(sign, fg=color)} {clean(conceal(words.text))}"


def _is_trouble(event: Event) -> bool:
    """What the result will not say: failed checks and tasks that gave up are diagnostics at the end."""
    match event:
        case TaskFailed(retry_in_s=wait_s):
            return wait_s is not None
        case FileInspected(rejects=rejects):
            return rejects > 0
        case _:
            return isinstance(event, (Blocked, StatePaused, StateResumed))


class Follower:
    """Plain lines: what deserves one, and every few seconds how far it is."""

    def __init__(self, out: Printer, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._totals, self._lock, self._clock = out, Totals(), Lock(), clock
        self._said = clock()

    def take(self, event: Event) -> None:
        """Take a fact."""
        with self._lock:
            self._totals.add(event)
            line = remark_on(event, verbose=self._out.verbose) or self._how_far()
        if line:
            self._out.remark(line)

    def _how_far(self) -> str:
        now, totals = self._clock(), self._totals
        if now - self._said < _EVERY_S or not totals.title:
            return ""
        self._said = now
        rows = f", {count(totals.rows, 'row')}, {size(totals.bytes)}" if totals.rows else ""
        return f"… {totals.title}" + (f": {totals.done:,} of {totals.total:,}{rows}" if totals.total else "")


@contextmanager
def _live(out: Printer) -> Iterator[Emit]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(no_color=out.color is False, highlight=False)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[measures]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, refresh_per_second=8) as display:
        yield _Live(display, out).take


class _Live:
    """The live display: one bar for the phase, remarks above it."""

    def __init__(self, display: "Progress", out: Printer) -> None:
        self._display, self._out, self._totals, self._lock = display, out, Totals(), Lock()
        self._bar: Any = display.add_task("Starting", total=None, measures="")
        self._began = time.monotonic()

    def take(self, event: Event) -> None:
        from rich.text import Text

        with self._lock:
            self._totals.add(event)
            line = remark_on(event, verbose=self._out.verbose)
            if line:
                self._display.console.print(Text.from_ansi(line))
            self._redraw()

    def _redraw(self) -> None:
        totals = self._totals
        names = sorted(set(totals.running.values()))
        current = f" [dim]{_escaped(', '.join(names[:2]))}{' …' if len(names) > 2 else ''}[/dim]" if names else ""  # noqa: PLR2004 - two names fit
        self._display.update(
            self._bar,
            description=totals.title + current,
            total=totals.total or None,
            completed=totals.done,
            measures=self._measures(),
        )

    def _measures(self) -> str:
        totals, seconds = self._totals, max(time.monotonic() - self._began, 0.001)
        if not totals.rows:
            return count(totals.files, "file") if totals.files else ""
        return f"{count(totals.rows, 'row')}  {count(round(totals.rows / seconds))}/s  {size(totals.bytes)}"


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(clean(text))
