"""A graph as bytes and back: what a release keeps."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from headwater.graph.borders import Borders, SiteNode
from headwater.graph.values import Deprecation, Graph, Node, NodeKind, SinkNode, SourceNode, TimeCut
from headwater.spec.addresses import address
from headwater.spec.limits import Limits

if TYPE_CHECKING:
    from msgspec.json import Decoder

_ADDED: Final = frozenset({"replicated", "partition"})
"""Fields of a source that older releases do not have."""


@dataclass(frozen=True, slots=True)
class NodeOutline:
    """What a status needs of a node."""

    name: str
    kind: NodeKind
    time: TimeCut | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """A graph without its queries, columns and checks: read in a tenth of the time."""

    nodes: tuple[NodeOutline, ...] = ()
    as_of: datetime | None = None
    sinks: tuple[SinkNode, ...] = ()
    deprecations: tuple[Deprecation, ...] = ()
    borders: Borders = Borders()


def encode(graph: Graph) -> bytes:
    """Write a graph as JSON."""
    import msgspec

    return msgspec.json.encode(graph)


def decode(document: bytes) -> Graph:
    """Read a graph; ValueError if these bytes are none."""
    return _decoder().decode(document)


def outline(document: bytes) -> Outline:
    """Read the outline of a graph; ValueError if these bytes are none."""
    import msgspec

    return msgspec.json.decode(document, type=Outline)


def _decoder() -> "Decoder[Graph]":
    import msgspec

    return msgspec.json.Decoder(Graph)


def digest(graph: Graph) -> str:
    """Address of the code: versions, checks, settings of nodes and sinks; not where or how it is written down."""
    import msgspec

    encode_part = msgspec.json.Encoder(order="sorted").encode
    nodes = (encode_part((node.name, node.version, *_settings(node))).decode() for node in graph.nodes)
    sinks = (encode_part(replace(sink, file="", line=0)).decode() for sink in graph.sinks)
    pipelines = (encode_part(pipeline).decode() for pipeline in graph.pipelines)
    alerts = [encode_part(replace(alert, file="", line=0)).decode() for alert in graph.alerts]
    told = ["alerts", *alerts] if alerts else []
    if graph.limits != Limits():
        told += ["limits", encode_part(graph.limits).decode()]
    if said := _said(graph.borders):
        told += ["borders", encode_part(said).decode()]
    return address("graph", graph.project, *nodes, "sinks", *sinks, "pipelines", *pipelines, *told)


def _settings(node: Node) -> tuple[Any, ...]:
    time = node.time
    return (
        [(check.address, check.name, check.on_fail) for check in node.checks],
        [(each.node, each.moving, each.new) for each in node.inputs],
        (time.start, time.end, time.complete) if time else None,
        _of_source(node.source) if node.source else None,
        [(column.name, column.description, column.unit, column.class_) for column in node.columns],
        node.chain,
        replace(node.promises, file="", line=0) if node.promises else None,
        node.table,
        (node.lookback_s, node.batch_s, node.timeout_s, node.memory_bytes),
        (node.attempts, node.backoff_s, node.backoff_max_s),
        (node.description, node.owner, node.tags, *([node.priority] if node.priority else [])),
        *([sorted(node.through.items())] if node.through else []),
    )


def _of_source(source: SourceNode) -> dict[str, Any]:
    """What was added later is left out where nothing is said of it, so that the digests of old projects stay."""
    import msgspec

    part: dict[str, Any] = msgspec.to_builtins(replace(source, settings={}, columns_line=0))
    return {key: value for key, value in part.items() if value or key not in _ADDED}


def _said(borders: Borders) -> Borders | None:
    """Give what is said of borders, without its places in files; None if that is names and labels of sites only."""
    bare = Borders(
        sites=borders.sites,
        policies=tuple(replace(each, file="", line=0) for each in borders.policies),
        keys=tuple(replace(each, file="", line=0) for each in borders.keys),
    )
    names = (SiteNode(name=each.name, labels=each.labels, description=each.description) for each in borders.sites)
    return None if bare == Borders(sites=tuple(names)) else bare
