"""Frozen facts about what happened, and the callable that takes them: observers subscribe, nobody below knows them."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Event:
    """The root of all facts; concrete facts add their own fields."""


@dataclass(frozen=True, slots=True)
class Phase(Event):
    """A command enters a phase: ``load, land, observe, plan, build, check, move, sink``; ``total`` counts its units."""

    name: str
    total: int = 0


@dataclass(frozen=True, slots=True)
class Advanced(Event):
    """How far a long piece of work is that runs in parts, each with phases of its own: ``done`` of ``total`` parts."""

    name: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class FileInspected(Event):
    """A source file's occupied hours and set-aside rows became known."""

    source: str
    path: str
    rows: int
    rejects: int


@dataclass(frozen=True, slots=True)
class SourceLanded(Event):
    """What was new at a source is in the lake."""

    source: str
    site: str
    rows: int
    rejects: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TaskStarted(Event):
    """One attempt at a task began."""

    node: str
    task: str
    slots: int
    attempt: int


@dataclass(frozen=True, slots=True)
class TaskFinished(Event):
    """A task staged its fills."""

    node: str
    task: str
    slots: int
    rows: int
    bytes: int
    seconds: float
    rejects: int = 0


@dataclass(frozen=True, slots=True)
class TaskFailed(Event):
    """An attempt failed; ``retry_in_s`` is None when there will be no further one."""

    node: str
    task: str
    attempt: int
    message: str
    retry_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class FillReused(Event):
    """Fills were taken as they are, without computing."""

    node: str
    slots: int


@dataclass(frozen=True, slots=True)
class CheckFinished(Event):
    """A check has a verdict on some fills of a node."""

    node: str
    check: str
    failing: int
    on_fail: str
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Blocked(Event):
    """Slots are withheld because a blocking check failed, or because they read such slots."""

    node: str
    slots: int
    because: str


@dataclass(frozen=True, slots=True)
class Moved(Event):
    """The environment's head moved: a release exists."""

    environment: str
    release: str
    nodes: int
    entries: int


@dataclass(frozen=True, slots=True)
class Packed(Event):
    """Rows of many small files lie in few now; what is served did not change."""

    node: str
    slots: int
    files: int
    packs: int


@dataclass(frozen=True, slots=True)
class SinkLoaded(Event):
    """A sink took released slots."""

    sink: str
    slots: int
    rows: int
    seconds: float = field(default=0.0)


@dataclass(frozen=True, slots=True)
class RowsCrossed(Event):
    """A site has sent what it may of its rows to another; ``bytes`` as they were on the wire."""

    node: str
    exchange: str
    sender: str
    to: tuple[str, ...]
    rows: int
    bytes: int
    form: str
    rules: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """A worker, or a command, took up a run; ``code`` is the digest of the code that it runs."""

    kind: str
    because: str
    code: str
    worker: str = ""


@dataclass(frozen=True, slots=True)
class RunEnded(Event):
    """A run came to an end: ``done, failed, cancelled``."""

    status: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StatePaused(Event):
    """A run waits because its state is locked, full, or gone."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class StateResumed(Event):
    """The state can be used again."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Printed(Event):
    """What a function of the project has printed, as far as it is kept; ``left_bytes`` were not."""

    node: str
    text: str
    left_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Remarked(Event):
    """A diagnostic about a run: what failed in it, or deserves a look."""

    code: str
    severity: str
    message: str
    where: str = ""
    hint: str = ""


Emit = Callable[[Event], None]


def silent(event: Event) -> None:
    """Take an event and do nothing: the observer of those who do not watch."""
    del event
