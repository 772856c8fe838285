"""Keeps to limits on what is worked on at once, across all processes of a state: a free place is a lease."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from typing import Final, Protocol

from headwater.diagnostics import HeadwaterError
from headwater.run.leasing import TTL_S
from headwater.spec.limits import Limits
from headwater.state.database import Database
from headwater.state.leases import acquire, leases_named, release_leases, renew
from headwater.tasks.values import Relation, Task

_BEATS_A_TTL: Final = 3


class Limiter(Protocol):
    """Says which tasks may begin. All methods but ``held`` are called by one thread, within a commit of its journal."""

    waits_for_others: bool
    """Whether the last turn refused a task because somebody else uses a limit up."""

    def limits_of(self, task: Task) -> frozenset[str]:
        """Give the limits that a task falls under; always the same for a task."""

    def turn(self, ended: Sequence[str]) -> None:
        """Give back the places of tasks that have ended, and look anew at what is free."""

    def take(self, task: str, limits: frozenset[str]) -> bool:
        """Take a place of each limit for a task: all of them, or none and False."""

    def held(self) -> AbstractContextManager[None]:
        """Keep places for as long as a block runs; afterwards none is left."""


class Unlimited:
    """No limits at all."""

    waits_for_others = False

    def limits_of(self, task: Task) -> frozenset[str]:
        """None."""
        del task
        return frozenset()

    def turn(self, ended: Sequence[str]) -> None:
        """Do nothing."""

    def take(self, task: str, limits: frozenset[str]) -> bool:
        """Allow everything."""
        del task, limits
        return True

    def held(self) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()


UNLIMITED: Final = Unlimited()


def limiter_of(limits: Limits, db: Database, holder: str, clock: Callable[[], datetime]) -> Limiter:
    """Give what keeps the tasks of a run to the limits of its project; it costs nothing where there are none."""
    return Places(limits, db, holder, clock) if limits.of_tasks else UNLIMITED


class Places:
    """Leases on numbered places: `limit:tag:heavy#0` is the first of those that tasks with the tag `heavy` share.

    A task takes all that it needs in one transaction or nothing, so nobody waits with something in hand. Places are
    prolonged by a heartbeat; those of a dead process are free after a lease's time.
    """

    def __init__(self, limits: Limits, db: Database, holder: str, clock: Callable[[], datetime]) -> None:
        self._limits, self._db, self._holder, self._clock = limits, db, holder, clock
        self._known: dict[str, frozenset[str]] = {}
        self._taken: dict[str, tuple[str, ...]] = {}
        self._free: dict[str, list[str]] = {}
        """Limit → places that were free when this turn first looked, and still are."""
        self.waits_for_others = False

    def limits_of(self, task: Task) -> frozenset[str]:
        """Give the limits that a task falls under: by its tags, by the sites it reads or fills, as a task."""
        if task.id not in self._known:
            self._known[task.id] = frozenset(self._names(task))
        return self._known[task.id]

    def turn(self, ended: Sequence[str]) -> None:
        """Give back the places of tasks that have ended, and look anew at what is free."""
        given = [place for task in ended for place in self._taken.get(task, ())]
        if given:
            release_leases(self._db, given, self._holder)
            # The heartbeat may be reading the one before.
            self._taken = {task: places for task, places in self._taken.items() if task not in ended}
        self._free.clear()
        self.waits_for_others = False

    def take(self, task: str, limits: frozenset[str]) -> bool:
        """Take a place of each limit for a task: all of them, or none and False."""
        free = {limit: self._places(limit) for limit in sorted(limits)}
        if not all(free.values()):
            return False
        places = tuple(each.pop(0) for each in free.values())
        if places:
            acquire(self._db, places, self._holder, self._clock(), TTL_S)
            self._taken = {**self._taken, task: places}
        return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Prolong the places that are taken, from a thread of its own."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(TTL_S / _BEATS_A_TTL):
                with suppress(HeadwaterError):  # a state that cannot be written now may be at the next beat
                    renew(self._db, self._all(), self._holder, self._clock(), TTL_S)

        heart = threading.Thread(target=beat, name="limits", daemon=True)
        heart.start()
        try:
            yield
        finally:
            ended.set()
            heart.join()
            with suppress(HeadwaterError):  # they are free by themselves once their time is over
                release_leases(self._db, self._all(), self._holder)

    def _all(self) -> list[str]:
        return [place for places in self._taken.values() for place in places]

    def _names(self, task: Task) -> Iterator[str]:
        limits = self._limits
        if limits.tasks is not None:
            yield "tasks"
        yield from (f"tag:{tag}" for tag in task.node.tags if tag in limits.tags)
        yield from (f"site:{site}" for site in _sites(task) if site in limits.sites)

    def _places(self, limit: str) -> list[str]:
        if limit not in self._free:
            names = [f"limit:{limit}#{number}" for number in range(self._limits.of_tasks[limit])]
            now, mine = self._clock(), set(self._all())
            busy = {each.name for each in leases_named(self._db, names) if each.expires_at > now}
            self._free[limit] = [name for name in names if name not in busy and name not in mine]
            self.waits_for_others |= not self._free[limit] and not busy <= mine
        return self._free[limit]


def _sites(task: Task) -> set[str]:
    return {slot.site for slot in task.slots} | set(_read(task.relations))


def _read(relations: Iterable[Relation]) -> Iterator[str]:
    for each in relations:
        yield from (site for site, _ in each.items)
        yield from _read(each.inputs)
