"""Where each value was written, found only when somebody asks: most positions are never looked at.

Nodes are not kept (thousands of them make every garbage collection slow): the text is, and is read again when asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from headwater.diagnostics import Where
from headwater.project.yaml_nodes import Node, compose

_Mark = tuple[int, int, str]
"""(line, column, kind) of a node, from 0: no two nodes of a text share it."""


@dataclass(slots=True, eq=False)
class Written:
    """A YAML text in a file (``lines_before`` it), or the root of nodes that came from elsewhere."""

    file: str
    text: str = ""
    lines_before: int = 0
    root: Node | None = None
    _nodes: dict[_Mark, Node] = field(default_factory=dict)

    def where(self, node: Node) -> Where:
        """Give the place of a node."""
        mark = node.start_mark
        return Where(self.file, mark.line + 1 + self.lines_before, mark.column + 1)

    def node_at(self, mark: _Mark) -> Node | None:
        """Find a node again by its place and kind."""
        if not self._nodes:
            root = self.root or compose(self.text, self.file)[0]
            for node in _all_below(root) if root else ():
                self._nodes.setdefault(mark_of(node), node)
        return self._nodes.get(mark)


Part = tuple[Written, str, _Mark]
"""A node of a text, and the dotted path under which its parts are known."""


def mark_of(node: Node) -> _Mark:
    """Give the place and kind by which a node is found again."""
    return node.start_mark.line, node.start_mark.column, node.id


class Places(Mapping[str, Where]):
    """Dotted path → place, for everything below some nodes; pickles as a plain dict."""

    __slots__ = ("_found", "parts")

    def __init__(self, *parts: Part) -> None:
        self.parts = parts
        self._found: dict[str, Where] | None = None

    def __getitem__(self, path: str) -> Where:
        return self._all()[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __reduce__(self) -> tuple[type, tuple[dict[str, Where]]]:
        return dict, (self._all(),)

    def _all(self) -> dict[str, Where]:
        if self._found is None:
            found: dict[str, Where] = {}
            for written, path, mark in self.parts:
                if node := written.node_at(mark):
                    if path:
                        found.setdefault(path, written.where(node))
                    _walk(node, f"{path}." if path else "", written, found)
            self._found = found
        return self._found


def _walk(node: Node, prefix: str, written: Written, found: dict[str, Where]) -> None:
    """A scalar stands where its value is; a list or map where its key is (its own text may begin a line later)."""
    if node.id == "mapping":
        for key, value in node.value:
            if key.id == "scalar":
                path = f"{prefix}{key.value}"
                found.setdefault(path, written.where(value if value.id == "scalar" and value.value else key))
                _walk(value, f"{path}.", written, found)
    elif node.id == "sequence":
        for index, value in enumerate(node.value):
            found.setdefault(f"{prefix}{index}", written.where(value))
            _walk(value, f"{prefix}{index}.", written, found)


def _all_below(root: Node) -> Iterator[Node]:
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            if node.id == "mapping":
                waiting.extend(part for pair in node.value for part in pair)
            elif node.id == "sequence":
                waiting.extend(node.value)
