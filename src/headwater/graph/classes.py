"""Which columns hold what not everybody should see: by the class that they say, or by what they are made of."""

from collections.abc import Callable

from headwater.graph.values import Graph
from headwater.spec.classes import PERSONAL, PUBLIC, is_within


def is_personal(class_: str) -> bool:
    """Whether a class is that of personal data.

    >>> is_personal("pii.email"), is_personal("PII"), is_personal("piix"), is_personal("")
    (True, True, False, False)
    """
    return is_within(class_, PERSONAL)


def is_guarded(class_: str) -> bool:
    """Whether a class is one that is not for everybody."""
    return bool(class_) and class_.casefold() != PUBLIC


def columns_of_class(graph: Graph, is_meant: Callable[[str], bool]) -> dict[str, frozenset[str]]:
    """Give, for every node, its columns of the classes meant: what a column says of itself counts, else its origin.

    A column without a class that is made of columns without one is of no class.
    """
    found: dict[str, frozenset[str]] = {}
    for node in graph.nodes:
        found[node.name] = frozenset(
            column.name
            for column in node.columns
            if (is_meant(column.class_) if column.class_ else any(_holds(found, *each) for each in column.values))
        )
    return found


def _holds(found: dict[str, frozenset[str]], node: str, column: str) -> bool:
    """Whether an upstream column, or (``*``) any of its row, is meant."""
    above = found.get(node, frozenset())
    return bool(above) if column == "*" else column in above
