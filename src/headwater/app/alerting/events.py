"""What runs that ended tell: failures, and that what had failed is well again, in the order in which they ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.app.alerting.facts import Facts
from headwater.app.alerting.findings import Finding
from headwater.events.quantities import count
from headwater.schedule.deadlines import deadline_of
from headwater.state.alert_facts import EndedRun

EVENTS: Final = frozenset({"run_failed", "retries_exhausted"})
"""Rules about what happened; what they open is closed by a later run that went well."""
BY_HAND: Final = "runs by hand"
"""The subject of runs that belong to no pipeline."""
_FAILED: Final = frozenset({"failed", "set_aside"})
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Happened:
    """Something went wrong at a time."""

    at: datetime
    finding: Finding


@dataclass(frozen=True, slots=True)
class Passed:
    """What was wrong is well again."""

    at: datetime
    rule: str
    subject: str


def events(facts: Facts) -> Iterator[Happened | Passed]:
    """Give what the runs that ended tell, in order."""
    for run in facts.ended:
        if run.kind != "apply":  # whoever applies sees it
            yield from _of_run(facts, run)
        yield from _of_tasks(facts, run)


def is_gone(facts: Facts, rule: str, subject: str) -> bool:
    """Whether the code no longer has what an event was about, so that nothing will ever pass it."""
    if rule == "run_failed":
        return subject != BY_HAND and subject not in facts.scope.pipelines
    return subject not in facts.scope.owners


def _of_run(facts: Facts, run: EndedRun) -> Iterator[Happened | Passed]:
    subject, at = run.pipeline or BY_HAND, min(run.ended_at, facts.now)
    if run.status in _FAILED:
        yield Happened(at, _failure(facts, run, subject))
    elif run.status == "done":
        yield from _too_late(facts, run, at)
        yield Passed(at, "run_failed", subject)


def _of_tasks(facts: Facts, run: EndedRun) -> Iterator[Happened | Passed]:
    at = min(run.ended_at, facts.now)
    for node, tries in run.exhausted if run.kind != "apply" else ():
        message = f"the task of `{node}` failed in all of its {count(tries, 'try', 'tries')}"
        hint = f"`headwater logs {run.id}` says why"
        yield Happened(
            at,
            Finding(
                rule="retries_exhausted",
                subject=node,
                severity="error",
                message=message,
                hint=hint,
                owners=facts.scope.owners_of([node]),
                nodes=frozenset({node}),
                pipelines=facts.scope.pipelines_of(node) | _named(run),
                run=run.id,
                evidence=run.id,
            ),
        )
    for node in run.done:
        yield Passed(at, "retries_exhausted", node)


def _failure(facts: Facts, run: EndedRun, subject: str) -> Finding:
    scope = facts.scope
    pipeline = next((each for each in scope.graph.pipelines if each.name == run.pipeline), None)
    of_pipeline = (pipeline.owner,) if pipeline and pipeline.owner else ()
    nodes = frozenset(run.failed) or scope.pipelines.get(run.pipeline, frozenset())
    what = f"a run of `{run.pipeline}`" if run.pipeline else "a run"
    named = ", ".join(f"`{node}`" for node in run.failed[:_MOST_NAMED])
    more = len(run.failed) - _MOST_NAMED
    failed = f": {named}{f' and {more} more' if more > 0 else ''} failed" if named else ""
    return Finding(
        rule="run_failed",
        subject=subject,
        severity="error",
        message=f"{what} failed{failed}",
        hint=f"`headwater logs {run.id}` says why",
        owners=of_pipeline or scope.owners_of(nodes),
        nodes=nodes,
        pipelines=_named(run),
        run=run.id,
        evidence=run.id,
    )


def _too_late(facts: Facts, run: EndedRun, at: datetime) -> Iterator[Happened]:
    """A run that ended well but late, which nobody may have seen while it ran."""
    pipeline = next((each for each in facts.scope.graph.pipelines if each.name == run.pipeline), None)
    deadline = deadline_of(pipeline, run.fire_at) if pipeline and run.fire_at else None
    if pipeline is not None and deadline is not None and run.ended_at > deadline:
        message = f"the run of `{run.pipeline}` ended at {at:%Y-%m-%d %H:%M:%SZ}, after {deadline:%Y-%m-%d %H:%M:%SZ}"
        yield Happened(
            max(deadline, run.started_at),
            Finding(
                rule="deadline_missed",
                subject=pipeline.name,
                severity="error",
                message=message,
                hint=f"`headwater logs {run.id}` shows what took so long",
                owners=(pipeline.owner,) if pipeline.owner else (),
                nodes=facts.scope.pipelines.get(pipeline.name, frozenset()),
                pipelines=frozenset({pipeline.name}),
                run=run.id,
                evidence=run.id,
            ),
        )


def _named(run: EndedRun) -> frozenset[str]:
    return frozenset({run.pipeline} if run.pipeline else ())
