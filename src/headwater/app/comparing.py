"""What differs between the project's code and an environment's, or between two environments', node by node."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from headwater.app.graphs import previous_graph
from headwater.app.workspace import Workspace
from headwater.graph.values import Graph, Node
from headwater.plan.reasons import changed_columns
from headwater.state.heads import read_head


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChange:
    """How the code of a node differs. The texts are what people wrote: SQL, or the Python module."""

    node: str
    change: Literal["added", "changed", "removed", "affected"]
    """``affected``: its own text is the same, but not what it reads, a function it calls, or a setting."""
    columns: str = ""
    """Columns added, changed (``rows`` for which rows exist) and removed."""
    file: str = ""
    text_before: str = ""
    text_after: str = ""
    checks_added: tuple[str, ...] = ()
    checks_removed: tuple[str, ...] = ()


def compare_code(workspace: Workspace, environment: str, graph: Graph) -> tuple[NodeChange, ...]:
    """Compare compiled code with what an environment runs; equal nodes are left out."""
    head = read_head(workspace.db, environment)
    return compare_graphs(previous_graph(workspace.db, head.code), graph)


def compare_environments(workspace: Workspace, a: str, b: str) -> tuple[NodeChange, ...]:
    """Compare what two environments run, from ``a`` to ``b``; equal nodes are left out."""
    with workspace.db.read():
        codes = [read_head(workspace.db, name).code for name in (a, b)]
        before, after = (previous_graph(workspace.db, code) for code in codes)
    return compare_graphs(before, after)


def compare_graphs(old: Graph | None, new: Graph | None) -> tuple[NodeChange, ...]:
    """Compare two graphs, in the order of the new one; removed nodes come last."""
    return tuple(_changes(old, new))


def _changes(old: Graph | None, new: Graph | None) -> Iterator[NodeChange]:
    before = {node.name: node for node in (old.nodes if old else ())}
    after = {node.name: node for node in (new.nodes if new else ())}
    for name, node in after.items():
        was = before.get(name)
        if was is None:
            yield NodeChange(node=name, change="added", file=node.file, text_after=_text(node))
        elif was.version != node.version or _checks(was) != _checks(node):
            yield _change(was, node)
    for name in sorted(before.keys() - after.keys()):
        yield NodeChange(node=name, change="removed", file=before[name].file, text_before=_text(before[name]))


def _change(was: Node, node: Node) -> NodeChange:
    old, new = _checks(was), _checks(node)
    is_own = _text(was) != _text(node) or old != new or was.source != node.source
    return NodeChange(
        node=node.name,
        change="changed" if is_own else "affected",
        columns=changed_columns(was, node) if was.version != node.version else "",
        file=node.file,
        text_before=_text(was),
        text_after=_text(node),
        checks_added=tuple(name for address, name in new.items() if address not in old),
        checks_removed=tuple(name for address, name in old.items() if address not in new),
    )


def _checks(node: Node) -> dict[str, str]:
    return {check.address: check.name for check in node.checks}


def _text(node: Node) -> str:
    return node.python.modules.get(node.python.path, "") if node.python else node.query
