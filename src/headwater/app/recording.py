"""Keeps what an apply or run did: when it began and ended, and the tasks it performed, node by node."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from headwater.app.outcomes import Outcome
from headwater.app.run_logs import RunLog
from headwater.diagnostics import Diagnostic, HeadwaterError
from headwater.events import RunEnded, RunStarted
from headwater.run.context import Context
from headwater.state.runs import finish_run, record_task, start_run


class Record:
    """The record of one apply or run; without an outcome it has failed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.status = "failed"

    def keep(self, outcome: Outcome) -> Outcome:
        """Note what was done; give the outcome on."""
        context, at = self._context, self._context.clock()
        for node, (slots, rows, size, seconds) in _totals(outcome).items():
            record_task(context.db, context.run_id, node, slots, "done", rows, size, seconds, 1, "", at)
        for node, failure in outcome.settled.failures.items():
            record_task(context.db, context.run_id, node, 0, "failed", 0, 0, 0.0, 1, str(failure), at)
        self.status = "done" if outcome.exit_code == 0 else "failed"
        self.remark(outcome.diagnostics)
        return outcome

    def remark(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep in the run's log what its end says."""
        if isinstance(self._context.emit, RunLog):
            self._context.emit.remark(diagnostics)


@contextmanager
def recorded(context: Context, kind: str, user: str) -> Iterator[Record]:
    """Note that an apply or run begins, and, whatever happens, that it has ended."""
    ticket = context.ticket
    start_run(
        context.db,
        context.run_id,
        context.environment,
        kind,
        context.now,
        user,
        context.graph.digest,
        pipeline=ticket.pipeline,
        because=ticket.because,
        worker=ticket.worker,
    )
    record = Record(context)
    try:
        with _logged(context, kind, record):
            yield record
    finally:
        finish_run(context.db, context.run_id, context.clock(), record.status, "")


@contextmanager
def _logged(context: Context, kind: str, record: Record) -> Iterator[None]:
    """Keep the run's log, which is whole before the run has ended."""
    log, began, ticket = context.emit, context.clock(), context.ticket
    if isinstance(log, RunLog):
        log.open()
    context.emit(RunStarted(kind, ticket.because, context.graph.digest, ticket.worker))
    try:
        yield
    except HeadwaterError as problem:
        record.remark(problem.diagnostics)
        raise
    finally:
        context.emit(RunEnded(record.status, max(0.0, (context.clock() - began).total_seconds())))
        if isinstance(log, RunLog):
            log.close()


def _totals(outcome: Outcome) -> dict[str, tuple[int, int, int, float]]:
    """Node → slots, rows, bytes, seconds."""
    totals: dict[str, tuple[int, int, int, float]] = {}
    for receipt in outcome.settled.receipts:
        for fill in receipt.fills:
            slots, rows, size, seconds = totals.get(fill.node, (0, 0, 0, 0.0))
            totals[fill.node] = (slots + 1, rows + fill.rows, size + fill.bytes, seconds + fill.seconds)
    return totals
