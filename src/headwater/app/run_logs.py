"""Keeps the facts of a run in the state: in words and as they were, without secrets, off the run's own path."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from headwater.app.process_logs import log_fact
from headwater.diagnostics import Diagnostic, HeadwaterError, conceal, warning
from headwater.events import Emit, Event, Remarked, silent
from headwater.events.quantities import count
from headwater.events.words import words_of
from headwater.state.database import Database
from headwater.state.run_events import RunEvent, append_events

EVERY_S: Final = 0.2
"""The longest time for which a fact is known to its process alone."""
_MOST_DETAILS: Final = 5_000
"""Facts of level ``debug`` that are kept of a run: a source may have a million files."""
_MOST_WAITING: Final = 20_000
"""Facts that wait for a state that cannot be written; then the oldest are given up."""
_LONGEST: Final = 40_000
"""Characters of one message."""


@dataclass(slots=True, eq=False)
class RunLog:
    """An observer that keeps what it sees. Between ``open`` and ``close`` a thread writes it; what comes before waits.

    The log is the record of a run, never its condition: a state that cannot be written makes it shorter, not wrong.
    """

    db: Database
    run: str
    environment: str
    clock: Callable[[], datetime]
    then: Emit = silent
    """Who is told besides."""
    every_s: float = EVERY_S
    _waiting: deque[tuple[datetime, Event]] = field(default_factory=deque)
    _unwritten: list[RunEvent] = field(default_factory=list)
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _is_closing: bool = False
    _details: int = 0
    _left: int = 0
    """How many facts were not kept."""

    def __call__(self, event: Event) -> None:
        """Take a fact, from any thread; costs no more than noting it down."""
        with self._wake:
            self._waiting.append((self.clock(), event))
            if len(self._waiting) > _MOST_WAITING:
                self._waiting.popleft()
                self._left += 1
        self.then(event)

    def remark(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep diagnostics that the run's own end will say; nobody else is told."""
        with self._wake:
            self._waiting.extend((self.clock(), _remarked(each)) for each in diagnostics)

    def open(self) -> None:
        """Begin to write."""
        if self._thread is None:
            self._is_closing = False
            self._thread = threading.Thread(target=self._follow, name=f"log {self.run}", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what is left, and end; afterwards everything that was taken can be read."""
        with self._wake:
            self._is_closing = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._write()
        if self._left:
            self.remark([warning("HW1100", f"{count(self._left, 'fact')} more of this run, not kept in its log")])
        self._write()

    def _follow(self) -> None:
        while not self._is_closing:
            self._write()
            with self._wake:
                if not self._is_closing:
                    self._wake.wait(self.every_s)

    def _write(self) -> None:
        with self._wake:
            taken = list(self._waiting)
            self._waiting.clear()
        self._unwritten += [row for at, event in taken if (row := self._row(at, event)) is not None]
        try:
            if self._unwritten:
                append_events(self.db, self._unwritten)
                self._unwritten = []
        except HeadwaterError:  # the state is locked, full or away: try again with what comes next
            self._left += max(0, len(self._unwritten) - _MOST_WAITING)
            self._unwritten = self._unwritten[-_MOST_WAITING:]

    def _row(self, at: datetime, event: Event) -> RunEvent | None:
        words = words_of(event)
        row = RunEvent(
            run=self.run,
            environment=self.environment,
            at=at,
            kind=type(event).__name__,
            level=words.level,
            node=conceal(words.node),
            message=conceal(words.text)[:_LONGEST],
            body=body_of(event),
        )
        ids = {"environment": row.environment, "run": row.run, "node": row.node, "task": getattr(event, "task", "")}
        log_fact(row.level, row.message, at, ids)
        self._details += words.level == "debug"
        if words.level == "debug" and self._details > _MOST_DETAILS:
            self._left += 1
            return None
        return row


def body_of(event: Event) -> str:
    """Give an event's fields as JSON, without secrets."""
    import msgspec

    fields = msgspec.to_builtins(event)
    return msgspec.json.encode(_discreet(fields)).decode()


def _discreet(value: Any) -> Any:
    if isinstance(value, str):
        return conceal(value)[:_LONGEST]
    if isinstance(value, Mapping):
        return {key: _discreet(each) for key, each in value.items()}
    return [_discreet(each) for each in value] if isinstance(value, (list, tuple)) else value


def _remarked(each: Diagnostic) -> Remarked:
    where = str(each.where) if each.where else ""
    return Remarked(each.code, str(each.severity), each.message, where, each.hint)
