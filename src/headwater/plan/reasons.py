"""Why a node is rebuilt or filled, in one short sentence for a person."""

from collections.abc import Mapping

from headwater.graph.values import Check, Graph, Node
from headwater.plan.values import NodePlan

_SETTINGS = ("kind", "time", "timezone", "lookback_s", "volatile")


def reason_of(plan: NodePlan, before: Mapping[str, Node], after: Mapping[str, Node]) -> str:
    """Say why this node has work, or why it has none; ``before`` and ``after``: name → node, of both codes."""
    if plan.head_version is None:
        return "new"
    if plan.is_new:
        return _of_change(plan.node, before.get(plan.node.name), before, after)
    parts = [
        (len(plan.blocked), "refused by a check"),
        (len(plan.stuck), "stand on files that are gone"),
        (len(plan.waiting), "wait for what they read"),
    ]
    noted = [f"{count} {what}" for count, what in parts if count]
    if plan.build or plan.reuse:
        moved = "its inputs moved" if plan.keep or plan.node.kind != "full" else "new data"
        noted.insert(0, "asked for again" if plan.is_again else moved)
        if plan.restated and plan.node.chain and plan.node.chain.role != "fold":
            noted.append(f"on_restate: rebuild of {len(plan.restated)}")
    elif plan.drop:
        noted.insert(0, f"{len(plan.drop)} no longer wanted")
    elif plan.held:
        noted.append(f"{len(plan.held)} held since a rollback")
    return ", ".join(noted) or "nothing moved"


def _of_change(node: Node, old: Node | None, before: Mapping[str, Node], after: Mapping[str, Node]) -> str:
    if old is None:
        return "new"
    if node.query != old.query or node.python != old.python:
        changed = changed_columns(old, node)
        return f"its {'code' if node.python else 'query'} changed" + (f" ({changed})" if changed else "")
    if node.source != old.source:
        return "its source settings changed"
    for name in _SETTINGS:
        if getattr(node, name) != getattr(old, name):
            return f"its setting {name.removesuffix('_s')} changed"
    return _of_upstream(node, before, after) or "its settings or functions changed"


def _of_upstream(node: Node, before: Mapping[str, Node], after: Mapping[str, Node]) -> str:
    for each in node.inputs:
        old, new = before.get(each.node), after[each.node]
        if old is None:
            return f"reads {each.node}, which is new"
        if old.rows_address != new.rows_address:
            return f"reads {each.node}, whose rows changed"
        addresses = {column.name: column.address for column in old.columns}
        moved = [c.name for c in new.columns if addresses.get(c.name) != c.address]
        read = [name for name in moved if name in each.columns or "*" in each.columns]
        if read:
            return f"reads {each.node}.{', '.join(read[:3])}, which changed"
    return ""


def changed_columns(old: Node, new: Node) -> str:
    """Name what differs between two versions of a node: its rows, and columns added, changed or removed.

    >>> from headwater.graph.values import Column
    >>> from dataclasses import replace
    >>> x = Column(name="x", type="INT", address="1")
    >>> old = Node(name="a", kind="full", version="1", rows_address="r", columns=(x,))
    >>> changed_columns(old, replace(old, columns=(replace(x, address="2"),)))
    'x'
    """
    was = {c.name: c.address for c in old.columns}
    now = {c.name: c.address for c in new.columns}
    parts = ["rows"] if old.rows_address != new.rows_address else []
    parts += [name if name in was else f"+{name}" for name in now if was.get(name) != now[name]]
    parts += [f"-{name}" for name in was if name not in now]
    return ", ".join(parts[:5]) + (", …" if len(parts) > 5 else "")  # noqa: PLR2004 - enough to recognise the change


def by_name(graph: Graph | None) -> Mapping[str, Node]:
    """Give name → node; nothing where there is no graph."""
    return {node.name: node for node in graph.nodes} if graph else {}


def added_checks(old: Node | None, node: Node) -> tuple[Check, ...]:
    """Give the checks that the head's code did not have, or had with another ``on_fail``: kept rows are judged, too."""
    known = {(check.address, check.on_fail) for check in old.checks} if old else set()
    return tuple(c for c in node.checks if (c.address, c.on_fail) not in known)
