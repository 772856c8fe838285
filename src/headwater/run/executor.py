"""Runs tasks in order, in parallel, with retries and limits; one failing task stops only what reads it."""

import heapq
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final

from headwater.diagnostics import HeadwaterError, Invalid, Retryable, Where, conceal
from headwater.events import Emit, TaskFailed, TaskFinished, TaskStarted
from headwater.run.journal import UNRECORDED, Ended, Journal, Started, rejects_of
from headwater.run.limits import UNLIMITED, Limiter
from headwater.run.metering import Meter
from headwater.run.ordering import Rank, ranks, readers_of
from headwater.run.stopping import PRESS_S, Stop
from headwater.run.worker import Receipt
from headwater.spec.nodes import Retries
from headwater.state.attempts import AttemptStatus
from headwater.tasks.values import Task

Attempt = Callable[[Task, int, Meter], Receipt]
"""Perform a task as its n-th attempt (from 1), counting what it uses."""

_LONGEST_SLEEP_S: Final = 0.5
_LIMIT_POLL_S: Final = 1.0
"""Seconds, on average, between two looks at limits that other processes use up."""
_DOUBLINGS: Final = 60
"""A pause that has doubled so often is longer than anybody's longest wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Everything that is not decided by the tasks: how many at once, how to wait, what is random."""

    workers: int
    sleep: Callable[[float], None]
    random: Callable[[], float]
    """Between 0 and 1, for the jitter of retries."""
    interrupt: Callable[[], None]
    """Stops what is being computed, when somebody wants us to stop."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds, of a clock that never goes back."""
    stop: Stop = field(default_factory=Stop)
    """Whether somebody wants us to stop."""
    retries: Retries | None = None
    """How failures that may pass are repeated; None: as each node says."""

    def rest(self, seconds: float) -> None:
        """Wait; raises Cancelled as soon as somebody wants us to stop."""
        while seconds > 0:
            self.stop.check()
            self.sleep(min(seconds, _LONGEST_SLEEP_S))
            seconds -= _LONGEST_SLEEP_S
        self.stop.check()


@dataclass(frozen=True, slots=True)
class Executed:
    """What came of the tasks: receipts, errors, and the tasks that were left because of an error before them."""

    receipts: Mapping[str, Receipt]
    failures: Mapping[str, HeadwaterError]
    left: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What bounds an execution besides its pace: limits that others share, tasks not to be tried, where it is noted."""

    journal: Journal = UNRECORDED
    limiter: Limiter = UNLIMITED
    set_aside: Mapping[str, str] = field(default_factory=dict)
    """Node → why its tasks are not tried."""


FREE: Final = Terms()


def execute(
    tasks: Sequence[Task],
    attempt: Attempt,
    pace: Pace,
    emit: Emit,
    done: Callable[[Receipt], None],
    terms: Terms = FREE,
) -> Executed:
    """Run tasks so that each comes after those it depends on; ``done`` is told of every receipt, in this thread.

    What begins is in the journal before it begins, what ended before anything that reads it begins. Tasks that wait
    for their next attempt occupy neither a worker nor a limit. Raises Cancelled if the pace's stop says so, once
    everything that ran has been interrupted and has ended.
    """
    execution = _Execution(tasks, attempt, pace, emit, done, terms)
    with pace.stop.telling(execution.wake):
        return execution.run()


@dataclass(frozen=True, slots=True)
class _Finished:
    """An attempt that has ended in a worker's thread."""

    task: str
    seconds: float
    cpu_s: float
    peak_bytes: int
    receipt: Receipt | None
    problem: BaseException | None


class _Execution:
    def __init__(
        self,
        tasks: Sequence[Task],
        attempt: Attempt,
        pace: Pace,
        emit: Emit,
        done: Callable[[Receipt], None],
        terms: Terms,
    ) -> None:
        self._tasks = {task.id: task for task in tasks}
        self._attempt, self._pace, self._emit, self._done, self._terms = attempt, pace, emit, done, terms
        self._readers = readers_of(tasks)
        self._ranks = ranks(tasks, self._readers)
        self._waits_for = {task.id: set(task.depends & self._tasks.keys()) for task in tasks}
        self._ready: dict[frozenset[str], list[Rank]] = {}
        """Limits that they fall under → the tasks that are ready, the first one on top."""
        self._paused: list[tuple[float, Rank]] = []
        self._running: dict[str, Started] = {}
        self._noted: deque[Started] = deque()
        """Of these, those that have not begun yet."""
        self._numbers: dict[str, int] = {}
        self._finished: SimpleQueue[_Finished | None] = SimpleQueue()
        self._ended: list[Ended] = []
        self._receipts: dict[str, Receipt] = {}
        self._failures: dict[str, HeadwaterError] = {}
        self._left: set[str] = set()

    def wake(self) -> None:
        """Have the waiting thread look up; may be called from any thread."""
        self._finished.put(None)

    def run(self) -> Executed:
        self._fail_set_aside()
        for name, before in self._waits_for.items():
            if not before and name not in self._failures:
                self._make_ready(name)
        with (
            self._terms.limiter.held(),
            ThreadPoolExecutor(max(1, self._pace.workers), thread_name_prefix="task") as pool,
        ):
            try:
                while self._ended or self._running or self._paused or self._has_ready():
                    self._pace.stop.check()
                    self._begin(pool)
                    self._wait()
            except BaseException:
                self._abandon()
                raise
        return Executed(self._receipts, self._failures, frozenset(self._left))

    # What begins

    def _make_ready(self, name: str) -> None:
        limits = self._terms.limiter.limits_of(self._tasks[name])
        heapq.heappush(self._ready.setdefault(limits, []), self._ranks[name])

    def _begin(self, pool: ThreadPoolExecutor) -> None:
        """Note, in one commit, what has ended and what begins now; then let it begin."""
        terms = self._terms
        if not self._ended and (len(self._running) >= self._pace.workers or not self._has_ready()):
            return
        with terms.journal.commit():
            terms.limiter.turn([each.started.task.id for each in self._ended])
            started = self._chosen()
            terms.journal.note(self._ended, started)
        self._ended = []
        self._running.update((each.task.id, each) for each in started)
        self._noted.extend(started)
        while self._noted:
            task, number = self._noted[0].task, self._noted[0].number
            self._emit(TaskStarted(task.node.name, task.id, len(task.slots), number))
            pool.submit(self._perform, task, number)
            self._noted.popleft()

    def _has_ready(self) -> bool:
        return any(self._ready.values())

    def _chosen(self) -> list[Started]:
        """Choose what begins now, and take the limits it falls under."""
        chosen: list[Started] = []
        full: set[frozenset[str]] = set()
        while len(self._running) + len(chosen) < self._pace.workers:
            groups = [limits for limits, heap in self._ready.items() if heap and limits not in full]
            if not groups:
                break
            limits = min(groups, key=lambda group: self._ready[group][0])
            name = self._ready[limits][0][-1]
            if self._terms.limiter.take(name, limits):
                heapq.heappop(self._ready[limits])
                self._numbers[name] = self._numbers.get(name, 0) + 1
                chosen.append(Started(self._tasks[name], self._numbers[name]))
            else:
                full.add(limits)
        return chosen

    def _perform(self, task: Task, number: int) -> None:
        """Perform one attempt, in a worker's thread; whatever happens is put down as finished."""
        began, meter = self._pace.monotonic(), Meter()
        receipt, problem = None, None
        try:
            receipt = self._attempt(task, number, meter)
        except BaseException as raised:  # noqa: BLE001 - the thread that waits raises it again
            problem = raised
        seconds = self._pace.monotonic() - began
        self._finished.put(_Finished(task.id, seconds, meter.cpu_s, meter.peak_bytes, receipt, problem))

    # What ends

    def _wait(self) -> None:
        """Wait until an attempt has ended, a pause is over, or somebody wants something; take in what there is."""
        now = self._pace.monotonic()
        until = self._next(now)
        if self._running:
            with suppress(Empty):
                found = self._finished.get(timeout=None if until is None else max(0.0, until - now))
                while True:
                    self._take_in(found)
                    found = self._finished.get_nowait()
            now = self._pace.monotonic()
        elif until is not None:
            self._pace.rest(until - now)
            now = max(until, self._pace.monotonic())
        while self._paused and self._paused[0][0] <= now:
            self._make_ready(heapq.heappop(self._paused)[1][-1])

    def _next(self, now: float) -> float | None:
        """When to look up though no attempt has ended: a pause is over, or somebody else may have left a limit."""
        waits = [self._paused[0][0]] if self._paused else []
        is_refused = self._has_ready() and len(self._running) < self._pace.workers
        if is_refused and (self._terms.limiter.waits_for_others or not self._running):
            waits.append(now + _LIMIT_POLL_S * (0.5 + self._pace.random()))
        return min(waits, default=None)

    def _take_in(self, found: _Finished | None) -> None:
        if found is None:
            return
        started = self._running.pop(found.task)
        if found.receipt is not None:
            self._end(started, found, "done")
            self._emit(_finished(started.task, found.receipt))
            self._succeed(found.receipt)
        elif not isinstance(found.problem, HeadwaterError):
            self._end(started, found, "failed")
            raise found.problem or AssertionError("an attempt ended with nothing")
        elif self._pace.stop.problem is not None:
            self._end(started, found, "cancelled")
        else:
            self._repeat_or_fail(started, found, found.problem)

    def _end(self, started: Started, found: _Finished, status: AttemptStatus) -> None:
        self._ended.append(
            Ended(
                started=started,
                status=status,
                seconds=found.seconds,
                cpu_s=found.cpu_s,
                peak_bytes=found.peak_bytes,
                receipt=found.receipt,
                message=conceal(str(found.problem or "")),  # a defect's words have passed through no diagnostic
            )
        )

    def _succeed(self, receipt: Receipt) -> None:
        self._receipts[receipt.task] = receipt
        self._done(receipt)
        for reader in self._readers[receipt.task]:
            self._waits_for[reader].discard(receipt.task)
            if not self._waits_for[reader] and reader not in self._left and reader not in self._failures:
                self._make_ready(reader)

    def _repeat_or_fail(self, started: Started, found: _Finished, problem: HeadwaterError) -> None:
        task, pause = started.task, None
        if isinstance(problem, Retryable):
            pause = self._pause_s(task, started.number)
        self._end(started, found, "failed" if pause is None else "retried")
        self._emit(TaskFailed(task.node.name, task.id, started.number, str(problem), pause))
        if pause is None:
            self._fail(task, problem)
        else:
            heapq.heappush(self._paused, (self._pace.monotonic() + pause, self._ranks[task.id]))

    def _pause_s(self, task: Task, number: int) -> float | None:
        """Seconds until the next attempt: exponential with full jitter; None when there is none."""
        node, given = task.node, self._pace.retries
        attempts, backoff_s, longest_s = (
            (given.attempts, given.backoff, given.max) if given else (node.attempts, node.backoff_s, node.backoff_max_s)
        )
        if number >= attempts:
            return None
        return min(longest_s, backoff_s * 2.0 ** min(number - 1, _DOUBLINGS)) * self._pace.random()

    def _fail(self, task: Task, problem: HeadwaterError) -> None:
        """Leave all that reads a task, directly or not."""
        self._failures[task.id] = problem
        below = list(self._readers[task.id])
        while below:
            name = below.pop()
            if name not in self._left:
                self._left.add(name)
                below += self._readers[name]

    def _fail_set_aside(self) -> None:
        for task in self._tasks.values():
            because = self._terms.set_aside.get(task.node.name)
            if because is not None:
                problem = _set_aside(task, because)
                self._emit(TaskFailed(task.node.name, task.id, 0, str(problem)))
                self._fail(task, problem)

    def _abandon(self) -> None:
        """Interrupt what runs until it has ended, and note how; attempts that did not begin never will."""
        for each in self._noted:
            del self._running[each.task.id]
            self._ended.append(Ended(started=each, status="cancelled"))
        while self._running:
            self._pace.interrupt()
            with suppress(Empty):
                found = self._finished.get(timeout=PRESS_S)
                if found is not None:
                    # What it has sealed is kept, though nobody takes it any more.
                    self._end(self._running.pop(found.task), found, "done" if found.receipt else "cancelled")
        with suppress(HeadwaterError), self._terms.journal.commit():
            self._terms.journal.note(self._ended, [])


def _set_aside(task: Task, because: str) -> Invalid:
    node = task.node
    hint = f"`headwater run --retry-set-aside {node.name}` tries it again, and so does applying a change of it"
    where = Where(node.file, node.line) if node.file else None
    return Invalid.of("HW1042", f"`{node.name}` is set aside: {because}", where, hint=hint)


def _finished(task: Task, receipt: Receipt) -> TaskFinished:
    return TaskFinished(
        node=task.node.name,
        task=task.id,
        slots=len(receipt.fills),
        rows=sum(fill.rows for fill in receipt.fills),
        bytes=sum(fill.bytes for fill in receipt.fills),
        seconds=sum(fill.seconds for fill in receipt.fills),
        rejects=rejects_of(receipt),
    )
