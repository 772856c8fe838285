"""What was done with the state as a whole."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.text import clean, count, size

if TYPE_CHECKING:
    from headwater.app.transferring_state import Imported, Upgraded, Written

_DONE: Final = click.style("✓", fg="green")


def _written_document(written: "Written") -> dict[str, object]:
    return {
        "file": str(written.path),
        "kind": written.kind,
        "state": written.state,
        "bytes": written.bytes,
        "rows": written.rows,
    }


def _written_lines(written: "Written", page: Page) -> Iterator[str]:
    del page
    rows = f"{count(written.rows, 'row')}, " if written.rows is not None else ""
    yield f"{_DONE} {clean(str(written.path))} holds the state {clean(written.state)}: {rows}{size(written.bytes)}."
    back = "`headwater state import` fills a state from it" if written.kind == "export" else "it can take its place"
    yield click.style(f"  {back}.", dim=True)


def _imported_document(found: "Imported") -> dict[str, object]:
    return {
        "state": found.state,
        "rows": found.rows,
        "exported_at": found.exported_at,
        "schema_before": found.schema_before,
        "schema": found.schema,
        "kept_as": found.kept_as or None,
        "diagnostics": [each.as_json() for each in found.findings],
    }


def _imported_lines(found: "Imported", page: Page) -> Iterator[str]:
    del page
    yield f"{_DONE} {count(found.rows, 'row')} are in the state {clean(found.state)}, as of {clean(found.exported_at)}."
    if found.schema != found.schema_before:
        yield f"  It was brought from schema {found.schema_before} to {found.schema}."
    if found.kept_as:
        yield f"  The state that was there is kept as {clean(found.kept_as)}."


def _upgraded_document(found: "Upgraded") -> dict[str, object]:
    return {
        "state": found.state,
        "before": found.before,
        "after": found.after,
        "steps": [{"schema": number, "brings": title} for number, title in found.steps],
        "preview": found.is_preview,
    }


def _upgraded_lines(found: "Upgraded", page: Page) -> Iterator[str]:
    del page
    if not found.steps:
        yield f"{_DONE} The state {clean(found.state)} has schema {found.after}: it is up to date."
        return
    for number, title in found.steps:
        yield f"{click.style('·' if found.is_preview else '+', fg='green')} {number}: {title}"
    to = found.before + len(found.steps)
    if found.is_preview:
        yield f"The state {clean(found.state)} has schema {found.before}; an upgrade takes it to {to}."
    else:
        yield f"{_DONE} The state {clean(found.state)} went from schema {found.before} to {to}."


WRITTEN: "Final[View[Written]]" = View(_written_document, _written_lines)
IMPORTED: "Final[View[Imported]]" = View(_imported_document, _imported_lines)
UPGRADED: "Final[View[Upgraded]]" = View(_upgraded_document, _upgraded_lines)
