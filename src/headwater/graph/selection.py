"""Which nodes a pattern means: names, ``+a``, ``a+``, ``tag:x``, ``path:models/ops/*``, ``changed``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from headwater.diagnostics import Diagnostic, Where, error, suggest
from headwater.graph.values import Graph, Node, SinkNode


def select(
    graph: Graph, patterns: Sequence[str], changed: frozenset[str] = frozenset(), *, where: Where | None = None
) -> tuple[set[str], list[Diagnostic]]:
    """Give the names of the nodes and sinks that any of the patterns means; a pattern that means none is an error.

    ``+a`` adds everything above a, ``a+`` everything below it; the middle is a name (with ``*``), ``tag:x``,
    ``path:p`` (of the file, with ``*``) or ``changed`` (which may be empty).
    """
    neighbours = _Neighbours(graph)
    selected: set[str] = set()
    found: list[Diagnostic] = []
    for pattern in patterns:
        middle = pattern.removeprefix("+").removesuffix("+")
        names = _meant(graph, middle, changed)
        if not names and middle != "changed":
            found.append(_nothing(graph, pattern, middle, where))
        selected |= names
        if pattern.startswith("+"):
            selected |= neighbours.above(names)
        if len(pattern) > 1 and pattern.endswith("+"):
            selected |= neighbours.below(names)
    return selected | {came for name in selected for came in neighbours.folded(name)}, found


def _meant(graph: Graph, middle: str, changed: frozenset[str]) -> set[str]:
    members: tuple[Node | SinkNode, ...] = (*graph.nodes, *graph.sinks)
    if middle == "changed":
        return {each.name for each in members if each.name in changed}
    if middle.startswith("tag:"):
        return {each.name for each in members if middle[4:] in each.tags}
    if middle.startswith("path:"):
        return {each.name for each in members if _within(each.file, middle[5:])}
    folded = middle.casefold()
    return {each.name for each in members if fnmatchcase(each.name.casefold(), folded)}


def _within(file: str, pattern: str) -> bool:
    """A path means the file, or everything below a directory."""
    pattern = pattern.rstrip("/")
    return fnmatchcase(file, pattern) or file.startswith(pattern + "/")


def _nothing(graph: Graph, pattern: str, middle: str, where: Where | None) -> Diagnostic:
    members: tuple[Node | SinkNode, ...] = (*graph.nodes, *graph.sinks)
    if middle.startswith("tag:"):
        tags = {tag for each in members for tag in each.tags}
        hint = suggest(middle[4:], tags)
    elif middle.startswith("path:"):
        hint = suggest(middle[5:], {each.file for each in members})
    else:
        hint = suggest(middle, [each.name for each in members])
    return error("HW0250", f"`{pattern}` selects nothing", where, hint=hint, length=len(pattern))


class _Neighbours:
    """Who stands above and below whom; sinks stand below the node they take."""

    def __init__(self, graph: Graph) -> None:
        self._above: dict[str, tuple[str, ...]] = {n.name: tuple(i.node for i in n.inputs) for n in graph.nodes}
        self._above |= {sink.name: (sink.from_,) for sink in graph.sinks}
        self._folds = {n.name for n in graph.nodes if n.chain is not None and n.chain.role == "fold"}
        self._below: dict[str, list[str]] = {name: [] for name in self._above}
        for name, above in self._above.items():
            for each in above:
                self._below[each].append(name)

    def above(self, names: Iterable[str]) -> set[str]:
        return _reached(names, self._above.__getitem__)

    def folded(self, name: str) -> tuple[str, ...]:
        """What came to a merge or history: it goes with it."""
        return self._above[name] if name in self._folds else ()

    def below(self, names: Iterable[str]) -> set[str]:
        return _reached(names, self._below.__getitem__)


def _reached(names: Iterable[str], step: Callable[[str], Iterable[str]]) -> set[str]:
    reached: set[str] = set()
    pending = list(names)
    while pending:
        for each in step(pending.pop()):
            if each not in reached:
                reached.add(each)
                pending.append(each)
    return reached


def below(graph: Graph, names: Iterable[str]) -> set[str]:
    """Give everything that stands below some nodes, sinks too, without themselves."""
    return _Neighbours(graph).below(names)


def above(graph: Graph, names: Iterable[str]) -> set[str]:
    """Give everything that stands above some nodes, without themselves."""
    return _Neighbours(graph).above(names)


def readers(graph: Graph) -> Mapping[str, tuple[str, ...]]:
    """Give, for each node, those that read it directly."""
    found: dict[str, list[str]] = {node.name: [] for node in graph.nodes}
    for node in graph.nodes:
        for each in node.inputs:
            found[each.node].append(node.name)
    return {name: tuple(each) for name, each in found.items()}
