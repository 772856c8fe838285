"""Conditions as written → triggers as a release keeps them: nodes by their names, secrets as references."""

from collections.abc import Iterable, Iterator
from typing import Final

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.graph.split_chains import CHANGES
from headwater.graph.values import Graph, Node
from headwater.project.names import place_problem, shown
from headwater.project.references import is_reference
from headwater.schedule.triggers import leaves
from headwater.spec.schedules import Condition, Trigger

_KINDS: Final = ("updated", "files", "webhook", "message", "any", "all")


def resolve_trigger(condition: Condition, graph: Graph) -> tuple[Trigger | None, list[Diagnostic]]:
    """Resolve a condition; None if it, or any part of it, has a mistake."""
    found = list(_problems(condition, graph))
    return (None if found else _trigger(condition, graph)), found


def secret_problems(written: Iterable[tuple[Condition, Trigger]]) -> Iterator[Diagnostic]:
    """Name webhooks to which several pipelines give several secrets: what comes could not be told genuine."""
    secrets: dict[str, str] = {}
    for condition, trigger in written:
        for leaf in leaves(trigger):
            if leaf.kind == "webhook" and secrets.setdefault(leaf.name, leaf.secret) != leaf.secret:
                message = f"the webhook `{leaf.name}` has two secrets"
                yield error("HW1014", message, condition.at.where, hint="give it the same everywhere, or another name")


def _problems(condition: Condition, graph: Graph) -> Iterator[Diagnostic]:
    said = [kind for kind in _KINDS if _value(condition, kind)]
    if len(said) != 1:
        message = f"a condition says one thing, not {' and '.join(said)}" if said else "this condition says nothing"
        hint = (
            f"combine them: `any:` or `all:` with a list such as [{{{said[0]}: …}}, {{{said[1]}: …}}]" if said else ""
        )
        yield error("HW1008", message, condition.at.where, hint=hint)
        return
    if condition.secret and not condition.webhook:
        yield error("HW1010", "only a webhook has a secret", condition.at.of("secret"), hint="take it out")
    yield from _leaf_problems(condition, graph)
    for each in (*condition.any_, *condition.all_):
        yield from _problems(each, graph)


def _value(condition: Condition, kind: str) -> object:
    return getattr(condition, f"{kind}_" if kind in {"any", "all"} else kind)


def _leaf_problems(condition: Condition, graph: Graph) -> Iterator[Diagnostic]:
    nodes = _nodes(graph)
    for at, name in enumerate(condition.updated):
        yield from _node_problems(name, nodes, condition, f"updated.{at}")
    for at, pattern in enumerate(condition.files):
        if not pattern.strip() or not pattern.isprintable():
            message = f"`{shown(pattern)}` is no pattern of files"
            yield error("HW1008", message, condition.at.of(f"files.{at}"), hint="such as data/in/*.csv")
    for kind, name in (("webhook", condition.webhook), ("message", condition.message)):
        if name and (problem := place_problem(name)):
            yield error("HW0114", f"the {kind} name `{shown(name)}` {problem}", condition.at.of(kind))
    if condition.webhook and not condition.secret:
        message = f"the webhook `{shown(condition.webhook)}` has no secret"
        yield error("HW1010", message, condition.at.of("webhook"))
    elif condition.webhook and not is_reference(condition.secret):
        message = "the secret of a webhook is a reference, never the secret itself"
        yield error("HW1010", message, condition.at.of("secret"), length=len(condition.secret))


def _node_problems(name: str, nodes: dict[str, Node], condition: Condition, path: str) -> Iterator[Diagnostic]:
    node = nodes.get(name.casefold())
    if node is None:
        hint = suggest(name[:100], [each.name for each in nodes.values()])
        hint = hint or "name a source or a model; `headwater status` lists them"
        message = f"there is no source or model `{shown(name)}`"
        yield error("HW1009", message, condition.at.of(path), hint=hint, length=len(name) or 1)
    elif node.kind == "inline":
        message = f"`{node.name}` is inline: it has no data of its own"
        hint = "name what it reads, or what reads it"
        yield error("HW1009", message, condition.at.of(path), hint=hint, length=len(name))


def _nodes(graph: Graph) -> dict[str, Node]:
    return {node.name.casefold(): node for node in graph.nodes if not node.name.endswith(CHANGES)}


def _trigger(condition: Condition, graph: Graph) -> Trigger:
    nodes = _nodes(graph)
    if condition.any_ or condition.all_:
        parts = tuple(_trigger(each, graph) for each in (*condition.any_, *condition.all_))
        return parts[0] if len(parts) == 1 else Trigger(kind="any" if condition.any_ else "all", of=parts)
    if condition.webhook:
        return Trigger(kind="webhook", name=condition.webhook, secret=condition.secret)
    if condition.message:
        return Trigger(kind="message", name=condition.message)
    one_of = [Trigger(kind="updated", name=nodes[name.casefold()].name) for name in condition.updated]
    one_of += [Trigger(kind="files", name=pattern) for pattern in condition.files]
    return one_of[0] if len(one_of) == 1 else Trigger(kind="any", of=tuple(one_of))
