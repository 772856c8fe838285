"""`headwater janitor`: delete rows that nobody needs any more."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from headwater.cli import options
from headwater.cli.framework import command as make
from headwater.cli.pages import Page, View
from headwater.cli.session import Session
from headwater.cli.views.diagnostics import render
from headwater.cli.views.text import clean, count, size

if TYPE_CHECKING:
    from headwater.app.janitor import Cleaned


def _document(cleaned: "Cleaned") -> dict[str, object]:
    return {
        "dry_run": cleaned.dry_run,
        "fills": cleaned.fills,
        "files": cleaned.files,
        "orphans": cleaned.orphans,
        "bytes": cleaned.bytes,
        "environments": list(cleaned.environments),
        "runs": cleaned.runs,
        "packed": [
            {
                "environment": each.environment,
                "node": each.node,
                "slots": each.fills,
                "files": each.files,
                "packs": each.packs,
            }
            for each in cleaned.packed
        ],
        "diagnostics": [each.as_json() for each in cleaned.diagnostics],
    }


def _lines(cleaned: "Cleaned", page: Page) -> Iterator[str]:
    mark = click.style("·" if cleaned.dry_run else "✓", fg="yellow" if cleaned.dry_run else "green")
    verb = "would be" if cleaned.dry_run else "were"
    files = cleaned.files + cleaned.orphans
    del page
    yield from render(cleaned.diagnostics, None)
    for each in cleaned.packed:
        yield f"{mark} {count(each.files, 'file')} of {clean(each.node)} were packed into {count(each.packs, 'pack')}."
    if not files and not cleaned.environments and not cleaned.runs:
        yield f"{mark} Nothing to delete."
        return
    yield f"{mark} {count(cleaned.fills, 'fill')} in {count(files, 'file')} {verb} deleted: {size(cleaned.bytes)}."
    if cleaned.runs:
        yield f"  Records of {count(cleaned.runs, 'run')} that ended long ago {verb} deleted."
    if cleaned.environments:
        yield f"  Expired environments, {verb} deleted: {', '.join(map(clean, cleaned.environments))}."


@make(
    name="janitor",
    short="Delete rows that nobody needs any more.",
    example="headwater janitor --dry-run\nheadwater janitor --yes",
    params=[click.Option(["--dry-run"], is_flag=True, help="Only say what would be deleted."), options.yes()],
)
def command(session: Session, dry_run: bool, yes: bool) -> None:
    """Delete rows that nobody needs any more, and environments that have expired.

    Kept is what an environment serves, what a release within `keep:` of headwater.yaml names, and what is in use.
    Releases that are older can then no longer be taken back. Logs of runs go after `keep:`, too, and all that is known
    of runs after 90 days, or `keep:` if that is longer. Afterwards small files are packed (`compact:`).
    """
    from headwater.app.janitor import janitor

    with session.workspace() as workspace:
        if not dry_run and not yes:
            if not session.out.json and not session.out.quiet:
                session.out.show(janitor(workspace, dry_run=True), View(_document, _lines))
            session.confirm("Delete them?", answered=False)
        session.out.show(janitor(workspace, dry_run=dry_run), View(_document, _lines))
