"""Where each value was written, found only when somebody asks: most positions are never looked at."""

from collections.abc import Iterator, Mapping

from headwater.diagnostics import Where
from headwater.project.yaml_nodes import Node

Part = tuple[str, int, str, Node]
"""(file, lines before its YAML text, dotted path of the node, node)"""


class Places(Mapping[str, Where]):
    """Dotted path → place, for everything below some nodes; pickles as a plain dict."""

    __slots__ = ("_found", "_parts")

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self._parts = parts
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
            for file, lines_before, path, node in self._parts:
                if path:
                    found[path] = _place(file, lines_before, node)
                _walk(node, f"{path}." if path else "", (file, lines_before), found)
            self._found = found
        return self._found


def _walk(node: Node, prefix: str, at: tuple[str, int], found: dict[str, Where]) -> None:
    """A scalar stands where its value is; a list or map where its key is (its own text may begin a line later)."""
    if node.id == "mapping":
        for key, value in node.value:
            if key.id == "scalar":
                path = f"{prefix}{key.value}"
                found.setdefault(path, _place(*at, value if value.id == "scalar" and value.value else key))
                _walk(value, f"{path}.", at, found)
    elif node.id == "sequence":
        for index, value in enumerate(node.value):
            found.setdefault(f"{prefix}{index}", _place(*at, value))
            _walk(value, f"{prefix}{index}.", at, found)


def _place(file: str, lines_before: int, node: Node) -> Where:
    return Where(file, node.start_mark.line + 1 + lines_before, node.start_mark.column + 1)
