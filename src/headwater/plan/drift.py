"""Drift: whether a measurement is like those before it, and which those are."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal
from zoneinfo import ZoneInfo

from headwater.graph.values import Drift, TimeCut
from headwater.plan.calendar import start_of
from headwater.spec.addresses import Slot, address
from headwater.spec.quality import FEWEST_MEASUREMENTS
from headwater.spec.releases import SlotKey

SMALLEST_SIGMA: Final = 0.01
"""Sigma is never taken for less than this share of the mean: a history without change would forbid any."""
ROUNDING: Final = 1e-9
"""Numbers that differ by less than this share are the same: a sum of floats is not exact."""
OPEN: Final = address("drift", "the slot has not ended")
"""What a check has read of a slot that has not ended: nothing; it is judged once it has."""

_THOUSAND: Final = 1000

Standing = Literal["usual", "unlike", "learning", "nothing"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a drift check makes of a measurement. Only ``unlike`` fails."""

    standing: Standing
    low: float = 0.0
    high: float = 0.0
    """Bounds of what is usual, both included (not while learning)."""
    known: int = 0
    """Earlier measurements that it was compared with."""


def judge(value: float | None, history: Sequence[float | None], rule: Drift) -> Judgement:
    """Compare a measurement with those before it (in any order, at most ``rule.over`` of them).

    - Nothing measured (None), now or before, is left out: it neither fails nor counts.
    - Fewer than five numbers before (or ``over``, if that is less): learning, which passes.
    - ``percent``: at most so much away from the median. A median of 0 allows only 0.
    - ``sigma``: at most so many standard deviations of the sample away from the mean; a deviation is never taken for
      less than 1 % of the mean, so that a history without change allows small ones. One of zeros allows only 0.
    - What is not a number (infinite) is unlike any number, and is left out of a history.
    """
    numbers = [each for each in history if each is not None and math.isfinite(each)]
    if value is None:
        return Judgement("nothing", known=len(numbers))
    if len(numbers) < min(FEWEST_MEASUREMENTS, rule.over):
        return Judgement("learning", known=len(numbers))
    middle, room = _usual(numbers, rule)
    slack = ROUNDING * max(abs(middle), room)
    low, high = middle - room, middle + room
    is_usual = math.isfinite(value) and low - slack <= value <= high + slack
    return Judgement("usual" if is_usual else "unlike", low, high, len(numbers))


def _usual(numbers: Sequence[float], rule: Drift) -> tuple[float, float]:
    """The middle of what is usual, and how far from it a measurement may be."""
    if rule.unit == "percent":
        middle = median(numbers)
        return middle, abs(middle) * rule.within / 100
    middle, sigma = _mean_and_deviation(numbers)
    return middle, rule.within * max(sigma, SMALLEST_SIGMA * abs(middle))


def _mean_and_deviation(numbers: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation of a sample; scaled, so that squares of large numbers do not overflow."""
    scale = max(map(abs, numbers)) or 1.0
    scaled = [each / scale for each in numbers]
    mean = math.fsum(scaled) / len(scaled)
    variance = math.fsum((each - mean) ** 2 for each in scaled) / (len(scaled) - 1)
    return mean * scale, math.sqrt(variance) * scale


def digest_of(value: float | None, history: Iterable[tuple[str, float | None]]) -> str:
    """Address of all that a judgement rests on: the measurement, and which fills measured what before it."""
    return address("drift", repr(value), *(f"{fill}={before!r}" for fill, before in history))


def time_of_week(slot: Slot, cut: TimeCut) -> str:
    """Name the weekday and the time at which a slot begins, in its node's time zone.

    >>> time_of_week(Slot("2024-01-07T05:00:00Z"), TimeCut(column="t", type="DATE", timezone="America/New_York"))
    '7 00:00:00'
    """
    local = start_of(slot).astimezone(ZoneInfo(cut.timezone))
    return f"{local.isoweekday()} {local:%H:%M:%S}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A table's slots in their order, with what stands in each: the history of every slot is what stands before it."""

    fills: Mapping[SlotKey, str]
    """All slots as the table is to have them."""
    before: Mapping[SlotKey, str]
    """What the environment has now: a slot whose fill is refused keeps it."""
    judged: frozenset[SlotKey]
    """Slots whose fill is to be judged; the others are history."""


@dataclass(frozen=True, slots=True)
class Found:
    """A judgement on a slot, and what it rests on."""

    key: SlotKey
    fill: str
    judgement: Judgement
    value: float | None
    reads: str


Value = Callable[[str, SlotKey], float | None]
"""The measurement of a fill in a slot; raises KeyError where it is not known."""


def judge_whole(fill: str, key: SlotKey, earlier: Iterable[str], rule: Drift, value: Value) -> Found | None:
    """Judge a whole table by the fills that stood in its place before, newest first; None if it was not measured.

    Of those that came before, what is not known is left out: rows of long ago may be gone.
    """
    history: list[tuple[SlotKey, str]] = []
    for before in dict.fromkeys(earlier):
        if before != fill and len(history) < rule.over and _is_known(before, key, value):
            history.append((key, before))
    return _judge_slot(key, fill, history, rule, value)


def _is_known(fill: str, key: SlotKey, value: Value) -> bool:
    try:
        return value(fill, key) is not None
    except KeyError:
        return False


def judge_series(
    series: Series, rule: Drift, value: Value, *, season: Callable[[Slot], str], refuses: bool
) -> Iterator[Found]:
    """Judge slots in their order; with ``refuses``, what is unlike does not become history: what it replaces does.

    A slot's history lies before it, so one pass decides all; each costs no more than its own history. Slots of which
    something is not known are left out.
    """
    past: dict[tuple[str, str], deque[tuple[SlotKey, str]]] = {}
    for key in sorted(series.fills):
        mine = past.setdefault((key[0], season(key[1])), deque(maxlen=rule.over))
        fill: str | None = series.fills[key]
        if key in series.judged:
            found = _judge_slot(key, series.fills[key], mine, rule, value)
            if found is not None:
                yield found
            if found is not None and refuses and found.judgement.standing == "unlike":
                fill = series.before.get(key)
        if fill is not None:
            mine.append((key, fill))


def _judge_slot(
    key: SlotKey, fill: str, past: Iterable[tuple[SlotKey, str]], rule: Drift, value: Value
) -> Found | None:
    try:
        mine = value(fill, key)
        history = [(each, value(each, at)) for at, each in past]
    except KeyError:
        return None
    judgement = judge(mine, [before for _, before in history], rule)
    return Found(key, fill, judgement, mine, digest_of(mine, history))


def needed_before(series: Series, over: int, season: Callable[[Slot], str]) -> dict[SlotKey, str]:
    """Give the slots whose measurements judging needs, if nothing is refused: those judged, and what is before them."""
    past: dict[tuple[str, str], deque[SlotKey]] = {}
    needed: dict[SlotKey, str] = {}
    for key in sorted(series.fills):
        mine = past.setdefault((key[0], season(key[1])), deque(maxlen=over))
        if key in series.judged:
            needed |= {each: series.fills[each] for each in (*mine, key) if each not in needed}
        mine.append(key)
    return needed


def told(rule: Drift, found: Found) -> str:
    """Say what was found, in numbers."""
    judgement = found.judgement
    if found.value is None:
        return "nothing to measure"
    value = shown(found.value, rule)
    if judgement.standing == "learning":
        return f"{value}: learning, {judgement.known} of {min(FEWEST_MEASUREMENTS, rule.over)} measurements"
    low, high = shown(judgement.low, rule), shown(judgement.high, rule)
    return f"{value}, where {low} to {high} is usual ({judgement.known} measurements)"


def shown(value: float, rule: Drift) -> str:
    """Write a measurement for people.

    >>> rule = Drift(metric="", unit="sigma", within=3, over=14)
    >>> shown(1234567.0, rule), shown(0.25, rule), shown(float("inf"), rule)
    ('1,234,567', '0.25', 'not a number')
    """
    if not math.isfinite(value):
        return "not a number"
    if rule.shows == "share":
        return f"{value:.2%}"
    if rule.shows == "duration":
        return f"{value / 3600:,.1f} h"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= _THOUSAND else f"{value:.4g}"
