"""`headwater init`: a new project from a template."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from headwater.cli.framework import command as make
from headwater.cli.pages import Page, View
from headwater.cli.session import Session
from headwater.cli.views.text import clean, count

_WIDTH: Final = 14


@dataclass(frozen=True, slots=True)
class Made:
    """A new project."""

    folder: str
    template: str
    files: tuple[Path, ...]


def _document(made: Made) -> dict[str, object]:
    return {"project": made.folder, "template": made.template, "files": [str(path) for path in made.files]}


def _lines(made: Made, page: Page) -> Iterator[str]:
    yield f"{click.style('✓', fg='green')} Made {clean(made.folder)} from template `{made.template}`:"
    if page.verbose:
        yield from (f"  {clean(str(path))}" for path in made.files)
    else:
        folders = Counter(path.parts[0] for path in made.files if len(path.parts) > 1)
        yield from (f"  {clean(str(path))}" for path in made.files if len(path.parts) == 1)
        yield from (f"  {f'{clean(name)}/':{_WIDTH}}  {count(n, 'file')}" for name, n in folders.items())
    step = "" if made.folder in {".", ""} else f"cd {clean(made.folder)} && "
    yield f"Next: {step}headwater plan"


def _templates() -> list[str]:
    from headwater.app.initialise import templates

    return list(templates())


@make(
    name="init",
    short="Start a new project from a template.",
    example="headwater init first\nheadwater init delays --template flights",
    params=[
        click.Argument(["directory"], default=".", metavar="[DIRECTORY]", type=click.Path(path_type=Path)),
        click.Option(
            ["--template", "-t"],
            default="minimal",
            show_default=True,
            metavar="NAME",
            shell_complete=lambda _c, _p, text: [name for name in _templates() if name.startswith(text)],
            help="What to start from: minimal, or flights (336,776 real flights).",
        ),
        click.Option(["--name"], metavar="NAME", help="Name of the project; default: that of the directory."),
    ],
)
def command(session: Session, directory: Path, template: str, name: str | None) -> None:
    """Start a new project from a template.

    Writes plain files into an empty directory (made if it does not exist): headwater.yaml, sources, models, tests.
    """
    from headwater.app.initialise import initialise

    root = session.project / directory
    files = initialise(root, template, name=name or root.absolute().resolve().name or "project")
    session.out.show(Made(str(root), template, files), View(_document, _lines))
