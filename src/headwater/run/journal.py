"""Notes attempts in the state: that they begin before they do, and how they ended before anything builds on it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from headwater.run.worker import Receipt
from headwater.spec.fills import Fill
from headwater.spec.observations import Inspection
from headwater.state.attempts import AttemptStatus, Beginning, Ending, Work, begin_attempts, end_attempts
from headwater.state.database import Database
from headwater.tasks.values import Relation, Task


@dataclass(frozen=True, slots=True)
class Started:
    """The n-th attempt at a task."""

    task: Task
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an attempt ended, and what it used."""

    started: Started
    status: AttemptStatus
    seconds: float = 0.0
    cpu_s: float = 0.0
    peak_bytes: int = 0
    receipt: Receipt | None = None
    message: str = ""


class Journal(Protocol):
    """Where attempts are noted."""

    def commit(self) -> AbstractContextManager[None]:
        """Let everything noted inside survive the end of this process, all of it or nothing."""

    def note(self, ended: Sequence[Ended], started: Sequence[Started]) -> None:
        """Note that attempts have ended and that others are about to begin."""


class Unrecorded:
    """A journal that keeps nothing."""

    def commit(self) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def note(self, ended: Sequence[Ended], started: Sequence[Started]) -> None:
        """Forget it."""


UNRECORDED: Final = Unrecorded()


@dataclass(frozen=True, slots=True)
class Reading:
    """What the fills and files are that tasks read."""

    fills: Mapping[str, Fill]
    inspections: Mapping[str, Mapping[str, Inspection]]
    """Source → identity → what a file holds, where that is known."""

    def of(self, task: Task) -> tuple[int, int, int]:
        """Rows, bytes, and bytes from other sites of what a task is given; rows of files are counted where known."""
        files, fills = {}, set(task.also_read)
        for each in _leaves(task.relations):
            files.update({(each.name, item.identity): (site, item) for site, item in each.items})
            fills.update(each.fills)
        read = [self.fills[fill] for fill in fills]
        rows = sum(fill.rows for fill in read)
        rows += sum(found.rows for name, key in files if (found := self.inspections.get(name, {}).get(key)))
        home = {slot.site for slot in task.slots}
        moved = sum(fill.bytes for fill in read if fill.site not in home)
        moved += sum(item.size_bytes for site, item in files.values() if site not in home)
        size = sum(fill.bytes for fill in read) + sum(item.size_bytes for _, item in files.values())
        return rows, size, moved


class StateJournal:
    """A journal in the state database: one commit for all that ends and begins at a time, without a sync.

    A commit survives the death of the process; after a loss of power the last ones may be missing, which costs
    nothing, since what was computed lies in the lake.
    """

    def __init__(
        self,
        db: Database,
        *,
        run: str,
        environment: str,
        worker: str,
        because: Mapping[str, str],
        reading: Reading,
        clock: Callable[[], datetime],
    ) -> None:
        self._db, self._run, self._environment, self._worker = db, run, environment, worker
        self._because, self._reading, self._clock = because, reading, clock
        self._rows: dict[str, int] = {}
        """Task → the row of its attempt that runs."""

    @contextmanager
    def commit(self) -> Iterator[None]:
        """Open the transaction in which attempts are noted."""
        with self._db.write(durable=False):
            yield

    def note(self, ended: Sequence[Ended], started: Sequence[Started]) -> None:
        """Note ends and beginnings with the same time, of this moment."""
        at = self._clock()
        end_attempts(self._db, [self._ending(each, at) for each in ended])
        rows = begin_attempts(self._db, [self._beginning(each, at) for each in started])
        self._rows.update((each.task.id, row) for each, row in zip(started, rows, strict=True))

    def _beginning(self, started: Started, at: datetime) -> Beginning:
        task = started.task
        return Beginning(
            run=self._run,
            environment=self._environment,
            task=task.id,
            node=task.node.name,
            version=task.node.version,
            slots=len(task.slots),
            attempt=started.number,
            because=self._because.get(task.node.name, ""),
            worker=self._worker,
            at=at,
        )

    def _ending(self, ended: Ended, at: datetime) -> Ending:
        return Ending(
            seq=self._rows[ended.started.task.id],
            status=ended.status,
            at=at,
            seconds=ended.seconds,
            work=self._work(ended),
            message=ended.message,
        )

    def _work(self, ended: Ended) -> Work:
        used = Work(cpu_s=ended.cpu_s, peak_bytes=ended.peak_bytes)
        receipt = ended.receipt
        if receipt is None:
            return used
        rows, size, moved = self._reading.of(ended.started.task)
        return Work(
            rows_in=rows,
            rows_out=sum(fill.rows for fill in receipt.fills),
            rejects=rejects_of(receipt),
            bytes_read=size,
            bytes_moved=moved,
            bytes_written=sum(fill.bytes for fill in receipt.fills),
            cpu_s=used.cpu_s,
            peak_bytes=used.peak_bytes,
        )


def rejects_of(receipt: Receipt) -> int:
    """How many rows a task has set aside: those that checks refused, and those outside of their sources' contracts."""
    aside = sum(not row.recovered for rows in receipt.set_aside.values() for row in rows)
    return aside + sum(fill.rejects for fill in receipt.fills)


def _leaves(relations: Sequence[Relation]) -> Iterator[Relation]:
    for each in relations:
        yield each
        yield from _leaves(each.inputs)
