"""Where the rows of each node may be: the rules by which they came bind every later hop, copy and sink."""

from collections.abc import Iterator, Mapping, Sequence

from headwater.diagnostics import Diagnostic, Where, error
from headwater.graph.values import Graph, Input, Node, SinkNode
from headwater.policy.charters import Charter
from headwater.policy.denials import is_denied
from headwater.policy.labels import Seen, labels_of
from headwater.policy.rules import is_raw, is_released, rule_place
from headwater.policy.subjects import Labels, is_public, source_labels
from headwater.policy.values import Grant

Used = Mapping[tuple[str, str], Sequence[Grant]]
"""(node, relation) → the grants by which the node reads the relation, at all of its sites."""


def destinations_of(
    graph: Graph, charter: Charter, used: Used, *, at: str = "hub", seen: Seen | None = None
) -> Mapping[str, frozenset[str]]:
    """Give node → jurisdictions that may have its rows (as they are computed at the site ``at``).

    What came by grants may be where all of them say. What lies at ``at`` stays there, unless it is public or a rule
    ships it raw; a rule on a model releases the classes that it lists. Empty: nothing declares a jurisdiction.
    """
    if not charter.places:
        return {node.name: frozenset({""}) for node in graph.nodes}
    finding = _Finding(graph, charter, used, at, labels_of(graph, seen))
    for node in graph.nodes:
        finding.add(node)
    return {name: bound & released for name, (bound, released) in finding.found.items()}


def wrong_exports(
    graph: Graph, destinations: Mapping[str, frozenset[str]], places: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Say which sinks lie where the rows of their model may not be; ``places``: sink → jurisdiction."""
    for sink in graph.sinks:
        to = places.get(sink.name, "")
        if to not in destinations.get(sink.from_, frozenset()):
            yield _wrong_export(sink, to, destinations.get(sink.from_, frozenset()))


def _wrong_export(sink: SinkNode, to: str, allowed: frozenset[str]) -> Diagnostic:
    message = f"`{sink.name}` takes rows of `{sink.from_}` to `{to or 'a place without a jurisdiction'}`"
    may = ", ".join(f"`{each}`" for each in sorted(allowed)) or "nowhere"
    hint = f"they may be in {may}; a rule on `{sink.from_}` with `to: [{to}]` and its `classes:` would release them"
    return error("HW1232", message, Where(sink.file, sink.line) if sink.file else None, hint=hint)


class _Finding:
    """For every node so far: where what it came by binds it to, and where what it is made of has been released to."""

    def __init__(self, graph: Graph, charter: Charter, used: Used, at: str, labels: Mapping[str, Labels]) -> None:
        self._rules = graph.borders.policies
        self._charter = charter
        self._used = used
        self._labels = labels
        self._all = frozenset(charter.places.values())
        self._home = frozenset({charter.places[at]} if at in charter.places else ())
        self.found: dict[str, tuple[frozenset[str], frozenset[str]]] = {}

    def add(self, node: Node) -> None:
        if node.source is not None:
            own = frozenset(self._charter.places.get(site, "") for site in node.source.sites)
            home = own if len(own) == 1 else frozenset[str]()
            released = home | self._public(source_labels(node))
            self.found[node.name] = (self._all if own == self._home else released, released)
            return
        inputs = [self._of_input(node, each) for each in node.inputs]
        bound = frozenset[str](self._all).intersection(*(each for each, _ in inputs))
        released = frozenset[str](self._all).intersection(*(each for _, each in inputs))
        own = self._home | frozenset(self._released(node))
        self.found[node.name] = (bound, released | own)

    def _of_input(self, node: Node, each: Input) -> tuple[frozenset[str], frozenset[str]]:
        grants = self._used.get((node.name, each.node))
        if grants:
            to = self._all.intersection(*(grant.to for grant in grants))
            return to, to
        bound, released = self.found[each.node]
        labels = self._labels[each.node]
        read = {name: labels[name] for name in labels if name in each.columns} if "*" not in each.columns else labels
        free = self._public(read or labels) | frozenset(self._shipped(each, labels))
        return bound | free if self._charter.source(each.node) else bound, released | free

    def _public(self, labels: Labels) -> frozenset[str]:
        return self._all if all(map(is_public, labels.values())) else frozenset()

    def _shipped(self, each: Input, labels: Labels) -> Iterator[str]:
        """Where raw rules without conditions let all columns go that are read of a source."""
        for rule in self._rules:
            if rule.relation != each.node or rule.deny is not None or not is_raw(rule) or rule.predicate.strip():
                continue
            free = {name for name in labels if is_public(labels[name])} | set(rule.ship)
            if self._charter.source(each.node) is not None and "*" not in each.columns and set(each.columns) <= free:
                yield from (to for to in rule.to if not self._denied(each.columns, labels, to))

    def _denied(self, names: Sequence[str], labels: Labels, to: str) -> bool:
        return any(is_denied(self._charter, label, to) for name in names for label in labels[name])

    def _released(self, node: Node) -> Iterator[str]:
        """Where rules on a model let all of its columns go."""
        labels = self._labels[node.name]
        for rule in self._rules:
            if rule.relation != node.name or rule.deny is not None or not is_raw(rule) or rule.predicate.strip():
                continue
            restricted = {name for name in labels if not is_public(labels[name])}
            listed = all(is_released(label, rule.classes) for name in restricted for label in labels[name])
            if listed and restricted <= set(rule.ship):
                yield from (to for to in rule.to if not self._denied(tuple(labels), labels, to))


def unlisted_releases(graph: Graph, seen: Seen | None = None) -> Iterator[Diagnostic]:
    """Say which rules on models ship columns with classes that they do not list."""
    labels = labels_of(graph, seen)
    models = {node.name for node in graph.nodes if node.source is None}
    for rule in graph.borders.policies:
        if rule.relation not in models or rule.deny is not None or not is_raw(rule):
            continue
        for name in rule.ship:
            for label in sorted(labels[rule.relation].get(name, ())):
                if not is_released(label, rule.classes):
                    message = f"`{rule.name}` ships `{rule.relation}.{name}`, which carries `{label.class_}`"
                    hint = f"it comes from `{label.origin}`; `classes: [{label.class_}]` releases it"
                    yield error("HW1228", message, rule_place(rule), hint=hint)
