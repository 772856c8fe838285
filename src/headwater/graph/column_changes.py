"""How the columns of models change from one graph to the next, whom that breaks, and what contracts say to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from headwater.diagnostics import Diagnostic, Where, error, warning
from headwater.graph.values import SERVED_KINDS, Column, Graph, Node, Promises

Kind = Literal["added", "removed", "renamed", "retyped"]
_ALL = "*"
_NONE = Promises()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChange:
    """What happens to one column of a model that is served before and after."""

    node: str
    kind: Kind
    column: str
    """Its name before; of an added one, its name."""
    before: str = ""
    """Its type (of a renamed one: its name) before."""
    after: str = ""
    breaks: tuple[str, ...] = ()
    """Who reads it: models, `sink x`, `consumer x`."""

    @property
    def is_breaking(self) -> bool:
        """Whether a reader of the column has to change with it."""
        return self.kind != "added"


def column_changes(old: Graph, new: Graph) -> tuple[ColumnChange, ...]:
    """Compare the columns of all models that both graphs serve; their order does not matter."""
    before = {node.name: node for node in old.nodes if node.kind in SERVED_KINDS}
    found: list[ColumnChange] = []
    for node in new.nodes:
        earlier = before.get(node.name)
        if earlier is None or node.kind not in SERVED_KINDS or _same(earlier, node):
            continue
        found += _changes(earlier, node, old, new)
    return tuple(found)


def _same(old: Node, new: Node) -> bool:
    return {(c.name, c.type) for c in old.columns} == {(c.name, c.type) for c in new.columns}


def _changes(old: Node, new: Node, before: Graph, after: Graph) -> Iterator[ColumnChange]:
    had, has = {c.name: c for c in old.columns}, {c.name: c for c in new.columns}
    renamed = _renamed(had, has)
    for name, column in had.items():
        readers = _readers(name, new.name, before, after)
        if name in renamed:
            yield ColumnChange(
                node=new.name, kind="renamed", column=name, before=name, after=renamed[name], breaks=readers
            )
        elif name not in has:
            yield ColumnChange(node=new.name, kind="removed", column=name, before=column.type, breaks=readers)
        elif has[name].type != column.type:
            types = {"before": column.type, "after": has[name].type}
            yield ColumnChange(node=new.name, kind="retyped", column=name, breaks=readers, **types)
    for name, column in has.items():
        if name not in had and name not in renamed.values():
            yield ColumnChange(node=new.name, kind="added", column=name, after=column.type)


def _renamed(had: Mapping[str, Column], has: Mapping[str, Column]) -> dict[str, str]:
    """Give old name → new name, where a column that is gone and one that came hold the same values, and no third."""
    gone = [c for name, c in had.items() if name not in has and c.address]
    come = [c for name, c in has.items() if name not in had and c.address]
    addresses = [c.address for c in gone], [c.address for c in come]
    return {
        c.name: next(n.name for n in come if n.address == c.address)
        for c in gone
        if addresses[0].count(c.address) == 1 == addresses[1].count(c.address)
    }


def _readers(column: str, node: str, before: Graph, after: Graph) -> tuple[str, ...]:
    """Who reads a column in either graph and is still there; inline models are part of those that use them."""
    names = {each.name for each in after.nodes}
    models = {name for graph in (before, after) for name in _models(column, node, graph)} & names
    sinks = {sink.name for sink in after.sinks if sink.from_ == node}
    return (*sorted(models), *(f"sink {name}" for name in sorted(sinks)), *_consumers(column, node, before, after))


def _consumers(column: str, node: str, before: Graph, after: Graph) -> tuple[str, ...]:
    promises = [each.promises or _NONE for graph in (before, after) for each in graph.nodes if each.name == node]
    found = (c for each in promises for c in each.consumers)
    folded = column.casefold()
    reading = {c.name for c in found if not c.columns or folded in {name.casefold() for name in c.columns}}
    return tuple(f"consumer {name}" for name in sorted(reading))


def _models(column: str, node: str, graph: Graph) -> Iterator[str]:
    for each in graph.nodes:
        read = next((i.columns for i in each.inputs if i.node == node), ())
        if column not in read and _ALL not in read:
            continue
        if each.kind in SERVED_KINDS:
            yield each.name.partition("@")[0]
            continue
        for passed in each.columns:
            if (node, column) in passed.values or (node, _ALL) in passed.values:
                yield from _models(passed.name, each.name, graph)
        if (node, column) in each.controls:
            yield from (lower.name for lower in graph.nodes if any(i.node == each.name for i in lower.inputs))


def broken_promises(old: Graph | None, new: Graph) -> list[Diagnostic]:
    """Give errors for changes that contracts forbid, and warnings for those that break declared consumers."""
    if old is None:
        return []
    nodes = {node.name: node for node in new.nodes}
    found = [d for change in column_changes(old, new) for d in _judged(nodes[change.node], change)]
    return [*found, *_dropped(old, nodes)]


def _judged(node: Node, change: ColumnChange) -> Iterator[Diagnostic]:
    promises = node.promises or _NONE
    where = Where(node.file, node.line)
    readers = f" ({', '.join(change.breaks)})" if change.breaks else ""
    if promises.columns and (change.is_breaking or promises.columns == "frozen"):
        message = f"`{node.name}` promises `columns: {promises.columns}`, but {described(change)}{readers}"
        hint = (
            f"keep the column, publish a new version (`of: {node.name}`), or take the contract out in the same change"
            if change.is_breaking
            else "say `columns: compatible` to allow new columns"
        )
        contract = Where(promises.file or node.file, promises.line or node.line)
        yield error("HW0285", message, contract, hint=hint)
    elif change.is_breaking and any(each.startswith("consumer ") for each in change.breaks):
        broken = ", ".join(each for each in change.breaks if each.startswith("consumer "))
        hint = "talk to them first; `contract: {columns: compatible}` makes such a change an error"
        yield warning("HW0286", f"{described(change)} of `{node.name}`, which breaks {broken}", where, hint=hint)


def _dropped(old: Graph, nodes: Mapping[str, Node]) -> Iterator[Diagnostic]:
    for node in old.nodes:
        if node.name not in nodes and node.promises and node.promises.consumers:
            broken = ", ".join(f"consumer {each.name}" for each in node.promises.consumers)
            yield warning("HW0286", f"`{node.name}` goes, which breaks {broken}", hint="talk to them first")


def described(change: ColumnChange) -> str:
    """Say what happens to a column."""
    name = f"`{change.column}`"
    match change.kind:
        case "added":
            return f"{name} is added"
        case "removed":
            return f"{name} is removed"
        case "renamed":
            return f"{name} is renamed to `{change.after}`"
        case "retyped":
            return f"{name} changes from {change.before} to {change.after}"
