"""What one query computes and decides, as a value that depends on its text and its inputs' names and types only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.spec.addresses import address
from headwater.sql.binding import Relation
from headwater.sql.canonical import FORM, Canonical, Reference, Shape, shape_of
from headwater.sql.queries import read_query
from headwater.sql.tree import Query, Unclear

ROWS = ""
"""As the column of a reference: the row set of a node."""
LIST = "\0list"
"""As the column of a reference: names and types of all columns of a node, in order (no column can be called so)."""
PARAMETER = "$"
"""As the node of a reference: the value of a parameter."""


@dataclass(frozen=True, slots=True)
class Part:
    """A column, or the row set: its shape and the references (indices into the analysis) that fill it."""

    shape: str
    references: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """A query, taken apart. The same for every environment, and cached by what it depends on."""

    columns: Relation
    parts: tuple[Part, ...]
    """One for each column."""
    rows: Part
    references: tuple[Reference, ...]
    stars: tuple[str, ...] = ()
    """Nodes of which it takes ``*``: it depends on all their columns."""
    opaque: str = ""
    """Why it is looked at as a whole only (then everything depends on everything); empty: it was understood."""

    def of(self, part: Part) -> tuple[Reference, ...]:
        """Give the references of a part."""
        references = self.references
        return tuple([references[at] for at in part.references])


def analyse(node: Mapping[str, Any], inputs: Mapping[str, Relation], columns: Relation) -> Analysis:
    """Take a parsed query apart; ``columns`` are those that the engine bound, and the engine is right.

    Raises Unclear if anything in it is not certain: the query is then ``opaque``.
    """
    folded = {name.casefold(): (name, relation) for name, relation in inputs.items()}
    query, stars = read_query(node, folded)
    _check_names(query, columns)
    return _understood(query, columns, stars)


def opaque(text: str, inputs: Mapping[str, Relation], columns: Relation, why: str) -> Analysis:
    """Everything depends on the whole (canonical) text and on everything that the inputs have."""
    everything = tuple((name, part) for name in sorted(inputs) for part in (ROWS, LIST, *dict(inputs[name])))
    used = tuple(range(len(everything)))
    shape = address("opaque", FORM, text)
    parts = tuple(Part(address(shape, str(at), name), used) for at, (name, _) in enumerate(columns))
    return Analysis(columns, parts, Part(shape, used), everything, tuple(sorted(inputs)), why or "not understood")


def _check_names(query: Query, columns: Relation) -> None:
    """The engine's names are right; if we think otherwise, we have not understood the query."""
    ours = [output.name for output in query.outputs]
    if len(ours) != len(columns):
        raise Unclear("the engine gives another number of columns")
    for mine, (theirs, _) in zip(ours, columns, strict=True):
        if mine is not None and mine.casefold() != theirs.casefold():
            raise Unclear(f"the engine calls `{mine}` `{theirs}`")


def _understood(query: Query, columns: Relation, stars: frozenset[str]) -> Analysis:
    canonical = Canonical()
    rows = shape_of(canonical.rows(query, ordered=False))
    shapes = [shape_of(canonical.column(query, at)) for at in range(len(columns))]
    numbers: dict[Reference, int] = {}

    def part(shape: Shape) -> Part:
        return Part(shape.hash, tuple(numbers.setdefault(each, len(numbers)) for each in shape.references))

    row_part, parts = part(rows), tuple(map(part, shapes))
    return Analysis(columns, parts, row_part, tuple(numbers), tuple(sorted(stars)))
