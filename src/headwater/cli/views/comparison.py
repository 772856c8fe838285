"""How code differs, node by node, with the lines that people wrote."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.text import clean, count

if TYPE_CHECKING:
    from headwater.app.comparing import NodeChange

_SIGNS: Final = {
    "added": ("+", "green", "new"),
    "changed": ("~", "yellow", "changed"),
    "removed": ("-", "red", "gone"),
    "affected": ("·", "cyan", "reads what changed"),
}
_LINES: Final = {"+": "green", "-": "red", "@": "cyan"}


def document(found: "Sequence[NodeChange]") -> list[dict[str, object]]:
    """Give an array of nodes that differ."""
    return [
        {
            "node": each.node,
            "change": each.change,
            "columns": each.columns,
            "file": each.file,
            "before": each.text_before,
            "after": each.text_after,
            "checks_added": list(each.checks_added),
            "checks_removed": list(each.checks_removed),
        }
        for each in found
    ]


def comparison(a: str, b: str) -> "View[Sequence[NodeChange]]":
    """Give the view of how code differs, from one side to the other."""

    def lines(found: "Sequence[NodeChange]", page: Page) -> Iterator[str]:
        left, right = click.style(clean(a), bold=True), click.style(clean(b), bold=True)
        if not found:
            yield f"{left} and {right} have the same code."
            return
        yield f"From {left} to {right}, {count(len(found), 'node')} {'differs' if len(found) == 1 else 'differ'}:"
        for each in found:
            yield from _of_node(each, page)

    return View(document, lines)


def _of_node(each: "NodeChange", page: Page) -> Iterator[str]:
    sign, color, said = _SIGNS[each.change]
    parts = [said + (f" ({clean(each.columns)})" if each.columns else "")]
    parts += [f"check added: {clean(name)}" for name in each.checks_added]
    parts += [f"check removed: {clean(name)}" for name in each.checks_removed]
    where = f"  {click.style(clean(each.file), dim=True)}" if each.file else ""
    yield f"  {click.style(f'{sign} {clean(each.node)}', fg=color)}  {'; '.join(parts)}{where}"
    if each.change == "changed" or page.verbose:
        yield from _text(each.text_before, each.text_after)


def _text(before: str, after: str) -> Iterator[str]:
    from difflib import unified_diff

    for line in list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]:
        shown = "    " + clean(line.replace("\t", "    "))
        yield click.style(shown, fg=_LINES[line[0]]) if line[:1] in _LINES else shown
