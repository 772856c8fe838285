"""How well pipelines do, from the records of their runs alone: all of it but ``statistics`` is pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.state.database import Database
from headwater.state.incidents import Incident, incidents
from headwater.state.run_records import RunRecord, run_records

FAILED: Final = frozenset({"failed", "set_aside"})
_EVERYTHING: Final = 1_000_000
_MISSED: Final = "deadline_missed"
_HIGH: Final = 0.95


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch in which a pipeline did not work: from a failure to the end of the next run that went well."""

    began_at: datetime
    """When what failed first had begun."""
    seen_at: datetime
    """When somebody could know: an incident was opened, or the run that failed had ended."""
    over_at: datetime | None
    """None: it goes on."""

    @property
    def detect_s(self) -> float:
        """Seconds until somebody could know."""
        return max(0.0, (self.seen_at - self.began_at).total_seconds())

    @property
    def recover_s(self) -> float | None:
        """Seconds until it worked again; None while it does not."""
        return None if self.over_at is None else max(0.0, (self.over_at - self.began_at).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStats:
    """How a pipeline did, durations in seconds; what cannot be known (no run ended, none had a schedule) is None."""

    environment: str
    pipeline: str
    """Empty: runs that were no pipeline's."""
    runs: int
    """All that were ordered or started, whatever came of them."""
    succeeded: int
    failed: int
    cancelled: int
    success_rate: float | None
    """Of those that succeeded or failed."""
    median_s: float | None
    p95_s: float | None
    """Of runs that succeeded."""
    late_median_s: float | None
    late_p95_s: float | None
    """From the scheduled time to the start."""
    deadline_misses: int
    outages: int
    is_down: bool
    """Whether the last run that ended has failed."""
    time_to_detect_s: float | None
    """Mean, over outages."""
    time_to_recovery_s: float | None
    """Mean, over outages that are over."""
    rows: int
    bytes: int
    retries: int
    crashes: int


def statistics(db: Database, environment: str | None, since: datetime, now: datetime) -> tuple[PipelineStats, ...]:
    """Give the statistics of each pipeline that was ordered or ran ``since``, by name; of all environments if None."""
    with db.read():
        found = run_records(db, environment, since=since, limit=_EVERYTHING)
        told = incidents(db, environment, limit=_EVERYTHING, closed=True)
    by_pipeline: dict[tuple[str, str], list[RunRecord]] = {}
    for run in found:
        if run.kind != "apply" and run.ordered_at <= now:
            by_pipeline.setdefault((run.environment, run.pipeline), []).append(run)
    recent = [each for each in told if each.opened_at >= since]
    return tuple(
        summary(of, pipeline, runs, _about(recent, of, pipeline, runs))
        for (of, pipeline), runs in sorted(by_pipeline.items())
    )


def summary(environment: str, pipeline: str, runs: Sequence[RunRecord], told: Sequence[Incident] = ()) -> PipelineStats:
    """Sum up the runs of one pipeline, in whatever order they are given; ``told``: its incidents."""
    good = [run for run in runs if run.status == "done"]
    bad = [run for run in runs if run.status in FAILED]
    durations = sorted(run.seconds for run in good if run.seconds is not None)
    lateness = sorted(late for run in runs if (late := late_s(run)) is not None)
    found = outages(runs, [each.opened_at for each in told])
    return PipelineStats(
        environment=environment,
        pipeline=pipeline,
        runs=len(runs),
        succeeded=len(good),
        failed=len(bad),
        cancelled=sum(run.status == "cancelled" for run in runs),
        success_rate=len(good) / (len(good) + len(bad)) if good or bad else None,
        median_s=quantile(durations, 0.5),
        p95_s=quantile(durations, _HIGH),
        late_median_s=quantile(lateness, 0.5),
        late_p95_s=quantile(lateness, _HIGH),
        deadline_misses=sum(each.rule == _MISSED for each in told),
        outages=len(found),
        is_down=any(each.over_at is None for each in found),
        time_to_detect_s=mean([each.detect_s for each in found]),
        time_to_recovery_s=mean([each.recover_s for each in found if each.recover_s is not None]),
        rows=sum(run.rows for run in runs),
        bytes=sum(run.bytes for run in runs),
        retries=sum(run.retries for run in runs),
        crashes=sum(run.crashes for run in runs),
    )


def outages(runs: Iterable[RunRecord], told: Iterable[datetime] = ()) -> tuple[Outage, ...]:
    """Give a pipeline's outages in order; ``told``: when incidents of it were opened.

    Runs count in the order in which they ended; of those that ended at one moment, failures come first.
    """
    opened = sorted(told)
    found: list[Outage] = []
    down: tuple[datetime, datetime] | None = None
    """Since when, and when the first run that failed had ended."""
    for ended, is_good, began in sorted(_endings(runs)):
        if not is_good and down is None:
            down = (began, ended)
        elif is_good and down is not None:
            found.append(_outage(*down, ended, opened))
            down = None
    return (*found, _outage(*down, None, opened)) if down else tuple(found)


def late_s(run: RunRecord) -> float | None:
    """Seconds from the time for which a run was scheduled to its start; None: no time, or it has not started."""
    if run.fire_at is None or run.started_at is None:
        return None
    return max(0.0, (run.started_at - run.fire_at).total_seconds())


def quantile(values: Sequence[float], share: float) -> float | None:
    """Give the smallest of sorted values that so great a share of them does not exceed.

    >>> quantile([1, 2, 3, 4], 0.5), quantile([1, 2, 3, 4], 0.95), quantile([], 0.5)
    (2, 4, None)
    """
    if not values:
        return None
    return values[max(0, -int(-len(values) * share // 1) - 1)]


def mean(values: Sequence[float]) -> float | None:
    """Give the mean; None of nothing.

    >>> mean([1.0, 2.0]), mean([])
    (1.5, None)
    """
    return sum(values) / len(values) if values else None


def _endings(runs: Iterable[RunRecord]) -> Iterable[tuple[datetime, bool, datetime]]:
    """When runs ended, whether well, and when what failed first had begun."""
    for run in runs:
        if run.ended_at is not None and (run.status == "done" or run.status in FAILED):
            yield run.ended_at, run.status == "done", run.failed_at or run.started_at or run.ordered_at


def _outage(began: datetime, ended: datetime, over: datetime | None, opened: Sequence[datetime]) -> Outage:
    first = next((at for at in opened if at >= began and (over is None or at <= over)), ended)
    return Outage(began, first, over)


def _about(told: Sequence[Incident], environment: str, pipeline: str, runs: Sequence[RunRecord]) -> list[Incident]:
    """Give the incidents of a pipeline: those that name it, or one of its runs."""
    own = {run.id for run in runs}
    return [
        each
        for each in told
        if each.environment == environment and (each.subject == pipeline or each.body.get("run") in own)
    ]
