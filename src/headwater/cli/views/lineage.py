"""Who reads what: between nodes, or from column to column."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.text import clean, count

if TYPE_CHECKING:
    from headwater.graph.lineage import Edge, Lineage
    from headwater.graph.values import ColumnRef

_MOST_NAMES: Final = 6


def document(found: "Lineage") -> dict[str, object]:
    """Give all edges on the way to and from it."""
    node, column = found.column
    return {
        "node": node,
        "column": None if column == "*" else column,
        "upstream": [_edge(each) for each in found.upstream],
        "downstream": [_edge(each) for each in found.downstream],
        "sources": [_ref(each) for each in found.sources],
    }


def _edge(edge: "Edge") -> dict[str, object]:
    return {"from": _ref(edge.upper), "to": _ref(edge.lower), "role": edge.role}


def _ref(ref: "ColumnRef") -> dict[str, str]:
    return {"node": ref[0], "column": ref[1]}


def lines(found: "Lineage", page: Page) -> Iterator[str]:
    """Give what it is made of, then what is made of it."""
    node, column = found.column
    name = click.style(clean(node if column == "*" else f"{node}.{column}"), bold=True)
    say = _between_columns if column != "*" or page.verbose else _between_nodes
    for title, edges in ((f"{name} is made of:", found.upstream), (f"{name} goes into:", found.downstream)):
        yield title
        said = list(say(edges))
        yield from said or ["  nothing else"]


def _between_columns(edges: "Iterable[Edge]") -> Iterator[str]:
    for edge in edges:
        upper, lower = clean(".".join(edge.upper)), clean(".".join(edge.lower))
        if edge.role == "rows":
            yield f"  {click.style('the rows of', dim=True)} {clean(edge.upper[0])} → {clean(edge.lower[0])}"
        elif edge.role == "control":
            yield f"  {upper} {click.style('decides which rows of', dim=True)} {clean(edge.lower[0])}"
        else:
            yield f"  {upper} → {lower}"


def _between_nodes(edges: "Iterable[Edge]") -> Iterator[str]:
    pairs: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for edge in edges:
        values, controls = pairs.setdefault((edge.upper[0], edge.lower[0]), ({}, {}))
        if edge.role != "rows":
            (controls if edge.role == "control" else values)[edge.upper[1]] = None
    for (upper, lower), (values, controls) in pairs.items():
        parts = [f"{what} {_names(names)}" for what, names in (("reads", values), ("rows by", controls)) if names]
        parts = parts or ["rows only"]
        yield f"  {clean(upper)} → {clean(lower)}  {click.style(', '.join(parts), dim=True)}"


def _names(names: Iterable[str]) -> str:
    listed = ["all columns" if name == "*" else clean(name) for name in names]
    if len(listed) > _MOST_NAMES:
        return f"{', '.join(listed[: _MOST_NAMES - 1])} and {count(len(listed) - _MOST_NAMES + 1)} more"
    return ", ".join(listed)


LINEAGE: "Final[View[Lineage]]" = View(document, lines)
