"""Facts in a person's words: one place for progress, logs and the live screen."""

from dataclasses import dataclass
from typing import Final, Literal

from headwater.events import (
    Blocked,
    CheckFinished,
    Event,
    FileInspected,
    FillReused,
    Moved,
    Packed,
    Phase,
    Printed,
    Remarked,
    RowsCrossed,
    RunEnded,
    RunStarted,
    SinkLoaded,
    SourceLanded,
    StatePaused,
    StateResumed,
    TaskFailed,
    TaskFinished,
    TaskStarted,
)
from headwater.events.quantities import count, duration, size

Level = Literal["debug", "info", "warning", "error"]
LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning", "error")
"""From the least to the most urgent."""
Mark = Literal["", "done", "failed", "withheld", "warned", "passed", "noted", "landed", "reused", "loaded"]
PHASES: Final = {
    "load": "Reading the project",
    "land": "Landing what is new",
    "observe": "Looking at sources",
    "plan": "Planning",
    "build": "Computing",
    "check": "Checking",
    "move": "Making visible",
    "sink": "Loading sinks",
    "backfill": "Backfilling",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What a fact says: how urgent it is, of which node it speaks (empty: of the run), and a sentence."""

    level: Level
    node: str
    text: str
    mark: Mark = ""
    """What kind of work it tells of; empty: of none that a list of work would show."""


def words_of(event: Event) -> Words:
    """Put a fact into words.

    >>> words_of(SinkLoaded("dashboard", 1, 1200)).text
    'dashboard: 1,200 rows loaded'
    """
    found = _of_task(event) or _of_data(event) or _of_check(event) or _of_run(event) or _of_state(event)
    return found or Words("debug", "", repr(event))


def is_at_least(level: str, wanted: str) -> bool:
    """Whether a level is as urgent as another.

    >>> is_at_least("error", "warning"), is_at_least("info", "warning")
    (True, False)
    """
    return LEVELS.index(level) >= LEVELS.index(wanted)


def _of_task(event: Event) -> Words | None:
    match event:
        case TaskStarted(node=node, slots=slots, attempt=attempt):
            return Words("debug", node, f"{node}: attempt {attempt} at {count(slots, 'slot')}")
        case TaskFinished(node=node, slots=slots, rows=rows, bytes=size_bytes, seconds=seconds):
            what = f"{count(slots, 'slot')}, {count(rows, 'row')}, {size(size_bytes)} in {duration(seconds)}"
            return Words("info", node, f"{node}: {what}", "done")
        case TaskFailed(node=node, attempt=attempt, message=message, retry_in_s=None):
            return Words("error", node, f"{node}: attempt {attempt} failed, gave up: {message}", "failed")
        case TaskFailed(node=node, attempt=attempt, message=message, retry_in_s=wait_s):
            again = f"again in {duration(wait_s or 0.0)}"
            return Words("warning", node, f"{node}: attempt {attempt} failed, {again}: {message}", "failed")
        case Printed(node=node, text=text, left_bytes=left):
            more = f"\n… and {size(left)} more, not kept" if left else ""
            return Words("info", node, f"{node} printed: {text}{more}", "noted")
        case _:
            return None


def _of_data(event: Event) -> Words | None:
    match event:
        case FileInspected(source=source, path=path, rows=rows, rejects=rejects):
            if rejects:
                return Words("warning", source, f"{path}: {count(rows, 'row')} taken, {rejects} set aside", "warned")
            return Words("debug", source, f"{path}: {count(rows, 'row')}", "noted")
        case SourceLanded(source=source, rows=rows, seconds=seconds):
            return Words("info", source, f"{source}: {count(rows, 'row')} landed in {duration(seconds)}", "landed")
        case SinkLoaded(sink=sink, rows=rows):
            return Words("info", sink, f"{sink}: {count(rows, 'row')} loaded", "loaded")
        case RowsCrossed(node=node, sender=sender, to=to, rows=rows, bytes=size_bytes):
            what = f"{count(rows, 'row')}, {size(size_bytes)}"
            return Words("info", node, f"{node}: {sender} sent {what} to {', '.join(to)}", "noted")
        case _:
            return _of_fills(event)


def _of_fills(event: Event) -> Words | None:
    match event:
        case FillReused(node=node, slots=slots):
            return Words("debug", node, f"{node}: {count(slots, 'slot')} reused", "reused")
        case Packed(node=node, files=files, packs=packs):
            what = f"{count(files, 'file')} packed into {count(packs, 'pack')}"
            return Words("debug", node, f"{node}: {what}", "noted")
        case _:
            return None


def _of_check(event: Event) -> Words | None:
    match event:
        case Blocked(node=node, because=because):
            return Words("warning", node, f"{node} is withheld: {because}", "withheld")
        case CheckFinished(node=node, check=check, failing=0, slot=slot):
            return Words("debug", node, f"{node}{_at(slot)}: {check}", "passed")
        case CheckFinished(node=node, check=check, failing=failing, on_fail=on_fail, slot=slot):
            said = {"warn": "warns", "quarantine": "sets aside"}.get(on_fail)
            level: Level = "warning" if said else "error"
            text = f"{node}{_at(slot)}: `{check}` {said or 'blocks'}: {count(failing, 'row')}"
            return Words(level, node, text, "warned" if said else "withheld")
        case _:
            return None


def _of_state(event: Event) -> Words | None:
    match event:
        case StatePaused(message=message):
            return Words("warning", "", f"waiting: {message}", "failed")
        case StateResumed(seconds=seconds):
            return Words("warning", "", f"going on: the state can be used again, after {duration(seconds)}", "noted")
        case _:
            return None


def _at(slot: str) -> str:
    return f" ({slot})" if slot and slot != "all" else ""


def _of_run(event: Event) -> Words | None:
    match event:
        case Phase(name=name, total=total):
            return Words("info", "", PHASES.get(name, name) + (f" ({total:,})" if total else ""))
        case Moved(environment=environment, release=release, nodes=nodes):
            return Words("info", "", f"`{environment}` is at release {release}: {count(nodes, 'node')} moved")
        case RunStarted(kind=kind, because=because, worker=worker):
            why = f", because {because}" if because else ""
            return Words("info", "", f"{kind} began{f' on {worker}' if worker else ''}{why}")
        case RunEnded(status=status, seconds=seconds):
            level: Level = "info" if status == "done" else "warning" if status == "cancelled" else "error"
            return Words(level, "", f"{status} after {duration(seconds)}")
        case Remarked(code=code, severity=severity, message=message, where=where, hint=hint):
            place, advice = f" ({where})" if where else "", f"; {hint}" if hint else ""
            return Words("warning" if severity == "warning" else "error", "", f"{code}: {message}{place}{advice}")
        case _:
            return None
