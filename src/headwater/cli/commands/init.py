"""`headwater init`: a new project from a template; on a terminal, without arguments, it asks which and where."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Final

import click

from headwater.cli.framework import command as make
from headwater.cli.options import yes as yes_option
from headwater.cli.pages import Page, View
from headwater.cli.session import Session
from headwater.cli.views.text import clean, count

_WIDTH: Final = 24
_STEP: Final = 18
_TOUR: Final = {
    "headwater.yaml": "the project: its environments, variables, pipelines",
    "README.md": "what it is about",
    "sources": "which rows are read, and what each row must hold",
    "policies.yaml": "what may leave which place, and in which form",
    "functions": "SQL that models share",
    "models": "tables, each a query with its settings above it",
    "tests": "rows in, rows out: what the models must do",
    "sinks": "where rows are loaded to",
    "data": "what the sources read",
    ".headwater": "what each site keeps for itself: here its secrets",
    "headwater.schema.json": "by which editors complete and check YAML",
    ".vscode": "settings by which Visual Studio Code finds it",
}
"""What each part of a project is for, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new project."""

    folder: str
    template: str
    files: tuple[Path, ...]
    look: str
    """A query to begin with."""
    has_borders: bool = False
    """Sites answer once their operators approved the project's rules."""

    @property
    def is_here(self) -> bool:
        """Whether it was made in the current directory."""
        return self.folder in {".", ""}

    @property
    def steps(self) -> tuple[tuple[str, str], ...]:
        """The next commands, each with what it does."""
        approve = ("headwater sites approve --all --yes", "let the sites answer under the project's rules")
        return (
            *((approve,) if self.has_borders else ()),
            ("headwater plan", "what would be computed, and why; nothing changes"),
            ("headwater apply", "compute it, check it, make it visible in `dev`"),
            (f'headwater query "{self.look}"', "look at it"),
        )


def _document(made: Made) -> dict[str, object]:
    return {
        "project": made.folder,
        "template": made.template,
        "files": [str(path) for path in made.files],
        "next": [step for step, _ in made.steps],
    }


def _lines(made: Made, page: Page) -> Iterator[str]:
    yield f"{click.style('✓', fg='green')} Made {clean(made.folder)} from template `{made.template}`:"
    if page.verbose:
        yield from (f"  {clean(str(path))}" for path in made.files)
    else:
        yield from _tour(made.files)
    yield ""
    yield "Next:" if made.is_here else f"Next, after `cd {clean(quote(made.folder))}`:"
    for step, what in made.steps:
        yield f"  {step}" if len(step) > _STEP else f"  {step:{_STEP}}{what}"


def _tour(files: tuple[Path, ...]) -> Iterator[str]:
    found = Counter(path.parts[0] for path in files)
    folders = {path.parts[0] for path in files if len(path.parts) > 1}
    for name in sorted(found, key=lambda each: (list(_TOUR).index(each) if each in _TOUR else len(_TOUR), each)):
        shown = f"{name}/" if name in folders else name
        held = count(found[name], "file") if name in folders else ""
        yield f"  {clean(shown):{_WIDTH}}{held:10}{_TOUR.get(name, '')}".rstrip()


def _templates() -> list[str]:
    from headwater.app.initialise import templates

    return list(templates())


def _ask(session: Session) -> tuple[str, Path]:
    """Ask which template and which directory; a wrong answer is asked for again, Ctrl-C ends without a trace."""
    from headwater.app.initialise import TEMPLATES

    click.echo("A new project. What shall it start from?", err=True)
    for name, template in TEMPLATES.items():
        click.echo(f"  {name:{_WIDTH}}{template.summary}", err=True)
    known = click.Choice(list(TEMPLATES))
    chosen = click.prompt("Template", default=next(iter(TEMPLATES)), type=known, show_choices=False, err=True)
    default = "." if _is_free(session.project) else "first" if chosen == "minimal" else chosen
    folder = click.prompt("Directory", default=default, value_proc=lambda text: _free(session, text), err=True)
    return chosen, folder


def _is_free(root: Path) -> bool:
    from headwater.app.initialise import require_room
    from headwater.diagnostics import Invalid

    try:
        require_room(root)
    except Invalid:
        return False
    return True


def _free(session: Session, text: str) -> Path:
    """Give the directory that an answer names; a usage error asks again."""
    from headwater.app.initialise import require_room
    from headwater.diagnostics import Invalid

    try:
        require_room(session.project / text.strip())
    except Invalid as problem:
        found = problem.diagnostics[0]
        raise click.UsageError(f"{found.message}; {found.hint}" if found.hint else found.message) from None
    return Path(text.strip())


@make(
    name="init",
    short="Start a new project from a template.",
    example="headwater init\nheadwater init first\nheadwater init delays --template flights",
    params=[
        click.Argument(["directory"], required=False, metavar="[DIRECTORY]", type=click.Path(path_type=Path)),
        click.Option(
            ["--template", "-t"],
            metavar="NAME",
            shell_complete=lambda _c, _p, text: [name for name in _templates() if name.startswith(text)],
            help="What to start from: minimal (the default), flights (336,776 real flights) or logs (web access logs).",
        ),
        click.Option(["--name"], metavar="NAME", help="Name of the project; default: that of the directory."),
        yes_option(),
    ],
)
def command(session: Session, directory: Path | None, template: str | None, name: str | None, yes: bool) -> None:
    """Start a new project from a template.

    Writes plain files into an empty directory (made if it does not exist): headwater.yaml, sources, models, tests.
    Without a directory or a template it asks for both on a terminal, unless --yes is given; anywhere else it never
    asks: the directory is the current one, the template `minimal`.
    """
    from headwater.app.initialise import TEMPLATES, initialise, name_for

    if directory is None and template is None and not yes and session.out.is_interactive and not session.out.json:
        template, directory = _ask(session)
    template, root = template or next(iter(TEMPLATES)), session.project / (directory or ".")
    files = initialise(root, template, name=name_for(root) if name is None else name)
    has_borders = TEMPLATES[template].has_borders
    session.out.show(Made(str(root), template, files, TEMPLATES[template].look, has_borders), View(_document, _lines))
