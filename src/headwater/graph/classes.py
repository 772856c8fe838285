"""Which columns hold personal data: those that say so, and those whose values are made of such."""

from typing import Final

from headwater.graph.values import Column, ColumnRef, Graph, Node

PERSONAL: Final = "pii"
"""``pii``, and everything below it, such as ``pii.email``."""


def is_personal(class_: str) -> bool:
    """Whether a class is that of personal data.

    >>> is_personal("pii.email"), is_personal("PII"), is_personal("piix"), is_personal("")
    (True, True, False, False)
    """
    return class_.casefold().partition(".")[0] == PERSONAL


def personal_columns(graph: Graph, node: str) -> frozenset[str]:
    """Give a node's columns that hold personal data: what a column says of itself counts, else what it is made of."""
    search = _Search({each.name: each for each in graph.nodes})
    return frozenset(column.name for column in search.nodes[node].columns if search.holds(node, column))


class _Search:
    """Follows values upwards; each column is judged once."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes
        self._judged: dict[ColumnRef, bool] = {}

    def holds(self, node: str, column: Column) -> bool:
        at = (node, column.name)
        if at not in self._judged:
            self._judged[at] = False
            above = (found for ref in column.values for found in self._above(ref))
            self._judged[at] = (
                is_personal(column.class_) if column.class_ else any(self.holds(name, each) for name, each in above)
            )
        return self._judged[at]

    def _above(self, ref: ColumnRef) -> list[tuple[str, Column]]:
        """A reference to a column, or (``*``) to the whole row."""
        name, wanted = ref
        node = self.nodes.get(name)
        return [(name, each) for each in (node.columns if node else ()) if wanted in {"*", each.name}]
