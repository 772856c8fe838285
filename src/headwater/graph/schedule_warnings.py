"""Remarks on schedules that no mistake keeps from running, but that nobody may have meant."""

from collections.abc import Iterator
from datetime import datetime
from itertools import combinations
from zoneinfo import ZoneInfo

from headwater.diagnostics import Diagnostic, warning
from headwater.graph.resolve_schedules import resolve_schedules
from headwater.project.names import shown
from headwater.schedule.remarks import idle_days, meeting, seldom
from headwater.spec.project import Pipeline, Project
from headwater.spec.schedules import Schedule, Timetable

_MOST_PAIRS = 100


def schedule_warnings(project: Project, now: datetime) -> Iterator[Diagnostic]:
    """Warn of schedules that fire seldom or at the same time as another, and of days that are excepted in vain."""
    for pipeline in project.pipelines.values():
        tables, wrong = resolve_schedules(pipeline, project) if pipeline.schedule else ((), [])
        if tables and not wrong and len(tables) == len(pipeline.schedule):
            yield from _warnings(pipeline, tables, now)


def _warnings(pipeline: Pipeline, tables: tuple[Timetable, ...], now: datetime) -> Iterator[Diagnostic]:
    both = list(zip(pipeline.schedule, tables, strict=True))
    for schedule, table in both:
        yield from _own(schedule, table, now)
    for (_, one), (second, other) in [*combinations(both, 2)][:_MOST_PAIRS]:
        if met := meeting(one, other, now):
            message = f"`{one}` and `{other}` both fire at {_local(met, other)}"
            yield warning("HW1004", message, second.at.where, hint="the pipeline runs once then; one may be too much")


def _own(schedule: Schedule, table: Timetable, now: datetime) -> Iterator[Diagnostic]:
    where = schedule.at.of("cron" if schedule.cron else "every")
    if found := seldom(table, now):
        message = f"`{table}` fires seldom: the next time is {_local(found, table)}"
        yield warning("HW1003", message, where, hint="is it meant so?", length=len(schedule.cron) or 1)
    idle = frozenset(idle_days(table))
    for at, text in enumerate(schedule.except_):
        if text in idle:
            message = f"`{table}` would not fire on {shown(text)} anyway"
            yield warning("HW1006", message, schedule.at.of(f"except.{at}"), hint="is the day right?", length=len(text))


def _local(moment: datetime, table: Timetable) -> str:
    return f"{moment.astimezone(ZoneInfo(table.timezone)):%Y-%m-%d %H:%M} {table.timezone}"
