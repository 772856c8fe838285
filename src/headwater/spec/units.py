"""Durations and sizes as people write them, and as numbers with a unit."""

import re
from dataclasses import dataclass
from typing import Final, NewType

Seconds = NewType("Seconds", float)
Bytes = NewType("Bytes", int)

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_STEP_S: Final = {"s": 1, "m": 60, "h": 3600}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?i?B)")
_BYTES: Final = {
    "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "kiB": 2**10, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip


def parse_duration(text: str) -> Seconds:
    """Read ``90s 5m 2h 7d 1w`` or a sum such as ``1h30m``, in seconds; ValueError otherwise.

    >>> parse_duration("1h30m")
    5400.0
    """
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).strip():
        raise ValueError(f"`{text}` is not a duration such as 90s, 5m, 2h or 7d")
    return Seconds(sum(float(number) * _SECONDS[unit] for number, unit in parts))


def parse_size(text: str) -> Bytes:
    """Read ``64MB`` or ``2GiB``, in bytes; ValueError otherwise.

    >>> parse_size("2GiB")
    2147483648
    """
    match = _SIZE.fullmatch(text.strip())
    if not match or match[2] not in _BYTES:
        raise ValueError(f"`{text}` is not a size such as 64MB or 2GiB")
    return Bytes(int(float(match[1]) * _BYTES[match[2]]))


@dataclass(frozen=True, slots=True)
class Every:
    """The length of a slot: a number of ``s``, ``m``, ``h``, ``d``, ``w`` or ``mo`` (calendar months)."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @property
    def is_calendar(self) -> bool:
        """Whether the slot follows the calendar (days and longer) rather than a fixed number of seconds."""
        return self.unit in {"d", "w", "mo"}

    @property
    def step_s(self) -> int:
        """Seconds of a slot that does not follow the calendar; 0 for one that does."""
        return self.count * _STEP_S.get(self.unit, 0)


def parse_every(text: str) -> Every:
    """Read the length of a slot: ``5m``, ``1h``, ``1d``, ``1w``, ``1mo``; ValueError otherwise.

    >>> parse_every("15m")
    Every(count=15, unit='m')
    """
    match = re.fullmatch(r"(\d+)(s|m|h|d|w|mo)", text.strip())
    if not match or int(match[1]) == 0:
        raise ValueError(f"`{text}` is not a slot length such as 5m, 1h, 1d or 1mo")
    return Every(int(match[1]), match[2])
