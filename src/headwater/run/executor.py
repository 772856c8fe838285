"""Runs tasks in order, in parallel, with retries and deadlines; one failing task stops only what reads it."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue

from headwater.diagnostics import HeadwaterError, Retryable
from headwater.events import Emit, TaskFailed, TaskFinished, TaskStarted
from headwater.run.worker import Receipt
from headwater.tasks.values import Task

Attempt = Callable[[Task, int], Receipt]
"""Perform a task as its n-th attempt (from 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Everything that is not decided by the tasks: how many at once, how to wait, what is random."""

    workers: int
    sleep: Callable[[float], None]
    random: Callable[[], float]
    """Between 0 and 1, for the jitter of retries."""
    interrupt: Callable[[], None]
    """Stops what is being computed, when somebody wants us to stop."""


@dataclass(frozen=True, slots=True)
class Executed:
    """What came of the tasks: receipts, errors, and the tasks that were left because of an error before them."""

    receipts: Mapping[str, Receipt]
    failures: Mapping[str, HeadwaterError]
    left: frozenset[str] = field(default_factory=frozenset)


def execute(
    tasks: Sequence[Task], attempt: Attempt, pace: Pace, emit: Emit, done: Callable[[Receipt], None]
) -> Executed:
    """Run tasks so that each comes after those it depends on; ``done`` is told of every receipt, in this thread."""
    return _Execution(tasks, attempt, pace, emit, done).run()


class _Execution:
    def __init__(
        self, tasks: Sequence[Task], attempt: Attempt, pace: Pace, emit: Emit, done: Callable[[Receipt], None]
    ) -> None:
        self._tasks = {task.id: task for task in tasks}
        self._attempt, self._pace, self._emit, self._done = attempt, pace, emit, done
        self._waits_for = {task.id: set(task.depends) & self._tasks.keys() for task in tasks}
        self._readers: dict[str, list[str]] = {task.id: [] for task in tasks}
        for task in tasks:
            for before in self._waits_for[task.id]:
                self._readers[before].append(task.id)
        self._receipts: dict[str, Receipt] = {}
        self._failures: dict[str, HeadwaterError] = {}
        self._left: set[str] = set()
        self._stopping = threading.Event()

    def run(self) -> Executed:
        ready = [name for name, before in self._waits_for.items() if not before]
        with ThreadPoolExecutor(self._pace.workers, thread_name_prefix="task") as pool:
            running: dict[Future[Receipt], str] = {}
            finished: SimpleQueue[Future[Receipt]] = SimpleQueue()
            try:
                while ready or running:
                    for name in ready:
                        future = pool.submit(self._perform, self._tasks[name])
                        running[future] = name
                        future.add_done_callback(finished.put)
                    future = finished.get()
                    ready = self._finish(running.pop(future), future)
            except BaseException:
                # Somebody wants us to stop: attempts that did not begin never will.
                self._stopping.set()
                for future in running:
                    future.cancel()
                self._pace.interrupt()
                raise
        return Executed(self._receipts, self._failures, frozenset(self._left))

    def _finish(self, name: str, future: "Future[Receipt]") -> list[str]:
        problem = future.exception()
        if problem is None:
            self._receipts[name] = future.result()
            self._done(future.result())
            return [reader for reader in self._readers[name] if self._is_ready(reader, name)]
        if not isinstance(problem, HeadwaterError):
            raise problem
        self._failures[name] = problem
        self._leave(self._readers[name])
        return []

    def _is_ready(self, reader: str, before: str) -> bool:
        self._waits_for[reader].discard(before)
        return not self._waits_for[reader] and reader not in self._left

    def _leave(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self._left:
                self._left.add(name)
                self._leave(self._readers[name])

    def _perform(self, task: Task) -> Receipt:
        number = 0
        while True:
            number += 1
            self._emit(TaskStarted(task.node.name, task.id, len(task.slots), number))
            try:
                receipt = self._attempt(task, number)
            except Retryable as problem:
                pause = self._pause(task, number)
                self._emit(TaskFailed(task.node.name, task.id, number, str(problem), pause))
                if pause is None:
                    raise
                self._pace.sleep(pause)
            except HeadwaterError as problem:
                self._emit(TaskFailed(task.node.name, task.id, number, str(problem)))
                raise
            else:
                self._emit(_finished(task, receipt))
                return receipt

    def _pause(self, task: Task, number: int) -> float | None:
        """Seconds until the next attempt: exponential with full jitter; None when there is none."""
        if number >= task.node.attempts or self._stopping.is_set():
            return None
        longest = min(task.node.backoff_max_s, task.node.backoff_s * 2.0 ** (number - 1))
        return longest * self._pace.random()


def _finished(task: Task, receipt: Receipt) -> TaskFinished:
    rejects = sum(fill.rejects for fill in receipt.fills)
    rejects += sum(not row.recovered for rows in receipt.set_aside.values() for row in rows)
    return TaskFinished(
        node=task.node.name,
        task=task.id,
        slots=len(receipt.fills),
        rows=sum(fill.rows for fill in receipt.fills),
        bytes=sum(fill.bytes for fill in receipt.fills),
        seconds=sum(fill.seconds for fill in receipt.fills),
        rejects=rejects,
    )
