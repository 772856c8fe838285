"""Keeps what an apply or run did: when it began and ended, and its log; its tasks note themselves (`run.journal`)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

from headwater.app.direct_runs import signs_of_life
from headwater.app.outcomes import Outcome
from headwater.app.run_logs import RunLog
from headwater.app.waiting import patience_of
from headwater.diagnostics import Cancelled, Diagnostic, HeadwaterError, error
from headwater.events import RunEnded, RunStarted
from headwater.run.context import Context, Ticket
from headwater.run.leasing import TTL_S
from headwater.state.direct_runs import hold_run, let_go
from headwater.state.leases import require
from headwater.state.runs import finish_run, start_run


class Record:
    """The record of one apply or run; without an outcome it has failed."""

    def __init__(self, context: Context, ticket: Ticket) -> None:
        """``ticket``: the context's, with the lease that a run of a command has taken for itself."""
        self._context, self.ticket = context, ticket
        self.status, self.message = "failed", ""

    def keep(self, outcome: Outcome) -> Outcome:
        """Note what was done; give the outcome on."""
        self.status = "done" if outcome.exit_code == 0 else "failed"
        self.remark(outcome.diagnostics)
        return outcome

    def remark(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep in the run's log what its end says."""
        if isinstance(self._context.emit, RunLog):
            self._context.emit.remark(diagnostics)


@contextmanager
def recorded(context: Context, kind: str, user: str) -> Iterator[Record]:
    """Note that an apply or run begins, and, whatever happens, that it has ended.

    What no worker performs for an order holds the lease on itself meanwhile: so it is known whether its process lives.
    """
    is_ordered = context.ticket.fence is not None
    with context.db.patient(patience_of(context.pace.sleep, context.emit)):
        record = Record(context, _begin(context, kind, user))
        try:
            with nullcontext() if is_ordered else signs_of_life(context), _logged(context, kind, record):
                yield record
        finally:
            with context.db.write(durable=False):
                status, message, worker = record.status, record.message, context.ticket.worker
                finish_run(context.db, context.run_id, context.clock(), status, message, worker=worker)
                if not is_ordered:
                    let_go(context.db, context.run_id, context.holder)


def _begin(context: Context, kind: str, user: str) -> Ticket:
    """Note the beginning, and take the lease with it unless a worker has it; raises Conflict if it has lost it."""
    ticket = context.ticket
    with context.db.write(durable=False) as connection:
        if ticket.fence:
            require(connection, *ticket.fence)
        fence = ticket.fence or hold_run(context.db, context.run_id, context.holder, context.clock(), TTL_S)
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
    return replace(ticket, fence=fence)


@contextmanager
def _logged(context: Context, kind: str, record: Record) -> Iterator[None]:
    """Keep the run's log, which is whole before the run has ended."""
    log, ticket = context.emit, context.ticket
    if isinstance(log, RunLog):
        log.open()
    context.emit(RunStarted(kind, ticket.because, context.graph.digest, ticket.worker))
    try:
        yield
    except HeadwaterError as problem:
        record.status = "cancelled" if isinstance(problem, Cancelled) else "failed"
        record.message = str(problem)
        record.remark(problem.diagnostics)
        raise
    except Exception as problem:
        record.message = f"internal error ({type(problem).__name__})"
        record.remark([error("HW0999", record.message)])
        raise
    finally:
        try:
            context.emit(RunEnded(record.status, max(0.0, (context.clock() - context.now).total_seconds())))
        finally:
            if isinstance(log, RunLog):
                log.close()
