"""Which runs there are, and what each has said: read from the state, wherever a run works."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from headwater.diagnostics import Invalid
from headwater.events.words import LEVELS, Level
from headwater.state.database import Database
from headwater.state.run_events import RunEvent, run_events
from headwater.state.run_records import RunRecord, run_record, run_records, runs_like

LAST: Final = "last"
POLL_S: Final = 0.3
"""Seconds between two looks at a run that goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which facts of a run are wanted."""

    node: str | None = None
    level: Level = "info"
    """The least urgent that is."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """All levels that are; empty: every one."""
        return LEVELS[LEVELS.index(self.level) :] if self.level != LEVELS[0] else ()


@dataclass(frozen=True, slots=True)
class Said:
    """A run, and some of what it said."""

    run: RunRecord
    events: tuple[RunEvent, ...]


def find_run(db: Database, name: str, environment: str | None = None) -> RunRecord:
    """Give a run by its id, the beginning of one, or ``last``: the newest, of an environment if one is given.

    Raises Invalid if there is none, or more than one.
    """
    if name == LAST:
        newest = run_records(db, environment, limit=1)
        if not newest:
            where = f" in `{environment}`" if environment is not None else ""
            raise Invalid.of("HW1102", f"nothing has run{where} yet")
        return newest[0]
    found = run_record(db, name)
    if found is not None:
        return found
    like = runs_like(db, name)
    if len(like) == 1:
        return like[0]
    what = "is the beginning of several runs" if like else "is no run"
    raise Invalid.of("HW1101", f"`{name}` {what}")


def log_of(db: Database, run: str, wanted: Wanted, after: int = 0) -> Said:
    """Give a run and what it has said after a ``seq``, as one moment's view."""
    with db.read():
        record = run_record(db, run)
        if record is None:
            raise Invalid.of("HW1101", f"`{run}` is no run")
        return Said(record, run_events(db, run, after=after, node=wanted.node, levels=wanted.levels))


def follow(
    db: Database, run: str, wanted: Wanted, sleep: Callable[[float], None], poll_s: float = POLL_S
) -> Iterator[Said]:
    """Give what a run has said and says, until it has ended; each time how it stands, with what is new since."""
    after = 0
    while True:
        said = log_of(db, run, wanted, after)
        after = max([after, *(event.seq for event in said.events)])
        yield said
        if said.run.has_ended:
            return
        sleep(poll_s)
