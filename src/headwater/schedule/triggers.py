"""Whether what a pipeline waits for has happened: data, files, webhooks and messages, combined, each told of once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from headwater.spec.schedules import Trigger

MOST_DEBOUNCE: Final = 10
"""A stream that never rests fires after so many times its ``debounce``."""
ARRIVALS: Final = frozenset({"webhook", "message"})
_SAID: Final = {
    "updated": "new data of `{}`",
    "files": "files `{}`",
    "webhook": "webhook `{}`",
    "message": "message `{}`",
}
Memory = Mapping[str, Any]
"""JSON-able: what was seen when it last fired, and what it waits with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What there is now. What could not be looked at is left out, and then nothing is concluded from it."""

    updated: Mapping[str, str] = field(default_factory=dict)
    """Node → digest of what the head serves of it, or of a source's observation; "" if there is nothing yet."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Pattern → digest of the files that match it; "" if none does."""
    webhook: Mapping[str, int] = field(default_factory=dict)
    """Name → number of its last arrival; numbers only grow."""
    message: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Whether to order a run, why, and what to remember of it: to be written in one transaction with the order."""

    fires: bool = False
    because: str = ""
    memory: Memory
    again_at: datetime | None = None
    """It waits for rest (``debounce``), at most until here; None: only new facts change anything."""


def leaves(trigger: Trigger) -> Iterator[Trigger]:
    """Give the conditions that a trigger is combined of: what facts are needed about."""
    if trigger.of:
        for each in trigger.of:
            yield from leaves(each)
    else:
        yield trigger


def judge(trigger: Trigger, memory: Memory, facts: Facts, now: datetime, debounce_s: float = 0.0) -> Judgement:
    """Judge a trigger by the facts and by what it has seen before; the same facts twice fire once.

    Nodes and files that it looks at for the first time are remembered and do not fire; an arrival does, even the
    first. What is new stays new until the trigger fires, which makes everything old, whatever part of it fired.
    """
    parts = {_key(each): each for each in leaves(trigger)}
    there = {key: value for key, each in parts.items() if (value := _fact(each, facts)) is not None}
    seen = _seen(parts, memory, there)
    new = {key for key, value in there.items() if value != seen.get(key)}
    if not _holds(trigger, new):
        return Judgement(memory={"seen": seen})
    waits = _waits(memory, there, now)
    again_at = _rests_at(waits, debounce_s)
    if now < again_at:
        return Judgement(memory={"seen": seen, "waits": waits}, again_at=again_at)
    because = ", ".join(_SAID[parts[key].kind].format(parts[key].name) for key in sorted(new))
    return Judgement(fires=True, because=because, memory={"seen": {**seen, **there}})


def _key(leaf: Trigger) -> str:
    return f"{leaf.kind}:{leaf.name}"


def _fact(leaf: Trigger, facts: Facts) -> str | int | None:
    known: Mapping[str, str | int] = getattr(facts, leaf.kind)
    return known.get(leaf.name)


def _seen(parts: Mapping[str, Trigger], memory: Memory, there: Mapping[str, str | int]) -> dict[str, str | int]:
    """Give what counts as seen: as remembered; nodes and files as they are found the first time; of arrivals, none."""
    before = memory.get("seen", {})
    seen: dict[str, str | int] = {}
    for key, each in parts.items():
        if key in before:
            seen[key] = before[key]
        elif each.kind in ARRIVALS:
            seen[key] = 0
        elif key in there:
            seen[key] = there[key]
    return seen


def _holds(trigger: Trigger, new: set[str]) -> bool:
    if trigger.kind == "any":
        return any(_holds(each, new) for each in trigger.of)
    if trigger.kind == "all":
        return all(_holds(each, new) for each in trigger.of)
    return _key(trigger) in new


def _waits(memory: Memory, there: Mapping[str, str | int], now: datetime) -> dict[str, Any]:
    """Give since when the trigger holds, and since when nothing has changed; a clock that went back begins again."""
    before = memory.get("waits")
    if before is None:
        return {"facts": dict(there), "since": now.isoformat(), "rests": now.isoformat()}
    since, rests = (min(now, datetime.fromisoformat(before[key])) for key in ("since", "rests"))
    is_same = before["facts"] == dict(there)
    return {"facts": dict(there), "since": since.isoformat(), "rests": (rests if is_same else now).isoformat()}


def _rests_at(waits: Mapping[str, Any], debounce_s: float) -> datetime:
    rests = datetime.fromisoformat(waits["rests"]) + timedelta(seconds=debounce_s)
    return min(rests, datetime.fromisoformat(waits["since"]) + timedelta(seconds=MOST_DEBOUNCE * debounce_s))
