"""The only way to the terminal: a value goes out as one JSON document or as lines for a person."""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headwater.cli.pages import Page, View

if TYPE_CHECKING:
    from headwater.diagnostics import Diagnostic

T = TypeVar("T")


@dataclass(slots=True)
class Printer:
    """Prints to stdout and stderr; a reader who goes away early (``| head``) is no error."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool | None = None
    """None: coloured where it is a terminal."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    def show(self, value: T, view: View[T]) -> None:
        """Print a result."""
        if self.json:
            self.document(view.document(value))
        else:
            self.lines(view.lines(value, self.page))

    def document(self, value: object) -> None:
        """Print a JSON document."""
        from headwater.cli.views.encoding import encode

        for piece in encode(value, ascii_only=not _is_unicode(sys.stdout)):
            self._write(piece, newline=False)
        self._write("")

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines of a result for a person."""
        for line in lines:
            self._write(line)

    def remark(self, line: str) -> None:
        """Print a line that is no result: unless quiet; on stderr where stdout is for a document."""
        if not self.quiet:
            self._write(line, err=self.json)

    def diagnostics(self, found: "Iterable[Diagnostic]", project: Any = None, *, err: bool = True) -> None:
        """Print diagnostics with the lines they point at (errors first named by their place), on stderr."""
        from headwater.cli.views.diagnostics import render

        for line in render(found, project, warnings=not self.quiet):
            self._write(line, err=err)

    def error_line(self, line: str) -> None:
        """Print a line on stderr."""
        self._write(line, err=True)

    @property
    def is_interactive(self) -> bool:
        """Whether somebody can be asked."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()

    @property
    def is_live(self) -> bool:
        """Whether a progress display can be drawn."""
        return not self.json and not self.quiet and sys.stdout.isatty()

    @property
    def page(self) -> Page:
        """What lines on stdout are written for."""
        if not sys.stdout.isatty():
            return Page(verbose=self.verbose)
        import shutil

        return Page(shutil.get_terminal_size().columns, self.verbose)

    def _write(self, text: str, *, newline: bool = True, err: bool = False) -> None:
        with self._lock:
            try:
                click.echo(text, nl=newline, err=err, color=self.color)
            except BrokenPipeError:
                _silence(err=err)


def prepare_streams() -> None:
    """Let no character stop a command: what a stream's encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def flush_streams() -> None:
    """Write out what is buffered; a reader who went away is no error."""
    for err, stream in ((False, sys.stdout), (True, sys.stderr)):
        try:
            stream.flush()
        except BrokenPipeError:
            _silence(err=err)


def _silence(*, err: bool) -> None:
    """Nobody reads any more: the rest goes nowhere, and what was begun is still finished."""
    stream = sys.stderr if err else sys.stdout
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def _is_unicode(stream: Any) -> bool:
    return str(getattr(stream, "encoding", "") or "").lower().replace("-", "").startswith("utf")
