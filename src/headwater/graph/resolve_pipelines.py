"""Named selections: every pipeline with what it selects and when it runs; what can never be run is a mistake."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import Final

from headwater.diagnostics import Diagnostic, error, suggest
from headwater.graph.resolve_schedules import calendar_problems, resolve_schedules
from headwater.graph.resolve_triggers import resolve_trigger, secret_problems
from headwater.graph.selection import select
from headwater.graph.values import Graph, PipelineNode
from headwater.project.names import shown
from headwater.spec.project import Pipeline, Project
from headwater.spec.schedules import Deadline, Timetable, Trigger
from headwater.spec.units import parse_duration

_TIME_OF_DAY: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_SHORTEST_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Timing:
    """When a pipeline runs by itself, resolved."""

    schedule: tuple[Timetable, ...]
    when: Trigger | None
    deadline: Deadline | None


def resolve_pipelines(project: Project, graph: Graph) -> tuple[tuple[PipelineNode, ...], list[Diagnostic]]:
    """Resolve all pipelines against the nodes and sinks of a graph."""
    found = list(calendar_problems(project))
    resolved = []
    conditions = []
    for pipeline in project.pipelines.values():
        for at, pattern in enumerate(pipeline.select):
            found += select(graph, [pattern], where=pipeline.at.of(f"select.{at}"))[1]
        found += _setting_problems(pipeline, project)
        timing, problems = _timing(pipeline, project, graph)
        found += problems
        resolved.append(_node(pipeline, timing, project))
        if pipeline.when is not None and timing.when is not None:
            conditions.append((pipeline.when, timing.when))
    return tuple(resolved), [*found, *secret_problems(conditions)]


def _timing(pipeline: Pipeline, project: Project, graph: Graph) -> tuple[_Timing, list[Diagnostic]]:
    schedule, found = resolve_schedules(pipeline, project)
    when = None
    if pipeline.when is not None:
        when, problems = resolve_trigger(pipeline.when, graph)
        found += problems
    deadline, problems = _deadline(pipeline, project)
    return _Timing(schedule, when, deadline), [*found, *problems]


def _node(pipeline: Pipeline, timing: _Timing, project: Project) -> PipelineNode:
    return PipelineNode(
        name=pipeline.name,
        select=pipeline.select,
        publish=pipeline.publish,
        description=pipeline.description,
        owner=pipeline.owner or project.defaults.owner,
        schedule=timing.schedule,
        when=timing.when,
        debounce_s=pipeline.debounce,
        continuous_s=pipeline.continuous,
        deadline=timing.deadline,
        timeout_s=pipeline.timeout,
        concurrency=pipeline.concurrency,
        priority=pipeline.priority,
        max_active=pipeline.max_active,
        retries=pipeline.retries,
        in_=pipeline.in_,
    )


def _deadline(pipeline: Pipeline, project: Project) -> tuple[Deadline | None, list[Diagnostic]]:
    text, where = pipeline.deadline.strip(), pipeline.at.of("deadline")
    if not pipeline.deadline:
        return None, []
    if not (pipeline.schedule or pipeline.when or pipeline.continuous):
        hint = "give it a `schedule:` or `when:`, or take the deadline out"
        return None, [error("HW1011", "this pipeline never runs by itself, so no run is late", where, hint=hint)]
    try:
        if _TIME_OF_DAY.fullmatch(text):
            return Deadline(
                at=time.fromisoformat(f"0{text}" if text[1] == ":" else text).isoformat(), timezone=project.timezone
            ), []
        if (after_s := parse_duration(text)) > 0:
            return Deadline(after_s=after_s, timezone=project.timezone), []
    except ValueError:
        pass
    return None, [error("HW1011", f"`{shown(text)}` is no deadline", where, length=len(pipeline.deadline))]


def _setting_problems(pipeline: Pipeline, project: Project) -> Iterator[Diagnostic]:
    at = pipeline.at
    if pipeline.continuous is not None and (pipeline.schedule or pipeline.when):
        beside = "schedule" if pipeline.schedule else "when"
        yield error("HW1012", f"`continuous` stands beside `{beside}`", at.of("continuous"))
    if pipeline.continuous is not None and pipeline.continuous < _SHORTEST_S:
        yield error("HW1013", "`continuous` is shorter than a second", at.of("continuous"), hint="at least `1s`")
    if pipeline.timeout is not None and pipeline.timeout <= 0:
        yield error("HW1013", "`timeout` leaves a run no time", at.of("timeout"), hint="such as `2h`")
    if pipeline.debounce and pipeline.when is None:
        yield error("HW1013", "`debounce` has nothing to wait for", at.of("debounce"), hint="it belongs to a `when:`")
    for name, value in (("concurrency", pipeline.concurrency), ("max_active", pipeline.max_active)):
        if value is not None and value < 1:
            yield error(
                "HW1013", f"`{name}` must be at least 1", at.of(name), hint="`headwater pause` stops a pipeline"
            )
    for index, name in enumerate(pipeline.in_):
        if name not in project.environments:
            hint = suggest(name[:100], project.environments) or "declare it under `environments:`"
            yield error(
                "HW0128", f"no environment `{shown(name)}`", at.of(f"in.{index}"), hint=hint, length=len(name) or 1
            )
