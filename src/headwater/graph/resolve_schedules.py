"""Schedules as written → as a release keeps them: zones and calendars filled in, times in UTC; what can never fire."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.project.defaults import is_zone
from headwater.project.names import printable, shown
from headwater.schedule.fires import EARLIEST, LATEST, fires
from headwater.schedule.patterns import cron_problem, is_possible
from headwater.spec.project import Pipeline, Project
from headwater.spec.schedules import Schedule, Timetable

_ISO_DAY: Final = len("2026-12-25")


def resolve_schedules(pipeline: Pipeline, project: Project) -> tuple[tuple[Timetable, ...], list[Diagnostic]]:
    """Resolve the schedules of a pipeline; those with a mistake are left out."""
    read = [_resolved(schedule, project) for schedule in pipeline.schedule]
    tables = tuple(table for table, _ in read if table is not None)
    return tables, [each for _, problems in read for each in problems]


def calendar_problems(project: Project) -> Iterator[Diagnostic]:
    """Name what stands in a calendar and is no day."""
    for name, days in project.calendars.items():
        for at, text in enumerate(days):
            if not is_day(text):
                where = project.at.of(f"calendars.{name}.{at}")
                message = f"`{shown(text)}` is no day of the calendar `{shown(name)}`"
                yield error("HW1005", message, where, hint="days are written as 2026-12-25", length=len(text) or 1)


def is_day(text: str) -> bool:
    """Whether a text is a day, such as 2026-12-25."""
    try:
        return len(text) == _ISO_DAY and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _resolved(schedule: Schedule, project: Project) -> tuple[Timetable | None, list[Diagnostic]]:
    zone = schedule.timezone or project.timezone
    found = [*_time_problems(schedule), *_day_problems(schedule, project.calendars)]
    if found or not is_zone(zone):
        return None, found
    table = Timetable(
        cron=" ".join(schedule.cron.split()),
        every=str(schedule.every or ""),
        timezone=zone,
        start=_in_utc(schedule.start, zone),
        end=_in_utc(schedule.end, zone),
        catch_up=schedule.catch_up,
        except_=tuple(sorted({day for text in schedule.except_ for day in project.calendars.get(text, (text,))})),
    )
    found = list(_span_problems(schedule, table))
    return (None if found else table), found


def _time_problems(schedule: Schedule) -> Iterator[Diagnostic]:
    if schedule.cron and schedule.every:
        yield error("HW1000", "`cron` and `every` both say when", schedule.at.of("every"), hint="keep one of them")
    elif not schedule.cron and not schedule.every:
        yield error("HW1000", "this schedule does not say when", schedule.at.where)
    elif schedule.cron:
        where, length = schedule.at.of("cron"), len(schedule.cron)
        shown_cron = shown(schedule.cron)
        problem, hint = cron_problem(schedule.cron)
        if problem:
            message = f"`{shown_cron}` is no cron line: {problem}"
            yield error("HW1001", printable(message), where, hint=printable(hint), length=length)
        elif not is_possible(schedule.cron):
            yield error("HW1002", f"`{shown_cron}` never fires: no day fits it", where, length=length)


def _day_problems(schedule: Schedule, calendars: Mapping[str, tuple[str, ...]]) -> Iterator[Diagnostic]:
    for at, text in enumerate(schedule.except_):
        if text not in calendars and not is_day(text):
            hint = suggest(text[:100], calendars) or "days are written as 2026-12-25; others are names of `calendars:`"
            message = f"`{shown(text)}` is neither a day nor a calendar"
            yield error("HW1005", message, schedule.at.of(f"except.{at}"), hint=hint, length=len(text) or 1)


def _span_problems(schedule: Schedule, table: Timetable) -> Iterator[Diagnostic]:
    for key, moment in (("start", table.start), ("end", table.end)):
        if moment is not None and not EARLIEST < moment < LATEST:
            message = f"`{key}` is not between {EARLIEST:%Y} and {LATEST:%Y}"
            yield error("HW1007", message, schedule.at.of(key), hint="is the year right?")
            return
    if table.start is None or table.end is None:
        return
    if table.start >= table.end:
        yield error("HW1007", "`end` is not after `start`", schedule.at.of("end"), hint="it fires from start until end")
    elif not any(True for _ in fires(table, EARLIEST, table.end)):
        yield error("HW1002", "this schedule never fires between its `start` and `end`", schedule.at.of("end"))


def _in_utc(at: datetime | None, zone: str) -> datetime | None:
    if at is None:
        return None
    try:
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except OverflowError:
        return at.replace(tzinfo=UTC)
