"""Cells released again: what stands, what is new, and what is withdrawn, so that no difference shows a few units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Changed = tuple[int, ...]
"""Per component (rows, then each shipped column): how many units contribute differently."""
ABSENT: Final = 0
"""As a version: no value is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A cell as the ledger knows it, beside the rows as they are now."""

    cell: str
    """Keyed hash of its slot and the values of its groups."""
    units: int
    """How many units it has now."""
    shown: int
    """The version that is released now; ``ABSENT``: none."""
    changed: Sequence[Changed] = ()
    """For versions 1, 2 … that were ever released: how far the rows of now are from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of a cell: ``keep`` what is shown, ``release`` a new version, ``repeat`` an old, or ``withdraw``."""

    cell: str
    verdict: Literal["keep", "release", "repeat", "withdraw"]
    version: int
    """What is shown afterwards."""


def decide(standing: Standing, min_group: int) -> Decision:
    """Say what becomes of a cell of a complete slot.

    A new version is released only if at least ``min_group`` units contribute differently from every version that was
    ever released, in each component that differs at all: whoever kept them all can subtract none from another and be
    left with fewer units. What equals an old version is that version. A cell of too few units is withdrawn if as many
    differ from what is shown; else what is shown stands.
    """
    same = next((at for at, changed in enumerate(standing.changed, 1) if not any(changed)), ABSENT)
    if same:
        return Decision(cell=standing.cell, verdict="keep" if same == standing.shown else "repeat", version=same)
    if standing.units >= min_group and all(_is_far(changed, min_group) for changed in standing.changed):
        return Decision(cell=standing.cell, verdict="release", version=len(standing.changed) + 1)
    leaves = standing.units < min_group and standing.shown != ABSENT
    if leaves and _is_far(standing.changed[standing.shown - 1], min_group):
        return Decision(cell=standing.cell, verdict="withdraw", version=ABSENT)
    return Decision(cell=standing.cell, verdict="keep", version=standing.shown)


def _is_far(changed: Changed, min_group: int) -> bool:
    return any(changed) and all(not units or units >= min_group for units in changed)


def is_complete(end: datetime, now: datetime) -> bool:
    """Whether a slot has ended by the site's clock; cells of others are not released at all."""
    return end <= now
