"""Which sinks an environment has, and what came of loading them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from headwater.diagnostics import HeadwaterError
from headwater.graph.values import SinkNode


@dataclass(frozen=True, slots=True)
class LoadedSinks:
    """What came of loading: slots and rows per sink, and the sinks that failed (the release stands)."""

    loaded: dict[str, tuple[int, int]] = field(default_factory=dict)
    failures: dict[str, HeadwaterError] = field(default_factory=dict)


def sinks_of(sinks: Iterable[SinkNode], environment: str) -> tuple[SinkNode, ...]:
    """Give those sinks that run in an environment."""
    return tuple(sink for sink in sinks if environment in sink.environments)
