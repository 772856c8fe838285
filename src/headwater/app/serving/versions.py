"""Servers of two versions on one state: the older one gives way."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from headwater.diagnostics import Broken
from headwater.state.workers import Worker

ALIVE: Final = timedelta(seconds=15)
"""Who was seen so short ago lives."""


def require_newest(version: str, others: Iterable[Worker], now: datetime) -> None:
    """Raise Broken if a server of a newer version works on this state."""
    newer = [each for each in others if each.kind == "server" and now - each.seen_at < ALIVE]
    for each in newer:
        if _key(each.version) > _key(version):
            message = (
                f"Headwater {each.version} serves this state (on {each.host}, process {each.pid}); this is {version}"
            )
            raise Broken.of("HW1128", message, hint="update this one; two servers of one version share the work")


def _key(version: str) -> tuple[int, ...]:
    """Compare versions by their numbers.

    >>> _key("0.10.0") > _key("0.9.1")
    True
    """
    return tuple(int(number) for number in re.findall(r"\d+", version.split("+", maxsplit=1)[0]))
