"""Values of quality over time: bounds and metrics of drift as written, measurements, scores."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

MEASURES: Final = ("rows", "nulls", "mean", "distinct", "freshness")
"""What can be measured; all but ``rows`` of a column."""
FEWEST_MEASUREMENTS: Final = 5
"""A drift check learns until it has so many earlier measurements (fewer if ``over`` says fewer), and passes."""
MOST_MEASUREMENTS: Final = 1000

_WITHIN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(sigma|%)")


def parse_within(text: str) -> tuple[float, Literal["sigma", "percent"]]:
    """Read ``3 sigma`` or ``20%``; ValueError otherwise.

    >>> parse_within("3 sigma"), parse_within("20%")
    ((3.0, 'sigma'), (20.0, 'percent'))
    """
    match = _WITHIN.fullmatch(text.strip())
    if not match or len(match[1]) > 12:  # noqa: PLR2004 - more digits are a slip
        raise ValueError(f"`{text[:40]}` is neither a number of sigma nor a percentage")
    return float(match[1]), "percent" if match[2] == "%" else "sigma"


def parse_metric(text: str) -> tuple[str, str]:
    """Read ``rows`` or ``nulls.price`` as (measure, column); ValueError otherwise.

    >>> parse_metric("rows"), parse_metric("mean.price")
    (('rows', ''), ('mean', 'price'))
    """
    measure, _, column = text.strip().partition(".")
    if measure not in MEASURES or (measure == "rows") == bool(column):
        raise ValueError(f"`{text[:80]}` is not a metric")
    return measure, column


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What was measured of a fill: once, because its rows never change."""

    fill: str
    metric: str
    """Address of what was measured."""
    value: float | None
    """None: there was nothing to measure, such as the mean of no rows; infinite: not a number."""
    version: str
    at: datetime
    """Logical time of the run that measured it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How good what a release brought of one node is.

    ``score`` is 100 × ``checks`` × share of rows not set aside × share of slots not withheld; None if the node has no
    check whose verdict is known and nothing was set aside or withheld: nothing vouches for it.
    """

    checks: float | None
    """Share of passed verdicts on the slots of the release, those of blocking checks weighing three times as much."""
    rows: int = 0
    rejects: int = 0
    """Rows set aside by the node's own checks."""
    slots: int = 0
    """Slots that the release brought."""
    withheld: int = 0
    """Slots that were due and kept back: a check refused them, or something that they read is missing."""

    @property
    def score(self) -> float | None:
        """From 0 (nothing of it is as it should be) to 100; None: nothing was checked.

        >>> Score(checks=0.5, rows=90, rejects=10, slots=1).score
        45.0
        >>> Score(checks=1.0, rows=5, slots=3, withheld=1).score
        75.0
        """
        if self.checks is None and not self.rejects and not self.withheld:
            return None
        checks = 1.0 if self.checks is None else self.checks
        return round(100 * checks * _kept(self.rows, self.rejects) * _kept(self.slots, self.withheld), 1)


def _kept(good: int, bad: int) -> float:
    return good / (good + bad) if good + bad else 1.0
