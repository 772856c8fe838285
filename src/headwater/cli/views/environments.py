"""Environments in a list, and how two of them (or code and environment) differ."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.tables import table
from headwater.cli.views.text import clean, count, moment

if TYPE_CHECKING:
    from headwater.app.environments import EnvironmentSummary, NodeDifference

_SHORT: Final = 8


def document(found: "Sequence[EnvironmentSummary]") -> list[dict[str, object]]:
    """Give an array of environments."""
    return [one_document(each) for each in found]


def one_document(each: "EnvironmentSummary") -> dict[str, object]:
    """Give one environment."""
    return {
        "environment": each.name,
        "declared": each.is_declared,
        "protected": each.protected,
        "parent": each.parent,
        "like": each.like,
        "created_at": each.created_at,
        "expires": each.expires,
        "expired": each.is_expired,
        "release": each.release,
        "released_at": each.released_at,
        "nodes": each.nodes,
    }


def lines(found: "Sequence[EnvironmentSummary]", page: Page) -> Iterator[str]:
    """Give a table."""
    header = ("environment", "release", "released", "nodes", "from", "expires", "")
    rows = [
        (
            each.name,
            each.release or "-",
            moment(each.released_at),
            f"{each.nodes:,}",
            each.parent or "-",
            moment(each.expires),
            ", ".join(_remarks(each)),
        )
        for each in found
    ]
    yield from table(header, rows, right=[3], columns=page.columns)


def _remarks(each: "EnvironmentSummary") -> Iterator[str]:
    if each.protected:
        yield "protected"
    if each.is_expired:
        yield "expired"
    if each.created_at is None:
        yield "nothing applied yet"
    elif each.like:
        yield f"like {each.like}"
    elif not each.is_declared:
        yield "not in headwater.yaml"


def differences_document(found: "Sequence[NodeDifference]") -> list[dict[str, object]]:
    """Give an array of nodes that differ."""
    return [
        {
            "node": each.node,
            "version_a": each.version_a,
            "version_b": each.version_b,
            "because": each.because,
            "only_in_a": list(each.only_in_a),
            "only_in_b": list(each.only_in_b),
            "differing": list(each.differing),
        }
        for each in found
    ]


def differences(a: str, b: str) -> "View[Sequence[NodeDifference]]":
    """Give the view of what differs between two environments."""

    def lines(found: "Sequence[NodeDifference]", page: Page) -> Iterator[str]:
        left, right = click.style(clean(a), bold=True), click.style(clean(b), bold=True)
        if not found:
            yield f"{left} and {right} serve the same."
            return
        yield f"{left} and {right} differ in {count(len(found), 'node')}:"
        for each in found:
            yield _difference_line(each, a, b, page)

    return View(differences_document, lines)


def _difference_line(each: "NodeDifference", a: str, b: str, page: Page) -> str:
    if each.version_a is None or each.version_b is None:
        sign, color, where = ("+", "green", b) if each.version_a is None else ("-", "red", a)
        return f"  {click.style(f'{sign} {clean(each.node)}', fg=color)}  only in {clean(where)}"
    parts = []
    if each.version_a != each.version_b:
        parts.append("other code" + (f" ({clean(each.because)})" if each.because else ""))
        if page.verbose:
            parts.append(f"{each.version_a[:_SHORT]} → {each.version_b[:_SHORT]}")
    parts += [
        f"{count(len(slots), 'slot')} {what}"
        for slots, what in (
            (each.differing, "with other rows"),
            (each.only_in_a, f"only in {clean(a)}"),
            (each.only_in_b, f"only in {clean(b)}"),
        )
        if slots
    ]
    return f"  {click.style(f'~ {clean(each.node)}', fg='yellow')}  {', '.join(parts)}"


ENVIRONMENTS: "Final[View[Sequence[EnvironmentSummary]]]" = View(document, lines)
