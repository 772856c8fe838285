"""Makes the published shapes of what the application gives."""

from collections.abc import Iterable
from typing import Any

from msgspec import Raw

from headwater.app.access import Token
from headwater.app.backfilling import Standing
from headwater.app.control.observing import DueView, PipelineView, said, said_deadline
from headwater.app.history import Recorded
from headwater.app.rolling_back import RolledBack
from headwater.app.status import NodeStatus, Status
from headwater.state.attempts import Attempt
from headwater.state.deliveries import Delivery
from headwater.state.environments import EnvironmentRow
from headwater.state.incidents import Incident
from headwater.state.run_events import RunEvent
from headwater.state.run_records import RunRecord
from headwater.state.runs import LastRun
from headwater.state.workers import Worker
from headwater.web.answering import (
    AttemptAnswer,
    BackfillAnswer,
    DeliveryAnswer,
    DueAnswer,
    EnvironmentAnswer,
    EventAnswer,
    HistoryAnswer,
    IncidentAnswer,
    LastRunAnswer,
    NodeAnswer,
    PipelineAnswer,
    ReleaseAnswer,
    RollbackAnswer,
    RunAnswer,
    StatusAnswer,
    TokenAnswer,
    WorkerAnswer,
)


def environment_answer(row: EnvironmentRow) -> EnvironmentAnswer:
    """Publish an environment."""
    return EnvironmentAnswer(
        environment=row.name,
        parent=row.parent,
        created_at=row.created_at,
        expires=row.expires,
        release=row.release,
        released_at=row.released_at,
    )


def status_answer(found: Status) -> StatusAnswer:
    """Publish how an environment is."""
    return StatusAnswer(
        environment=found.environment,
        release=found.release,
        released_at=found.released_at,
        nodes=[_node(each) for each in found.nodes],
        deprecated=list(found.deprecations),
    )


def _node(each: NodeStatus) -> NodeAnswer:
    return NodeAnswer(
        node=each.node,
        kind=each.kind,
        version=each.version,
        slots=each.slots,
        filled_until=each.filled_until,
        blocked=each.blocked,
        waiting=each.waiting,
        held=each.held,
        behind_s=each.behind_s,
        quality=each.quality,
        last_run=_last_run(each.last_run) if each.last_run else None,
    )


def _last_run(run: LastRun) -> LastRunAnswer:
    return LastRunAnswer(
        run=run.run, at=run.at, status=run.status, rows=run.rows, seconds=run.seconds, message=run.message
    )


def history_answer(found: Iterable[Recorded]) -> HistoryAnswer:
    """Publish releases."""
    return HistoryAnswer(releases=[_release(each) for each in found])


def _release(each: Recorded) -> ReleaseAnswer:
    release = each.release
    return ReleaseAnswer(
        release=release.id,
        environment=release.environment,
        at=release.at,
        by=release.by,
        commit=release.commit,
        kind=release.kind,
        moved=each.moved,
        nodes=list(release.nodes),
        message=release.message,
        is_current=each.is_current,
        can_return=each.can_return,
    )


def run_answer(each: RunRecord) -> RunAnswer:
    """Publish a run."""
    renamed = {"run", "by"}
    values: dict[str, Any] = {name: getattr(each, name) for name in RunAnswer.__struct_fields__ if name not in renamed}
    return RunAnswer(run=each.id, by=each.author, **values)


def attempt_answer(each: Attempt) -> AttemptAnswer:
    """Publish an attempt."""
    own = {name: getattr(each, name) for name in AttemptAnswer.__struct_fields__ if hasattr(each, name)}
    work = {name: getattr(each.work, name) for name in AttemptAnswer.__struct_fields__ if hasattr(each.work, name)}
    return AttemptAnswer(**own, **work)


def event_answer(each: RunEvent) -> EventAnswer:
    """Publish an event of a run."""
    return EventAnswer(
        seq=each.seq,
        at=each.at,
        kind=each.kind,
        level=each.level,
        node=each.node,
        message=each.message,
        data=Raw((each.body or "{}").encode()),
    )


def pipeline_answer(each: PipelineView) -> PipelineAnswer:
    """Publish a pipeline."""
    node, state = each.pipeline, each.state
    return PipelineAnswer(
        environment=each.environment,
        pipeline=node.name,
        description=node.description,
        owner=node.owner,
        select=list(node.select),
        schedule=[str(schedule) for schedule in node.schedule],
        when=said(node.when) if node.when else "",
        continuous_s=node.continuous_s,
        deadline=said_deadline(node.deadline) if node.deadline else "",
        priority=node.priority,
        by_itself=each.by_itself,
        next_at=each.next_at,
        paused=state.is_paused,
        paused_at=state.paused_at,
        paused_by=state.paused_by,
        reason=state.reason,
        queued=each.queued,
        running=each.running,
        last_run=run_answer(each.last) if each.last else None,
    )


def incident_answer(each: Incident) -> IncidentAnswer:
    """Publish an incident."""
    made: dict[str, Any] = {
        "incident": each.id,
        "run": str(each.body.get("run") or ""),
        "hint": str(each.body.get("hint") or ""),
    }
    values: dict[str, Any] = {
        name: getattr(each, name) for name in IncidentAnswer.__struct_fields__ if name not in made
    }
    return IncidentAnswer(**made, **values)


def delivery_answer(each: Delivery) -> DeliveryAnswer:
    """Publish what was not delivered."""
    return DeliveryAnswer(**{name: getattr(each, name) for name in DeliveryAnswer.__struct_fields__})


def due_answer(each: DueView) -> DueAnswer:
    """Publish what is due."""
    return DueAnswer(
        environment=each.environment, pipeline=each.pipeline, at=each.at, run=each.run, because=each.because
    )


def backfill_answer(each: Standing) -> BackfillAnswer:
    """Publish a backfill."""
    own, advance = each.backfill, each.advance
    return BackfillAnswer(
        backfill=own.id,
        environment=own.environment,
        select=list(own.select),
        nodes=list(own.nodes),
        start=own.start,
        end=own.end,
        slots=own.slots,
        parallel=own.parallel,
        again=own.again,
        ordered_at=own.created_at,
        by=own.author,
        status=advance.status,
        queued=advance.queued,
        running=advance.running,
        done=advance.done,
        failed=advance.failed,
        cancelled=advance.cancelled,
        ended_at=advance.ended_at,
        remarks=[diagnostic.message for diagnostic in each.diagnostics],
    )


def worker_answer(each: Worker) -> WorkerAnswer:
    """Publish a worker."""
    values: dict[str, Any] = {name: getattr(each, name) for name in WorkerAnswer.__struct_fields__ if name != "worker"}
    return WorkerAnswer(worker=each.id, **values)


def rollback_answer(done: RolledBack) -> RollbackAnswer:
    """Publish what a rollback did."""
    failures = [each.message for failure in done.sinks.failures.values() for each in failure.diagnostics]
    return RollbackAnswer(
        release=done.release.id,
        to=done.rollback.to,
        nodes=list(done.release.nodes),
        sinks_not_reverted=[name for name, _ in done.rollback.sinks_not_reverted],
        problems=[*(each.message for each in done.diagnostics), *failures],
    )


def token_answer(each: Token) -> TokenAnswer:
    """Publish a token."""
    return TokenAnswer(
        token=each.id,
        name=each.name,
        role=each.role,
        created_at=each.created_at,
        by=each.author,
        expires=each.expires_at,
        revoked_at=each.revoked_at,
    )
