"""What a rule finds to be wrong, and which alerts want to hear of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headwater.graph.selection import select
from headwater.graph.values import AlertNode, Graph, Node, SinkNode
from headwater.spec.addresses import address

_CHANNEL_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong, of one rule, about one subject."""

    rule: str
    subject: str
    severity: str
    message: str
    """For people: no value of a row, and no secret."""
    hint: str
    """What to do first."""
    owners: tuple[str, ...] = ()
    nodes: frozenset[str] = frozenset()
    pipelines: frozenset[str] = frozenset()
    """Nodes and pipelines that it concerns; none: it is about a machine."""
    run: str = ""
    evidence: str = ""
    """It is seen once more when this changes."""

    @property
    def key(self) -> tuple[str, str]:
        """Of one rule and subject one incident is open."""
        return self.rule, self.subject


@dataclass(frozen=True, slots=True)
class Scope:
    """Who answers for what, by the released code."""

    graph: Graph
    owners: Mapping[str, str]
    """Node, sink → owner."""
    pipelines: Mapping[str, frozenset[str]]
    """Pipeline → what it selects."""
    within: Mapping[str, frozenset[str]]
    """Node → pipelines that select it."""
    wanted: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    """Alert → nodes that it is about; None: all, and what is about none."""

    @classmethod
    def of(cls, graph: Graph) -> "Scope":
        """Resolve the selections of pipelines and alerts."""
        members: tuple[Node | SinkNode, ...] = (*graph.nodes, *graph.sinks)
        pipelines = {each.name: frozenset(select(graph, each.select)[0]) for each in graph.pipelines}
        tagged = {each.name: frozenset(each.tags) for each in members}
        return cls(
            graph=graph,
            owners={each.name: each.owner for each in members},
            pipelines=pipelines,
            within={
                each.name: frozenset(name for name, nodes in pipelines.items() if each.name in nodes)
                for each in members
            },
            wanted={alert.name: _wanted(graph, alert, tagged) for alert in graph.alerts},
        )

    def owners_of(self, nodes: Iterable[str]) -> tuple[str, ...]:
        """Give the owners of nodes, each once."""
        return tuple(dict.fromkeys(owner for node in sorted(nodes) if (owner := self.owners.get(node, ""))))

    def pipelines_of(self, node: str) -> frozenset[str]:
        """Give the pipelines that select a node."""
        return self.within.get(node, frozenset())


def _wanted(graph: Graph, alert: AlertNode, tagged: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
    if not alert.nodes and not alert.tags:
        return None
    named = select(graph, alert.nodes)[0] if alert.nodes else set(tagged)
    tags = frozenset(alert.tags)
    return frozenset(name for name in named if not tags or tagged.get(name, frozenset()) & tags)


def concerns(alert: AlertNode, finding: Finding, scope: Scope, environment: str) -> bool:
    """Whether an alert tells of a finding: all that it says in ``only`` must hold."""
    wanted = scope.wanted.get(alert.name)
    return (
        finding.rule in alert.on
        and (not alert.environments or environment in alert.environments)
        and (not alert.severities or finding.severity in alert.severities)
        and (not alert.owners or bool(frozenset(alert.owners) & frozenset(finding.owners)))
        and (not alert.pipeline or alert.pipeline in finding.pipelines)
        and (not alert.pipelines or bool(frozenset(alert.pipelines) & finding.pipelines))
        and (wanted is None or bool(wanted & finding.nodes))
    )


def channel_of(to: str) -> str:
    """Give the address of a channel: two alerts that write to one place share it. It says nothing of the place."""
    return address("channel", to)[:_CHANNEL_LENGTH]
