"""What computes at sites: one file per runtime, listed here."""

from typing import Final

from headwater.connect.components import Component
from headwater.connect.runtimes import Runtime
from headwater.connectors.runtimes.local import local

RUNTIMES: Final[tuple[Component[Runtime], ...]] = (local,)

__all__ = ["RUNTIMES"]
