"""Where tables live: one file per kind of store."""

from headwater.connectors.stores.lake import Lake

__all__ = ["Lake"]
