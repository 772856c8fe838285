"""Which columns hold what must not be shown: those whose class is not public, and all that is made of them."""

from collections.abc import Mapping
from typing import Final

from headwater.graph.values import Column, Graph, Node

_PUBLIC: Final = "public"


def guarded_columns(graph: Graph) -> dict[str, frozenset[str]]:
    """Give, for every node, the columns that are not for everybody: what one says of itself counts, else its origin.

    A column without a class that is made of columns without one is for everybody.
    """
    found: dict[str, frozenset[str]] = {}
    for node in graph.nodes:
        found[node.name] = frozenset(column.name for column in node.columns if _is_guarded(node, column, found))
    return found


def _is_guarded(node: Node, column: Column, above: Mapping[str, frozenset[str]]) -> bool:
    if column.class_:
        return column.class_.casefold() != _PUBLIC
    if node.python is not None:
        return any(above.get(each.node) for each in node.inputs)
    return any(bool(above.get(upper)) if name == "*" else name in above.get(upper, ()) for upper, name in column.values)
