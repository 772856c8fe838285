"""From a column's name and some of its values to a class, with how sure that is: a pure function."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from headwater.app.scanning.names import class_named
from headwater.app.scanning.values import LOOKS, Looks, fits
from headwater.spec.classes import is_within

_NAME_ALONE: Final = 0.6
"""No values were looked at."""
_NAME_UNCHECKED: Final = 0.7
"""There are values, and no pattern for such a class."""
_MOST_BY_VALUES: Final = 0.9
_TELLING_SHARE: Final = 0.6
"""So many values must look alike before they tell the class by themselves."""
_CONFIRMING_SHARE: Final = 0.3
"""So many must look like it before they confirm a name."""
_FEWEST: Final = 5
"""Fewer different values tell nothing by themselves."""
_SURE: Final = 0.97


@dataclass(frozen=True, slots=True)
class Seen:
    """A class that is proposed. It holds no value: names of patterns, and shares in two digits."""

    class_: str
    confidence: float
    reasons: tuple[str, ...]


def propose(name: str, values: Sequence[str] | None) -> Seen | None:
    """Propose a class for a column; ``values`` are some that are not NULL (None: they may not be looked at).

    None if nothing speaks for a class, or if the values contradict the name.
    """
    named = class_named(name)
    if not values:
        return Seen(named, _NAME_ALONE, ("its name",)) if named else None
    found = [(looks, _share(looks, values)) for looks in LOOKS]
    if named and (seen := _confirmed(named, found)):
        return seen
    told = _told(found, values)
    if told or not named:
        return told
    return None if _has_pattern(named) else Seen(named, _NAME_UNCHECKED, ("its name",))


def _confirmed(named: str, found: list[tuple[Looks, float]]) -> Seen | None:
    """What a name says, if values look like it; a telling pattern beside it may be more exact."""
    fitting = [(share, looks) for looks, share in found if is_within(looks.class_, named)]
    share, looks = max(fitting, key=lambda each: each[0], default=(0.0, None))
    if looks is None or share < _CONFIRMING_SHARE:
        return None
    confidence = _NAME_UNCHECKED + (_SURE - _NAME_UNCHECKED) * share
    return Seen(named, _two_digits(confidence), ("its name", _in_words(looks, share)))


def _told(found: list[tuple[Looks, float]], values: Sequence[str]) -> Seen | None:
    if len(set(values)) < _FEWEST:
        return None
    telling = [(share, -at, looks) for at, (looks, share) in enumerate(found) if looks.is_telling]
    share, _, looks = max(telling, key=lambda each: each[:2])
    if share < _TELLING_SHARE:
        return None
    return Seen(looks.class_, _two_digits(_MOST_BY_VALUES * share), (_in_words(looks, share),))


def _share(looks: Looks, values: Sequence[str]) -> float:
    return sum(fits(looks, each) for each in values) / len(values)


def _has_pattern(named: str) -> bool:
    return any(is_within(looks.class_, named) for looks in LOOKS)


def _in_words(looks: Looks, share: float) -> str:
    return f"{_two_digits(share):.0%} of its values look like: {looks.name}"


def _two_digits(share: float) -> float:
    """Round down, so that only all is 1."""
    return int(share * 100) / 100
