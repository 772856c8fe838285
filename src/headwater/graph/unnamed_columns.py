"""Output columns that are expressions without a name: the engine calls them by their text, such as ``count_star()``."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from headwater.diagnostics import Diagnostic, warning
from headwater.graph.drafts import place
from headwater.spec.nodes import Model
from headwater.sql.binding import Relation
from headwater.sql.text import quote_identifier

_TEXT: Final = re.compile(r"[('\d-]|CASE\s|.*[(\[]", re.DOTALL)
"""How names begin, or what they hold, that were made from an expression."""
_CALL: Final = re.compile(r"(\w+)\(")
_WRITTEN: Final = {"count_star": "count"}


def unnamed_columns(model: Model, columns: Relation, inputs: Mapping[str, Relation]) -> Iterator[Diagnostic]:
    """Warn of names made by the engine; those that an input brought with it, or that somebody wrote, are names."""
    if (model.chain is not None and model.chain.role == "fold") or "PIVOT" in model.query.upper():
        return
    known = {column for relation in inputs.values() for column, _ in relation}
    for name, _ in columns:
        if _TEXT.match(name) and name not in known and quote_identifier(name) not in model.query:
            message = f"an output column has no name of its own: it is called `{name}`"
            where = place(model, _place_of(name, model.query))
            yield warning("HW0219", message, where, hint="give it a name with AS")


def _place_of(name: str, query: str) -> int:
    """Find where the expression is written, if its name tells by what function it is made; else the query's begin."""
    call = _CALL.match(name)
    word = re.escape(_WRITTEN.get(call[1], call[1])) if call else ""
    found = re.search(rf"\b{word}\s*\(", query, re.IGNORECASE) if word else None
    return found.start() if found else 0
