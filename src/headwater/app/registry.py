"""All connectors that come with Headwater, as an explicit list."""

from functools import cache

from headwater.connect.components import Registry


@cache
def registry() -> Registry:
    """Give the built-in connectors."""
    from headwater.connectors.runtimes import RUNTIMES
    from headwater.connectors.sinks import SINKS
    from headwater.connectors.sources import SOURCES

    return Registry.of(SOURCES, SINKS, RUNTIMES)
