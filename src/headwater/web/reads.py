"""What viewers ask: each function answers one route from the state alone."""

from datetime import timedelta
from typing import Any

from headwater.app.alerting.asking import list_incidents
from headwater.app.control.observing import due_times, pipelines
from headwater.app.history import history
from headwater.app.statistics import statistics
from headwater.app.status import status
from headwater.app.watching import ALIVE
from headwater.diagnostics import Invalid
from headwater.events.words import LEVELS
from headwater.project.names import shown
from headwater.state.attempts import attempts_of
from headwater.state.environments import environments
from headwater.state.run_events import run_events
from headwater.state.run_records import RunRecord, run_record, run_records, runs_like
from headwater.state.workers import workers
from headwater.web.answering import (
    AttemptsAnswer,
    DuesAnswer,
    EnvironmentsAnswer,
    EventsAnswer,
    HistoryAnswer,
    IncidentsAnswer,
    PipelinesAnswer,
    RunAnswer,
    RunsAnswer,
    StatsAnswer,
    StatusAnswer,
    WorkersAnswer,
)
from headwater.web.asking import (
    DueAsked,
    EnvironmentAsked,
    EventsAsked,
    HistoryAsked,
    IncidentsAsked,
    RunsAsked,
    StatsAsked,
)
from headwater.web.publishing import (
    attempt_answer,
    delivery_answer,
    due_answer,
    environment_answer,
    event_answer,
    history_answer,
    incident_answer,
    pipeline_answer,
    run_answer,
    status_answer,
    worker_answer,
)
from headwater.web.routing import Call


def get_environments(call: Call[None, None]) -> EnvironmentsAnswer:
    """List environments."""
    return EnvironmentsAnswer(environments=[environment_answer(row) for row in environments(call.workspace.db)])


def get_status(call: Call[None, None]) -> StatusAnswer:
    """Say how an environment is."""
    return status_answer(status(call.workspace, known_environment(call)))


def get_history(call: Call[HistoryAsked, None]) -> HistoryAnswer:
    """List the releases of an environment."""
    return history_answer(history(call.workspace, known_environment(call), call.query.limit))


def get_runs(call: Call[RunsAsked, None]) -> RunsAnswer:
    """List runs."""
    asked, db = call.query, call.workspace.db
    last = run_record(db, asked.after) if asked.after is not None else None
    if asked.after is not None and last is None:
        return RunsAnswer(runs=[], next=None)
    statuses = (asked.status,) if asked.status else ()
    found = run_records(
        db,
        asked.environment,
        pipeline=asked.pipeline,
        statuses=statuses,
        since=asked.since,
        after=last,
        limit=asked.limit,
    )
    return RunsAnswer(
        runs=[run_answer(each) for each in found], next=found[-1].id if len(found) == asked.limit else None
    )


def get_run(call: Call[None, None]) -> RunAnswer:
    """Say how a run is."""
    return run_answer(known_run(call))


def get_attempts(call: Call[None, None]) -> AttemptsAnswer:
    """List the attempts of a run."""
    found = attempts_of(call.workspace.db, known_run(call).id)
    return AttemptsAnswer(attempts=[attempt_answer(each) for each in found])


def get_events(call: Call[EventsAsked, None]) -> EventsAnswer:
    """List what happened in a run."""
    asked = call.query
    levels = LEVELS[LEVELS.index(asked.level) :]
    found = run_events(
        call.workspace.db,
        known_run(call).id,
        after=asked.after,
        node=asked.node,
        levels=levels if len(levels) < len(LEVELS) else (),
        limit=asked.limit,
    )
    following = found[-1].seq if len(found) == asked.limit else None
    return EventsAnswer(events=[event_answer(each) for each in found], next=following)


def get_pipelines(call: Call[EnvironmentAsked, None]) -> PipelinesAnswer:
    """List pipelines."""
    found = pipelines(call.workspace, call.query.environment)
    return PipelinesAnswer(pipelines=[pipeline_answer(each) for each in found])


def get_due(call: Call[DueAsked, None]) -> DuesAnswer:
    """List what is due when."""
    found = due_times(call.workspace, call.query.environment, call.query.limit)
    return DuesAnswer(due=[due_answer(each) for each in found])


def get_incidents(call: Call[IncidentsAsked, None]) -> IncidentsAnswer:
    """List incidents."""
    asked = call.query
    found = list_incidents(call.workspace, asked.environment, closed=not asked.open, limit=asked.limit)
    return IncidentsAnswer(
        incidents=[incident_answer(each) for each in found.incidents],
        undelivered=[delivery_answer(each) for each in found.undelivered],
    )


def get_stats(call: Call[StatsAsked, None]) -> StatsAnswer:
    """Say how well pipelines did."""
    now = call.workspace.effects.clock()
    asked = call.query
    since = now - timedelta(seconds=asked.days * 86400.0 if asked.seconds is None else asked.seconds)
    found = statistics(call.workspace.db, asked.environment, since, now)
    return StatsAnswer(since=since, until=now, pipelines=list(found))


def get_workers(call: Call[None, None]) -> WorkersAnswer:
    """List who works."""
    since = call.workspace.effects.clock() - ALIVE
    return WorkersAnswer(workers=[worker_answer(each) for each in workers(call.workspace.db, since)])


def known_environment(call: Call[Any, Any]) -> str:
    """Give the environment in the path; Invalid if there is none of that name."""
    name = call.path["environment"]
    if name not in {row.name for row in environments(call.workspace.db)}:
        raise Invalid.of("HW1089", f"there is no environment `{shown(name)}`", hint="`GET /environments` lists them")
    return name


def known_run(call: Call[Any, Any]) -> RunRecord:
    """Give the run in the path, by its id or the beginning of it; Invalid if there is none, or more than one."""
    name = call.path["run"]
    found = run_record(call.workspace.db, name)
    like = (found,) if found else runs_like(call.workspace.db, name)
    if len(like) != 1:
        what = f"`{shown(name)}` is the beginning of several runs" if like else f"there is no run `{shown(name)}`"
        raise Invalid.of("HW1089", what, hint="`GET /runs` lists them")
    return like[0]
