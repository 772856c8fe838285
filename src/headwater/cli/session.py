"""What a command's body is handed: what was asked of every command, and where to print."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli.printing import Printer
from headwater.cli.remembering import remembered
from headwater.cli.stops import Interrupted, Unanswered

if TYPE_CHECKING:
    from headwater.app.workspace import Workspace
    from headwater.cli.place import Place
    from headwater.diagnostics import Diagnostic
    from headwater.events import Emit


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One call of a command."""

    out: Printer
    project: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    server: str | None = None
    """The server elsewhere that was named on the command line."""
    is_insecure: bool = False
    has_project: bool = False
    """Whether the project was named on the command line."""

    @classmethod
    def of(cls, context: click.Context) -> "Session":
        """Read what was said on the command line."""
        said = remembered(context)
        out = Printer(
            json=said.get("json", False),
            quiet=said.get("quiet", False),
            verbose=said.get("verbose", False),
            color=False if said.get("no_color") else None,
        )
        if "server" in said and "project" in said:
            raise click.UsageError("--server and --project name two places", context)
        return cls(
            out=out,
            project=said.get("project", Path()),
            variables=said.get("var", {}),
            server=said.get("server"),
            is_insecure=said.get("insecure", False),
            has_project="project" in said,
        )

    def place(self, *, can_be_elsewhere: bool) -> "Place | None":
        """Say which server elsewhere is asked; None: the command works here.

        HEADWATER_SERVER counts where a command can ask a server, and no project is named. Raises Invalid if a server
        is named on the command line, and the command needs the project.
        """
        if not can_be_elsewhere and self.server is None:
            return None
        url = self.server or ("" if self.has_project else os.environ.get("HEADWATER_SERVER", ""))
        if not url:
            return None
        if not can_be_elsewhere:
            from headwater.diagnostics import Invalid

            raise Invalid.of("HW1117", "this command needs the project's files or state: no server elsewhere does it")
        from headwater.cli.place import place_of

        return place_of(url, insecure=self.is_insecure)

    def workspace(self, emit: "Emit | None" = None) -> "AbstractContextManager[Workspace]":
        """Open the project's state; ``emit`` takes the facts of what happens."""
        from headwater.app.workspace import open_workspace
        from headwater.events import silent

        return open_workspace(self.project, variables=self.variables, emit=emit or silent)

    @contextmanager
    def watching(self) -> "Iterator[Workspace]":
        """Open the project's state for a command that says how runs are: those whose process died have failed."""
        from headwater.app.direct_runs import end_dead_runs

        with self.workspace() as workspace:
            end_dead_runs(workspace.db, workspace.effects.clock())
            yield workspace

    @contextmanager
    def at_work(self) -> "Iterator[Workspace]":
        """Open the project's state for a command that takes its time: progress is shown meanwhile.

        Ctrl-C becomes Interrupted, which knows whether something became visible before it.
        """
        from headwater.cli.progress import progress
        from headwater.events import Event, Moved

        releases: list[str] = []

        def watch(event: Event) -> None:
            if isinstance(event, Moved):
                releases.append(event.release)
            emit(event)

        try:
            with progress(self.out) as emit, self.workspace(watch) as workspace:
                yield workspace
        except KeyboardInterrupt as stop:
            raise Interrupted(*releases[-1:]) from stop

    @staticmethod
    def require_environment(workspace: "Workspace", name: str) -> None:
        """Raise Invalid, with the closest name, for an environment that nobody made or declared.

        The files are read only for one that is not in the state.
        """
        from headwater.state.environments import environments

        if name in {row.name for row in environments(workspace.db)}:
            return
        from headwater.app.environments import require_environment

        require_environment(workspace, name)

    @staticmethod
    def write(path: Path, content: bytes) -> None:
        """Write a file that a command was asked for; Broken if that cannot be."""
        from headwater.diagnostics import Broken

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as problem:
            raise Broken.of("HW0903", f"`{path}` cannot be written: {problem.strerror}") from None

    def say(self, found: "Iterable[Diagnostic]") -> None:
        """Print diagnostics on stderr, unless they are part of the document that is printed."""
        if not self.out.json:
            self.out.diagnostics(found, self.project)

    def confirm(self, question: str, *, answered: bool) -> None:
        """Ask before what cannot be undone lightly; without a terminal, and unless ``answered``, that is a usage error.

        Raises Abort if the answer is no.
        """
        if answered:
            return
        if not self.out.is_interactive:
            raise Unanswered(question)
        click.confirm(question, abort=True, err=True)
