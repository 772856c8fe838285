"""A test that was made: where it was written, what its rows cover, and what they do not."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.text import clean, count

if TYPE_CHECKING:
    from headwater.app.unit_tests.making import NewTest


def new_test_view(*, written: bool) -> "View[NewTest]":
    """Give the view of a new test; ``written``: it is in its file now, else its text is printed."""

    def lines(made: "NewTest", page: Page) -> Iterator[str]:
        if not written:
            yield "tests:"
            yield from made.text.rstrip("\n").split("\n")
            return
        given = ", ".join(f"{n:,} of {name}" for name, n in made.given.items())
        yield f"{click.style('✓', fg='green')} {clean(made.file.path)}: {clean(made.name)}"
        rows = count(sum(made.given.values()), "row")
        yield f"  {rows} given ({clean(given)}), {count(made.expected, 'row')} expected"
        yield f"  {count(len(made.covered), 'branch', 'branches')} taken"
        if page.verbose:
            yield from (f"    {clean(str(where))}  {clean(name)}" for where, name in made.covered)

    return View(_document, lines)


def _document(made: "NewTest") -> dict[str, object]:
    return {
        "test": made.name,
        "model": made.model,
        "file": made.file.path,
        "given": dict(made.given),
        "expected": made.expected,
        "branches": [{"branch": n, "file": w.file, "line": w.line, "column": w.column} for w, n in made.covered],
        "text": made.text,
        "diagnostics": [found.as_json() for found in made.diagnostics],
    }
